// Package storage keeps what must last in S3: documents, evidence, the audit
// trail, the record of each collection, and the small records that stop work
// from being done twice. It is the only package with an S3 client and the only
// one that builds keys.
//
// # Write-once
//
// A key is written once, with If-None-Match. What "there already" means depends
// on what is put:
//
//   - Given bytes (uploads, specs, audit lines) are the same on every try. There
//     already with the same content is success; with other content something is
//     badly wrong, and the fault is Corrupt.
//   - Made bytes (raw answers, seals, revisions) differ on every try. What was
//     there first wins and the caller goes on with it.
//
// So every method may be repeated after any failure, whether or not the failed
// try reached the store. What changes in place is the person lock, by
// compare-and-swap with If-Match, and the report of a worker, which nobody else
// writes.
//
// # What is trusted
//
// The store is trusted to keep bytes, not to leave them alone. Evidence and
// records are encrypted and bound to their key with AES-256-GCM; hash states are
// authenticated with an HMAC over key, length and digest. Documents are as the
// store has them: they are hashed in full before delivery.
//
// # Keys
//
//	t/TENANT/d/DOCUMENT/r0000.pdf                 the upload
//	t/TENANT/d/DOCUMENT/r0000.DIGEST.state        SHA-256 state at its end
//	t/TENANT/d/DOCUMENT/upload                    its record, written last
//	t/TENANT/c/COLLECTION/spec, …/outcome         what was asked, how it ended
//	t/TENANT/c/COLLECTION/audit/000001.jsonl      audit lines, by first number
//	t/TENANT/c/COLLECTION/d/DOCUMENT/r0001.pdf    later revisions
//	t/TENANT/c/COLLECTION/e/NAME                  evidence of the collection
//	t/TENANT/c/COLLECTION/a/ATTEMPT/NAME          evidence of an attempt
//	t/TENANT/c/COLLECTION/a/ATTEMPT/NAME.pdf      a file that a provider returned and that was refused
//	t/TENANT/i/HASH                               idempotency claims
//	p/HASH                                        person locks
//	l/DIGEST                                      links
//	h/WORKER                                      how a worker finds the accounts
//
// No key carries personal data: a HASH is keyed with the installation's key
// ring. No key is a path prefix of another and none needs escaping, so any S3
// server can keep them, also one that keeps objects as files.
package storage
