package cms

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // RFC 2634 5.4, below
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/handslag/handslag/fault"
)

// Codes of the faults of [Signed.Verify], one for each answer that EN 319 102-1
// tells apart.
const (
	CodeMalformed   = "cms_malformed"
	CodeDigest      = "cms_digest_differs"
	CodeSignature   = "cms_signature_wrong"
	CodeCertBound   = "cms_certificate_not_bound"
	CodeCertUnnamed = "cms_certificate_not_named"
	CodeNoCert      = "cms_certificate_missing"
	CodeAlgorithm   = "cms_algorithm_refused"
	CodeChain       = "cms_chain_not_trusted"
	CodeImprint     = "tsa_imprint_differs"
	CodeNotStamper  = "tsa_certificate_wrong"
)

func weak(what string) error {
	return fault.New(fault.Invalid, CodeAlgorithm, "The signature uses a %s that is not accepted.", what)
}

// Verify checks everything about the signature but trust: that the signed
// attributes name the content type and digest given, that the signing
// certificate is the one they bind, and the signature value. It returns that
// certificate. The digest is of the content, under [Signed.Digest].
func (s *Signed) Verify(contentType asn1.ObjectIdentifier, digest []byte) (*x509.Certificate, error) {
	return s.verifyWith(nil, contentType, digest)
}

func (s *Signed) verifyWith(further [][]byte, contentType asn1.ObjectIdentifier, digest []byte) (*x509.Certificate, error) {
	if contentType == nil {
		contentType = oidData
	}
	var named asn1.ObjectIdentifier
	value := cryptobyte.String(s.attrs[oidContentType.String()])
	if !s.ContentType.Equal(contentType) || !value.ReadASN1ObjectIdentifier(&named) || !named.Equal(contentType) {
		return nil, malformed("its content type is not the expected one")
	}
	var said cryptobyte.String
	value = s.attrs[oidMessageDigest.String()]
	if !value.ReadASN1(&said, cbasn1.OCTET_STRING) || !value.Empty() {
		return nil, malformed("no message digest")
	}
	if subtle.ConstantTimeCompare(said, digest) != 1 {
		return nil, fault.New(fault.Invalid, CodeDigest, "The signed bytes have been changed.")
	}
	leaf, err := s.leaf(further)
	if err != nil {
		return nil, err
	}
	if !s.namesSigner() {
		// The signature value is worth knowing all the same.
		if err := s.checkSignature(leaf); err != nil {
			return leaf, err
		}
		return leaf, fault.New(fault.Invalid, CodeCertUnnamed, "The signature does not say which certificate made it.")
	}
	if err := s.bound(leaf); err != nil {
		return nil, err
	}
	return leaf, s.checkSignature(leaf)
}

// namesSigner reports one of the signing-certificate attributes.
func (s *Signed) namesSigner() bool {
	_, v1 := s.attrs[oidSigningCert.String()]
	_, v2 := s.attrs[oidSigningCertV2.String()]
	return v1 || v2
}

// leaf finds the signer's certificate among those carried, then among others;
// all the rest stays unparsed.
func (s *Signed) leaf(further [][]byte) (*x509.Certificate, error) {
	for _, raw := range slices.Concat(s.Certificates, further) {
		issuer, serial, ok := issuerOf(raw)
		if s.subjectKey == nil && (!ok || !bytes.Equal(issuer, s.issuer) || serial.Cmp(s.serial) != 0) {
			continue
		}
		c, err := x509.ParseCertificate(raw)
		if err != nil {
			if s.subjectKey != nil {
				continue
			}
			return nil, fault.New(fault.Invalid, CodeNoCert, "The signer's certificate cannot be read.").Because(err)
		}
		if s.subjectKey == nil || bytes.Equal(c.SubjectKeyId, s.subjectKey) {
			return c, nil
		}
	}
	return nil, fault.New(fault.Invalid, CodeNoCert, "The signature does not carry its signer's certificate.")
}

func issuerOf(raw []byte) ([]byte, *big.Int, bool) {
	in := cryptobyte.String(raw)
	var cert, tbs, issuer cryptobyte.String
	serial := new(big.Int)
	if !in.ReadASN1(&cert, cbasn1.SEQUENCE) || !cert.ReadASN1(&tbs, cbasn1.SEQUENCE) ||
		!tbs.SkipOptionalASN1(explicit(0)) || !tbs.ReadASN1Integer(serial) ||
		!tbs.SkipASN1(cbasn1.SEQUENCE) || !tbs.ReadASN1Element(&issuer, cbasn1.SEQUENCE) {
		return nil, nil, false
	}
	return issuer, serial, true
}

// bound holds the signing-certificate attribute (RFC 5035 3, 4) to the
// certificate used. Without it an attacker could swap in another certificate of
// the same key.
func (s *Signed) bound(leaf *x509.Certificate) error {
	unbound := fault.New(fault.Invalid, CodeCertBound, "The signature does not name the certificate that made it.")
	raw, v2 := s.attrs[oidSigningCertV2.String()]
	if !v2 {
		raw = s.attrs[oidSigningCert.String()]
	}
	in := cryptobyte.String(raw)
	var outer, list, first, hash cryptobyte.String
	if !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !outer.ReadASN1(&list, cbasn1.SEQUENCE) || !list.ReadASN1(&first, cbasn1.SEQUENCE) {
		return unbound
	}
	digest := func() []byte { d := sha256.Sum256(leaf.Raw); return d[:] }
	if !v2 {
		// RFC 5035 deprecates the SHA-1 form; timestamp authorities still send it.
		// It needs a second preimage, not a collision, to cheat.
		digest = func() []byte { d := sha1.Sum(leaf.Raw); return d[:] } //nolint:gosec // see above
	} else if first.PeekASN1Tag(cbasn1.SEQUENCE) {
		a, ok := readAlgorithm(&first)
		h, known := digestByOID(a.oid)
		if !ok || !known {
			return weak("certificate digest")
		}
		digest = func() []byte { d := h.New(); d.Write(leaf.Raw); return d.Sum(nil) }
	}
	if !first.ReadASN1(&hash, cbasn1.OCTET_STRING) || !bytes.Equal(hash, digest()) {
		return unbound
	}
	if first.Empty() {
		return nil
	}
	var id, names, name, issuer cryptobyte.String
	serial := new(big.Int)
	if !first.ReadASN1(&id, cbasn1.SEQUENCE) || !id.ReadASN1(&names, cbasn1.SEQUENCE) || !names.ReadASN1(&name, explicit(4)) ||
		!name.ReadASN1Element(&issuer, cbasn1.SEQUENCE) || !id.ReadASN1Integer(serial) ||
		!bytes.Equal(issuer, leaf.RawIssuer) || serial.Cmp(leaf.SerialNumber) != 0 {
		return unbound
	}
	return nil
}

// checkSignature holds the signature value to the signed attributes. RFC 5652 5.4:
// what is signed is their DER encoding as a SET OF, not the [0] that is sent. As
// they came that is the same, but for the order, which a sender may neglect.
func (s *Signed) checkSignature(leaf *x509.Certificate) error {
	signed := retag(s.signedAttrs, 0x31)
	if s.unsorted {
		sorted, ok := sortedSet(signed)
		if !ok {
			return malformed("signed attributes")
		}
		signed = sorted
	}
	return s.checkOver(leaf, signed)
}

func (s *Signed) checkOver(leaf *x509.Certificate, signed []byte) error {
	wrong := fault.New(fault.Invalid, CodeSignature, "The signature does not match its signer's key.")
	if key, ok := leaf.PublicKey.(ed25519.PublicKey); ok {
		// RFC 8419 3.1: Ed25519 goes with SHA-512 and signs the attributes themselves.
		if !s.algorithm.oid.Equal(oidEd25519) || s.digest != crypto.SHA512 {
			return weak("signature algorithm")
		}
		if !ed25519.Verify(key, signed, s.signature) {
			return wrong
		}
		return nil
	}
	hash, pss, err := s.signatureHash(leaf)
	if err != nil {
		return err
	}
	d := hash.New()
	d.Write(signed)
	switch key := leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		if pss != nil {
			err = rsa.VerifyPSS(key, hash, d.Sum(nil), s.signature, pss)
		} else {
			err = rsa.VerifyPKCS1v15(key, hash, d.Sum(nil), s.signature)
		}
	case *ecdsa.PublicKey:
		if !ecdsa.VerifyASN1(key, d.Sum(nil), s.signature) {
			err = errors.New("ecdsa: verification error")
		}
	}
	if err != nil {
		return wrong.Because(err)
	}
	return nil
}

// signatureHash reads the signature algorithm and holds it to the key and to the
// digest algorithm of the signer.
func (s *Signed) signatureHash(leaf *x509.Certificate) (crypto.Hash, *rsa.PSSOptions, error) {
	is := s.algorithm.oid.Equal
	switch key := leaf.PublicKey.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < 2048 {
			return 0, nil, weak("key of less than 2048 bits")
		}
		switch {
		case is(oidRSAPSS):
			return s.pss()
		case is(oidRSA), // RFC 3370 3.2: the digest is the signer's
			is(oidRSAWithSHA256) && s.digest == crypto.SHA256,
			is(oidRSAWithSHA384) && s.digest == crypto.SHA384,
			is(oidRSAWithSHA512) && s.digest == crypto.SHA512:
			return s.digest, nil, nil
		}
	case *ecdsa.PublicKey:
		if key.Params().BitSize < 256 {
			return 0, nil, weak("key of less than 256 bits")
		}
		if is(oidECDSAWithSHA256) && s.digest == crypto.SHA256 ||
			is(oidECDSAWithSHA384) && s.digest == crypto.SHA384 ||
			is(oidECDSAWithSHA512) && s.digest == crypto.SHA512 {
			return s.digest, nil, nil
		}
	}
	return 0, nil, weak("signature algorithm")
}

// pss reads RSASSA-PSS-params (RFC 8017 A.2.3). Defaults mean SHA-1 and are
// refused with it.
func (s *Signed) pss() (crypto.Hash, *rsa.PSSOptions, error) {
	var params, h, m, mgfHash, salt cryptobyte.String
	var saltLength int
	in := s.algorithm.params
	ok := in.ReadASN1(&params, cbasn1.SEQUENCE) && params.ReadASN1(&h, explicit(0)) && params.ReadASN1(&m, explicit(1)) &&
		params.ReadASN1(&salt, explicit(2)) && salt.ReadASN1Integer(&saltLength) && params.SkipOptionalASN1(explicit(3)) && params.Empty()
	digest, ok1 := readAlgorithm(&h)
	mgf, ok2 := readAlgorithm(&m)
	mgfHash = mgf.params
	inner, ok3 := readAlgorithm(&mgfHash)
	hash, known := digestByOID(digest.oid)
	if !ok || !ok1 || !ok2 || !ok3 || !known || hash != s.digest || !mgf.oid.Equal(oidMGF1) || !inner.oid.Equal(digest.oid) || saltLength < hash.Size() {
		return 0, nil, weak("form of RSA-PSS")
	}
	return hash, &rsa.PSSOptions{SaltLength: saltLength, Hash: hash}, nil
}

// Chain checks that roots vouch for leaf at the time given, with the certificates
// that the signature carries and further ones as intermediates at most.
func (s *Signed) Chain(leaf *x509.Certificate, roots *x509.CertPool, at time.Time, usage x509.ExtKeyUsage, further ...*x509.Certificate) ([]*x509.Certificate, error) {
	untrusted := fault.New(fault.Invalid, CodeChain, "No trust anchor that was given vouches for the signer's certificate.")
	if roots == nil {
		return nil, untrusted
	}
	between := x509.NewCertPool()
	for _, c := range further {
		between.AddCert(c)
	}
	for _, raw := range s.Certificates {
		if c, err := x509.ParseCertificate(raw); err == nil {
			between.AddCert(c)
		}
	}
	chains, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{usage},
	})
	if err != nil {
		return nil, untrusted.Because(err)
	}
	return chains[0], nil
}
