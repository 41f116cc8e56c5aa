//go:build race

package pdfcpuchild

// The race detector reserves address space without end, which is what the limit
// counts; with it, a child has none.
const defaultMemory = -1
