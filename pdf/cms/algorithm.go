package cms

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"

	"github.com/handslag/handslag/fault"
)

// algorithm is how a key signs: its digest algorithm goes for the content, for
// the attributes and for the certificate's binding, so that the signature is
// nowhere weaker than its key.
type algorithm struct {
	digest     crypto.Hash
	digestOID  asn1.ObjectIdentifier
	identifier pkix.AlgorithmIdentifier
	options    crypto.SignerOpts
	check      x509.SignatureAlgorithm
}

func (a algorithm) sum(b []byte) []byte {
	h := a.digest.New()
	h.Write(b)
	return h.Sum(nil)
}

// essDigest leaves the default of RFC 5035 4 out, as DER asks.
func (a algorithm) essDigest() pkix.AlgorithmIdentifier {
	if a.digest == crypto.SHA256 {
		return pkix.AlgorithmIdentifier{}
	}
	return pkix.AlgorithmIdentifier{Algorithm: a.digestOID}
}

// Digest names the digest algorithm of the content that this signer signs.
func (s Signer) Digest() (crypto.Hash, error) {
	a, err := s.algorithm()
	return a.digest, err
}

func (s Signer) algorithm() (algorithm, error) {
	if s.Key == nil || len(s.Chain) == 0 {
		return algorithm{}, fault.New(fault.Internal, "seal_key_missing", "The seal has no key or no certificate.")
	}
	type publicKey interface{ Equal(crypto.PublicKey) bool }
	if k, ok := s.Key.Public().(publicKey); !ok || !k.Equal(s.Chain[0].PublicKey) {
		return algorithm{}, fault.New(fault.Internal, "seal_key_mismatch", "The seal's key does not belong to its certificate.")
	}
	switch k := s.Key.Public().(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() >= 2048 {
			return s.rsa(), nil
		}
	case *ecdsa.PublicKey:
		if a, ok := ecdsaOn(k.Curve); ok {
			return a, nil
		}
	case ed25519.PublicKey:
		// RFC 8419 3.1: SHA-512 for the content; what is signed are the attributes
		// themselves, not their digest.
		return algorithm{
			crypto.SHA512, oidSHA512, pkix.AlgorithmIdentifier{Algorithm: oidEd25519}, crypto.Hash(0), x509.PureEd25519,
		}, nil
	}
	return algorithm{}, fault.New(fault.Internal, "seal_key_unsupported", "The seal's key is not RSA of 2048 bits or more, ECDSA on P-256, P-384 or P-521, nor Ed25519.")
}

func (s Signer) rsa() algorithm {
	if !s.PSS {
		return algorithm{
			crypto.SHA256, oidSHA256,
			pkix.AlgorithmIdentifier{Algorithm: oidRSAWithSHA256, Parameters: asn1.NullRawValue},
			crypto.SHA256, x509.SHA256WithRSA,
		}
	}
	// RFC 4055 3.1: digest and mask of one algorithm, a salt of its length. The
	// defaults of RFC 8017 are SHA-1 and are never written.
	return algorithm{
		crypto.SHA256, oidSHA256,
		pkix.AlgorithmIdentifier{Algorithm: oidRSAPSS, Parameters: pssParameters(oidSHA256, crypto.SHA256.Size())},
		&rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}, x509.SHA256WithRSAPSS,
	}
}

// ecdsaOn pairs each curve with the digest of its strength (FIPS 186-5 6.1.1).
func ecdsaOn(c elliptic.Curve) (algorithm, bool) {
	switch c {
	case elliptic.P256():
		return algorithm{crypto.SHA256, oidSHA256, pkix.AlgorithmIdentifier{Algorithm: oidECDSAWithSHA256}, crypto.SHA256, x509.ECDSAWithSHA256}, true
	case elliptic.P384():
		return algorithm{crypto.SHA384, oidSHA384, pkix.AlgorithmIdentifier{Algorithm: oidECDSAWithSHA384}, crypto.SHA384, x509.ECDSAWithSHA384}, true
	case elliptic.P521():
		return algorithm{crypto.SHA512, oidSHA512, pkix.AlgorithmIdentifier{Algorithm: oidECDSAWithSHA512}, crypto.SHA512, x509.ECDSAWithSHA512}, true
	}
	return algorithm{}, false
}

// pssParameters encodes RSASSA-PSS-params (RFC 8017 A.2.3).
func pssParameters(digest asn1.ObjectIdentifier, salt int) asn1.RawValue {
	type parameters struct {
		Hash pkix.AlgorithmIdentifier `asn1:"explicit,tag:0"`
		Mask pkix.AlgorithmIdentifier `asn1:"explicit,tag:1"`
		Salt int                      `asn1:"explicit,tag:2"`
	}
	hash := pkix.AlgorithmIdentifier{Algorithm: digest, Parameters: asn1.NullRawValue}
	inner, _ := asn1.Marshal(hash) // of constants: cannot fail
	der, _ := asn1.Marshal(parameters{hash, pkix.AlgorithmIdentifier{Algorithm: oidMGF1, Parameters: asn1.RawValue{FullBytes: inner}}, salt})
	return asn1.RawValue{FullBytes: der}
}

// sign signs the attributes and checks the outcome: keys are in machines of
// other makers, which have their own ideas of what a signature looks like.
func (s Signer) sign(attrs []byte, a algorithm) ([]byte, error) {
	message := attrs
	if a.options.HashFunc() != 0 {
		message = a.sum(attrs)
	}
	signature, err := s.Key.Sign(s.Rand, message, a.options)
	if err != nil {
		return nil, fmt.Errorf("sign attributes: %w", err)
	}
	if err := s.Chain[0].CheckSignature(a.check, attrs, signature); err != nil {
		return nil, fault.New(fault.Internal, "seal_key_signature", "The seal's key made a signature that does not match its certificate.").Because(err)
	}
	return signature, nil
}
