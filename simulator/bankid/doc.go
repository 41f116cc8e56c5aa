// Package bankid simulates BankID's Relying Party API v6, with the person and
// the app behind it.
//
// Two faces meet here. Relying parties see [Server.API], an HTTPS service with
// mutual TLS that answers as BankID documents it, limits, errors and timing
// included. Persons, played by a test or by somebody at the small web page, see
// [Server.Control]: they scan the QR code that is shown to them, read the text
// and sign. What comes out is a real signature, made with certificates of the
// simulated world in package pki, with a real OCSP response.
//
// Invariants:
//
//   - Time is only what the injected clock says. Nothing runs in the background;
//     an order is brought up to date whenever somebody looks at it.
//   - A terminal answer is handed out once.
//   - An order belongs to the relying party that made it, and is unknown to all
//     others.
//   - With a state file, an answer leaves only after what it rests on was
//     written and synced.
//
// Where BankID's behaviour is not documented, [Settings] says what we assume.
package bankid
