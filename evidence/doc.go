// Package evidence is what proves a collection's signatures to somebody who
// does not trust us: the files that a sealed document carries, and the
// verification of such a document, offline, with trust anchors that the
// verifier brings along.
//
// A sealed document is the upload, byte for byte, then one incremental update
// with the evidence page and the evidence files, then our organisation's seal.
// The file handslag-evidence.json is the [Index] of the others. Each Swedish
// signature is there as BankID made it: its XML, its OCSP response and the
// manifest that it covers. So a verifier needs nothing else to find out who
// signed which bytes and when; what the index or the page says is only checked
// against that.
//
// A document that may only receive signatures is the upload and our seal, and a
// sealed evidence PDF of its own has the evidence, in the same form. Its index
// names the upload and the result by length and digest; the two are verified
// together ([VerifyDocument]).
package evidence
