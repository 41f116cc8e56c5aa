// Package sbab follows signings in SBAB's own loan and pre-approval processes
// through SBAB's Signing API 1.0, and passes the contract of package providers.
//
// What shapes it:
//
//   - What is signed is SBAB's. The adapter starts, follows and withdraws the
//     signing of a participant whose id SBAB's process gave
//     (StartRequest.ProviderParticipant), and sends no text. Its one method is
//     bankid-se-process and its assurance attested-process: a related signing that
//     the evidence lists as such, never a signature on our documents.
//   - SBAB says that a signing is complete, and no more: not by whom, nor any
//     signature. Who it is follows from the participant alone.
//   - An order is named by the participant. A later signing of the same one has the
//     same name, so that one attempt must have ended before the next begins.
//   - A second start without a cancel between is refused, and can block the person
//     for minutes (see starts). The refusal says when to try again; the adapter
//     repeats nothing.
//   - Hints are SBAB's spelling of BankID's. They are handed on in BankID's, so that
//     one table of messages serves.
package sbab
