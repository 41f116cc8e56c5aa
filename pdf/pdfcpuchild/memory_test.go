//go:build !race

package pdfcpuchild_test

const memory = 0 // the default
