// Package workflows orchestrates a collection from its creation to its sealed
// documents, durably: Temporal replays the code after any crash.
//
// The package decides nothing about signing: it asks the signing package and
// does what it answers, by activities. It reads as the procedure does:
// [CollectionWorkflow] in collection.go, one participant's attempt in
// attempt.go, the commands that arrive from outside in commands.go, every
// timeout in options.go, every name in names.go.
//
// All effects run on a context that is disconnected from the workflow's own, so
// that a cancellation of the workflow is seen once, in one place, and cannot
// cut off work that must be finished.
package workflows
