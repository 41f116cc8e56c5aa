// Package signing is the domain of Handslag: collections of documents that
// participants sign together, the rules for who may act when, and the exact
// texts that a signature binds.
//
// A [Collection] holds [Document]s and [Participant]s. Participants belong to
// steps; those of the lowest unfinished step may act, in parallel, and the next
// step waits. A participant signs by making an [Attempt] at a provider. At most
// one attempt of a participant is live. An attempt that is verified yields a
// [Signature]; when every participant has signed, the collection is sealed.
//
//	in_progress ──all signed──▶ sealing ──sealed──▶ completed
//	     ├──declined by a participant──▶ declined
//	     ├──cancelled by its owner─────▶ cancelled
//	     └──deadline passed────────────▶ expired
//
// No end is reached while an attempt is live, so an end never discards a
// signature that a person was making when it was asked for.
//
// The package decides and does nothing: it has no clock, no randomness, no I/O
// and imports none of our other packages but fault. A workflow asks it and does
// what it answers, which keeps replay deterministic and lets tests explore every
// order of events.
package signing
