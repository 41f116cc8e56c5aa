package seals

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/handslag/handslag/pdf/revocation"
)

// checkKey refuses a key that is not the certificate's, or too weak for a seal:
// verifiers refuse RSA below 2048 bits and curves below 256 (ETSI TS 119 312).
func checkKey(public crypto.PublicKey, chain []*x509.Certificate) error {
	type publicKey interface{ Equal(crypto.PublicKey) bool }
	if k, ok := public.(publicKey); !ok || !k.Equal(chain[0].PublicKey) {
		for i, c := range chain[1:] {
			if ok && k.Equal(c.PublicKey) {
				return fmt.Errorf("the key belongs to certificate %d; the seal's own certificate must come first", i+2)
			}
		}
		return errors.New("the key does not belong to the certificate")
	}
	switch k := public.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < 2048 {
			return fmt.Errorf("an RSA key of %d bits is too weak; 2048 are needed", k.N.BitLen())
		}
	case *ecdsa.PublicKey:
		switch name := k.Params().Name; name {
		case "P-256", "P-384", "P-521":
		default:
			return fmt.Errorf("a key on the curve %s is not supported; P-256, P-384 and P-521 are", name)
		}
	case ed25519.PublicKey:
	default:
		return fmt.Errorf("a key of type %T is not supported; RSA, ECDSA and Ed25519 are", public)
	}
	return nil
}

// checkChain refuses certificates that are of no use for a seal, at any time.
func checkChain(chain []*x509.Certificate) error {
	own := chain[0]
	const forSignatures = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
	switch {
	case own.IsCA:
		return errors.New("the first certificate is a CA's; the seal's own certificate must come first")
	case own.KeyUsage != 0 && own.KeyUsage&forSignatures == 0: // RFC 5280 4.2.1.3
		return errors.New("the certificate is not for signatures: its key usage has neither digital signature nor non-repudiation")
	}
	for i, c := range chain[1:] {
		if err := chain[i].CheckSignatureFrom(c); err != nil {
			return fmt.Errorf("certificate %d was not issued by certificate %d; list the seal's own first, then its issuer, and so on", i+1, i+2)
		}
	}
	return nil
}

// checkStatus refuses a chain of which nobody can prove that it was not revoked:
// neither B-LT nor B-LTA could be made with it.
func checkStatus(chain []*x509.Certificate) error {
	for i, c := range chain {
		root := bytes.Equal(c.RawIssuer, c.RawSubject)
		if !root && !revocation.Named(c) && !revocation.ShortLived(c) {
			return fmt.Errorf("certificate %d names neither an OCSP responder nor a revocation list; choose level B-T, or a certificate that does", i+1)
		}
	}
	return nil
}

// checkTrust verifies the chain as a verifier with the installation's anchors
// will. That a certificate is not valid now is no matter here: see [Term].
func checkTrust(chain, known []*x509.Certificate, anchors *x509.CertPool, now time.Time) error {
	intermediates := x509.NewCertPool()
	for _, c := range append(chain[1:len(chain):len(chain)], known...) {
		intermediates.AddCert(c)
	}
	from, until := validity(chain)
	switch {
	case !from.Before(until):
		return errors.New("the certificates of the chain are never valid at one time")
	case now.Before(from):
		now = from
	case now.After(until):
		now = until
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: anchors, Intermediates: intermediates, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return fmt.Errorf("the certificate does not verify against the trust anchors for seals of this installation (is it one for tests, or is a certificate of its chain missing?): %w", err)
	}
	return nil
}

// validity is when all of the chain is valid.
func validity(chain []*x509.Certificate) (from, until time.Time) {
	from, until = chain[0].NotBefore, chain[0].NotAfter
	for _, c := range chain[1:] {
		if c.NotBefore.After(from) {
			from = c.NotBefore
		}
		if c.NotAfter.Before(until) {
			until = c.NotAfter
		}
	}
	return from, until
}
