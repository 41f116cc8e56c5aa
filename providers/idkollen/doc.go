// Package idkollen speaks IDkollen's API v3 for Swedish BankID, as one account,
// and passes the contract of package providers.
//
// IDkollen is a broker in front of BankID. What shapes the adapter:
//
//   - It hands out no signature. A completed order says who signed, and the text
//     and digest are not even repeated. So a result is attested, never verified,
//     and an identification is kept apart from a signature by its order's
//     reference.
//   - An order that has ended is told as often as asked for, until it expires, so
//     that a lost answer is no lost result.
//   - It allows one status call a second. The client keeps that pace by itself
//     and refuses, as Unavailable with a time to wait, what would come too early.
//   - It calls us back when an order ends. A callback is a reason to ask, and
//     proves nothing; see [Client.ReadPush].
//
// The text to sign is shown as it is: IDkollen takes plain text, so that the
// marks of simpleMarkdownV1 are seen by the person. What is attested is that very
// text. There is no return address either; the app goes back where it came from.
package idkollen
