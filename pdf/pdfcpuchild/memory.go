//go:build !race

package pdfcpuchild

const defaultMemory = 768 << 20
