// Package activities has the side effects of a collection: it calls providers,
// keeps evidence and documents, and seals. Each file is one concern.
//
// Every activity may run more than once, for Temporal repeats what it did not
// hear the end of. So each writes under keys that follow from its input and is
// either given its bytes, when a repeat must find the same ones, or adopts what
// an earlier run made. The one exception is the start of a provider's order,
// which is never repeated: see [Attempts.StartAttempt].
//
// The package declares the interfaces that it needs; adapters, storage and the
// PDF engine are wired in by worker.
package activities
