//go:build race

package pdfcpuchild_test

const memory = -1 // the race detector reserves address space without end
