// Package idkollen simulates IDkollen's API v3 for Swedish BankID: a broker that
// makes orders at BankID for its customers and says, as JSON and with no
// signature, what came of them.
//
// Customers see [Server.API], HTTPS with basic authentication: auth and sign,
// both also by phone, their status, their cancellation, and a callback when an
// order has ended. The person sees the simulated BankID app of package
// simulator/bankid, for IDkollen's orders are orders there: a QR code, a start
// token and a conflict with another order work as they do for anybody else's.
//
// Invariants:
//
//   - Time is only what the injected clock says. Nothing happens between two
//     looks at an order, except that [Server.Deliver] sends what is due.
//   - A status is told as often as asked for, once a second, until it expires.
//   - An order belongs to the account that made it.
//
// Where IDkollen's behaviour is not documented, [Settings] says what we assume.
// Nothing is kept over a restart.
package idkollen
