package main

import (
	"crypto/x509"
	"fmt"

	"github.com/handslag/handslag/fault"
)

var errNoProvider = fault.New(fault.Invalid, "provider_unknown", "The installation has no account at that provider.")

func parseChain(der [][]byte) ([]*x509.Certificate, error) {
	var chain []*x509.Certificate
	for i, b := range der {
		c, err := x509.ParseCertificate(b)
		if err != nil {
			return nil, fmt.Errorf("parse certificate %d: %w", i+1, err)
		}
		chain = append(chain, c)
	}
	return chain, nil
}
