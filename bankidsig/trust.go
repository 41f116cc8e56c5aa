package bankidsig

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"

	"github.com/handslag/handslag/fault"
)

// Environment is the world that a trust anchor stands for.
type Environment string

// The environments.
const (
	Live      Environment = "live"
	Test      Environment = "test"      // BankID's own test environment
	Simulator Environment = "simulator" // proves nothing about anybody
)

// Anchor is one root certificate that the operator trusts to issue BankIDs.
type Anchor struct {
	Environment Environment
	Certificate *x509.Certificate
}

// Trust is every anchor that a verifier accepts.
type Trust []Anchor

// SHA-256 fingerprints of the roots of BankID's signing hierarchy, "BankID Root
// CA v1" and "Test BankID Root CA v1 Test". They keep a root from being filed
// under the wrong environment; they do not make anything trusted.
const (
	liveRootV1 = "ca32588e385b961d58e26010c6f8c839f7ca071e497de6b7841640a61506fd31"
	testRootV1 = "c6faeaf8ccadcfd0738dc99140ca788c1a19a93f843c5a9ec1369872d50e45f2"
)

// ParseAnchors reads PEM certificates as the anchors of one environment. It
// refuses a root of BankID's that belongs to another environment, and anything
// that is no self-signed CA certificate. Join the results for several
// environments with append.
func ParseAnchors(env Environment, pemBytes []byte) (Trust, error) {
	switch env {
	case Live, Test, Simulator:
	default:
		return nil, fault.New(fault.Invalid, "anchors_invalid", "The environment of BankID trust anchors must be live, test or simulator.")
	}
	var trust Trust
	for rest := pemBytes; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, fault.New(fault.Invalid, "anchors_invalid", "A file of BankID trust anchors holds something else than certificates.")
		}
		c, err := parseAnchor(env, block.Bytes)
		if err != nil {
			return nil, err
		}
		trust = append(trust, Anchor{env, c})
	}
	if len(trust) == 0 {
		return nil, fault.New(fault.Invalid, "anchors_invalid", "A file of BankID trust anchors holds no certificate.")
	}
	return trust, nil
}

func parseAnchor(env Environment, der []byte) (*x509.Certificate, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fault.New(fault.Invalid, "anchors_invalid", "A BankID trust anchor is no X.509 certificate.").Because(err)
	}
	if !c.IsCA || !bytes.Equal(c.RawSubject, c.RawIssuer) || c.CheckSignatureFrom(c) != nil {
		return nil, fault.New(fault.Invalid, "anchors_invalid", "A BankID trust anchor is not a self-signed CA certificate.")
	}
	if known, ok := knownEnvironment(fingerprint(c)); ok && known != env {
		return nil, fault.New(fault.Invalid, "anchors_environment", "A BankID root of the %s environment is configured as %s.", known, env)
	}
	return c, nil
}

func knownEnvironment(fingerprint string) (Environment, bool) {
	switch fingerprint {
	case liveRootV1:
		return Live, true
	case testRootV1:
		return Test, true
	}
	return "", false
}

func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// find returns the anchor that holds exactly the certificate given.
func (t Trust) find(c *x509.Certificate) (Anchor, bool) {
	for _, a := range t {
		if a.Certificate.Equal(c) {
			return a, true
		}
	}
	return Anchor{}, false
}
