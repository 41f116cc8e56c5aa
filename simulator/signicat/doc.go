// Package signicat simulates Signicat's Sign API v2 with Norwegian BankID: what
// is uploaded is really signed, with PAdES signatures of people whom the
// simulated Norwegian BankID knows.
//
//	POST   /auth/open/connect/token            client credentials, Basic or in the form
//	POST   /sign/documents                     the bytes themselves
//	GET    /sign/documents/{id}                originals and results alike; DELETE
//	GET    /sign/documents/{id}/metadata       PATCH
//	POST   /sign/document-collections          GET, DELETE with an id
//	POST   /sign/signing-sessions              an array in, an array out; GET lists
//	GET    /sign/signing-sessions/{id}         DELETE
//	GET    /sign/archive-documents/{id}
//	POST   /sign/merchant-signing              its real address is not known; this one is ours
//
// A signature is an incremental update of the file that was uploaded, so what
// comes back from one session and is uploaded for the next has one more.
//
// What is not documented is a member of [Settings], with a default that is an
// assumption. Time follows the clock given: files that no session names go after
// 30 minutes, sessions with their files at the due date, and seven days later
// their bytes are purged.
package signicat
