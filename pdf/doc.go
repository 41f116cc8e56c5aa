// Package pdf reads, checks, extends, seals and verifies PDF documents without
// ever rewriting a byte that is already there.
//
// # The idea
//
// A document is a sequence of revisions; each starts with every byte of the one
// before. All writing is therefore the making of a tail: [Append] returns the
// bytes that add pages and associated files, [Seal] the bytes that add a PAdES
// signature, and the caller stores the old bytes followed by the tail. Tails
// compose, so that an upload becomes a sealed result with one write:
//
//	rev := pdf.Revision{Source: upload, Size: n, Hash: state}
//	pages, err := pdf.Append(rev, additions)
//	seal, err := pdf.Seal(ctx, rev.Extend(pages), options)
//	// result = upload ‖ pages ‖ seal
//
// A document is hashed once. [HashState] is SHA-256 in mid-flight; it is stored
// with the revision, and a seal feeds it the new bytes only.
//
// A seal has a [Level]: at B-LT and B-LTA it is several updates in one tail, which
// bring the proofs along that a verifier will need when its certificates have long
// ended. [Renew] carries a B-LTA document over the end of its last timestamp's.
//
// Who verifies a result knows the upload by its length and its digest.
// [CheckAppended] says that nothing but such tails follows it, [Verify] that the
// seal covers all of it.
//
// # Invariants
//
//   - Nothing is repaired. A file that two readers could understand differently
//     is refused with a named fault, since a signature over it would prove
//     nothing about what the signer saw.
//   - Work is bounded by [Limits]; memory does not grow with the size of a file,
//     only with its number of objects.
//   - Nothing in a file is trusted: no root, no address, no time it claims.
//
// The CMS and timestamp formats are in the sub-package cms, the client of a
// timestamp authority in tsa, the proofs of certificates' status in revocation, and
// all that pdfcpu does in pdfcpuchild.
package pdf
