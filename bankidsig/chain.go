package bankidsig

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"time"
)

// minKeyBits is the shortest RSA key that we take a signature of.
const minKeyBits = 2048

// checkChain checks that the document's certificates, in their order, lead from
// a person to an anchor of ours, all valid at the time given. It returns the
// anchor.
func checkChain(certificates []*x509.Certificate, trust Trust, at time.Time) (Anchor, error) {
	leaf := certificates[0]
	// BankID's identification certificates have keyUsage digitalSignature and its
	// signing certificates nonRepudiation; one of them it must be. Which, is judged
	// when it is known what the person did (bindPurpose).
	if leaf.IsCA || leaf.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
		return Anchor{}, reject(BadCertificate, "the certificate is not one that a person signs with")
	}
	for _, c := range certificates {
		if weak(c) {
			return Anchor{}, reject(WeakKey, "a key of the chain is not RSA of at least %d bits", minKeyBits)
		}
		if at.Before(c.NotBefore) || at.After(c.NotAfter) {
			return Anchor{}, reject(NotValidWhenSigned, "a certificate of the chain was not valid at the time of signing")
		}
	}
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	for _, a := range trust {
		roots.AddCert(a.Certificate)
	}
	for _, c := range certificates[1:] {
		intermediates.AddCert(c)
	}
	chains, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: intermediates, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return Anchor{}, reject(UntrustedRoot, "its certificates lead to no trust anchor that was valid at the time of signing")
	}
	for _, chain := range chains {
		if anchor, ok := usesAll(chain, certificates, trust); ok {
			return anchor, nil
		}
	}
	return Anchor{}, reject(UnexpectedStructure, "its certificates are not one chain without the root")
}

func weak(c *x509.Certificate) bool {
	key, ok := c.PublicKey.(*rsa.PublicKey)
	return !ok || key.N.BitLen() < minKeyBits
}

// usesAll reports whether a chain is the document's certificates, in their
// order, and then an anchor: nothing else may ride along.
func usesAll(chain, certificates []*x509.Certificate, trust Trust) (Anchor, bool) {
	if len(chain) != len(certificates)+1 {
		return Anchor{}, false
	}
	for i, c := range certificates {
		if !c.Equal(chain[i]) {
			return Anchor{}, false
		}
	}
	return trust.find(chain[len(chain)-1])
}

// checkSignature verifies RSA PKCS #1 v1.5 with SHA-256 over the raw SignedInfo.
func (d *document) checkSignature() error {
	key, ok := d.certificates[0].PublicKey.(*rsa.PublicKey)
	if !ok {
		return reject(WeakKey, "the key of the certificate is not RSA")
	}
	sum := sha256.Sum256(d.signedInfo)
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], d.signatureValue); err != nil {
		return reject(BadSignature, "the signature value does not match")
	}
	return nil
}
