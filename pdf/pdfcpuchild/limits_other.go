//go:build !linux

package pdfcpuchild

// limitProcess has nothing to add where no address-space limit works with the Go
// runtime; the soft memory limit, the stack limit and the deadline remain.
func limitProcess(int64, uint64) error { return nil }
