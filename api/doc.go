// Package api is the HTTP interface of Handslag. Its contract is openapi.yaml:
// routes, authentication and the shape of every request and answer are read
// from it, the models and bindings in gen are generated from it, and it is
// served at /openapi.json.
//
// # The idea
//
// The package holds no state of its own. A command becomes an Update of the
// collection's workflow and a question becomes a Query, or the heartbeat of the
// activity that follows a live attempt; what has ended is answered from the
// store. So any number of servers answer alike, and none remembers anything.
//
// A request passes, in this order: request id and access log, recovery from
// panics, the route, authentication, negotiation, the limits of its body, the
// contract's schema, and the handler. What goes wrong on the way is a
// *fault.Error and becomes a problem (RFC 9457) in one place.
//
// # Invariants
//
//   - Every answer with a status of 400 or more is application/problem+json, and
//     its code is in problems.yaml. (A service that is not ready says so in its
//     own words.)
//   - A tenant cannot tell another tenant's things from things that are not there.
//   - Names, titles and personal numbers are in no answer, log or error; but for the
//     text of a consent, which names the documents to the person who is to agree.
//   - *gin.Context stays in this package.
//
// Use [New] with a [Config], then [Server.Serve].
package api
