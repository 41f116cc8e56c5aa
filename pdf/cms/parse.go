package cms

import (
	"bytes"
	"crypto"
	"encoding/asn1"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/handslag/handslag/fault"
)

// Signed is a parsed SignedData with exactly one signer. Everything in it is
// still untrusted.
type Signed struct {
	ContentType  asn1.ObjectIdentifier
	Content      []byte   // nil when detached
	Certificates [][]byte // raw: some that are carried along do not parse, and need not

	digest      crypto.Hash
	issuer      []byte // raw Name of the signer's certificate
	serial      *big.Int
	subjectKey  []byte // instead of issuer and serial
	signedAttrs []byte // as transmitted, tag [0]
	attrs       map[string][]byte
	algorithm   algorithmID
	signature   []byte
	timestamps  [][]byte
	unsorted    bool // signed attributes that are not in the order of DER
	revocation  []cryptobyte.String
}

type algorithmID struct {
	oid    asn1.ObjectIdentifier
	params cryptobyte.String
}

const maxCertificates = 64

func malformed(why string) error {
	return fault.New(fault.Invalid, "cms_malformed", "The signature is not well formed: %s.", why)
}

// Parse reads a ContentInfo with SignedData. Zero bytes may follow it, since
// PDF pads /Contents with them; any other byte may not. The frame may be BER, as
// some programs write it; it is brought into DER before it is read, which leaves
// alone what is DER already: attributes and certificates.
func Parse(der []byte) (*Signed, error) {
	der, err := distinguished(der)
	if err != nil {
		return nil, err
	}
	in := cryptobyte.String(der)
	var info, content, sd cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !in.ReadASN1(&info, cbasn1.SEQUENCE) {
		return nil, malformed("no DER sequence")
	}
	if len(bytes.Trim(in, "\x00")) != 0 {
		return nil, malformed("other bytes follow it")
	}
	if !info.ReadASN1ObjectIdentifier(&oid) || !oid.Equal(oidSignedData) ||
		!info.ReadASN1(&content, explicit(0)) || !info.Empty() || !content.ReadASN1(&sd, cbasn1.SEQUENCE) || !content.Empty() {
		return nil, malformed("no signed data")
	}
	s := &Signed{attrs: map[string][]byte{}}
	if err := s.readBody(sd); err != nil {
		return nil, err
	}
	return s, nil
}

func explicit(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

func (s *Signed) readBody(sd cryptobyte.String) error {
	var version int
	var algorithms, encap, signers cryptobyte.String
	if !sd.ReadASN1Integer(&version) || version < 1 || version > 5 || !sd.ReadASN1(&algorithms, cbasn1.SET) ||
		!sd.ReadASN1(&encap, cbasn1.SEQUENCE) || !encap.ReadASN1ObjectIdentifier(&s.ContentType) {
		return malformed("signed data")
	}
	var content cryptobyte.String
	var present bool
	if !encap.ReadOptionalASN1(&content, &present, explicit(0)) || !encap.Empty() {
		return malformed("content")
	}
	if present {
		var octets cryptobyte.String
		if !content.ReadASN1(&octets, cbasn1.OCTET_STRING) || !content.Empty() {
			return malformed("content")
		}
		s.Content = append([]byte{}, octets...)
	}
	if err := s.readCertificates(&sd); err != nil {
		return err
	}
	var crls cryptobyte.String
	if !sd.ReadOptionalASN1(&crls, &present, explicit(1)) || !sd.ReadASN1(&signers, cbasn1.SET) || !sd.Empty() {
		return malformed("signers")
	}
	if present {
		s.readRevocation(crls)
	}
	var one cryptobyte.String
	// ETSI EN 319 142-1 table 1: exactly one SignerInfo.
	if !signers.ReadASN1(&one, cbasn1.SEQUENCE) || !signers.Empty() {
		return malformed("there is not exactly one signer")
	}
	return s.readSigner(one)
}

func (s *Signed) readCertificates(sd *cryptobyte.String) error {
	var set cryptobyte.String
	var present bool
	if !sd.ReadOptionalASN1(&set, &present, explicit(0)) {
		return malformed("certificates")
	}
	for !set.Empty() {
		var one cryptobyte.String
		var tag cbasn1.Tag
		if !set.ReadAnyASN1Element(&one, &tag) || len(s.Certificates) >= maxCertificates {
			return malformed("certificates")
		}
		if tag == cbasn1.SEQUENCE { // other kinds of certificate play no part
			s.Certificates = append(s.Certificates, one)
		}
	}
	return nil
}

func (s *Signed) readSigner(in cryptobyte.String) error {
	var version int
	if !in.ReadASN1Integer(&version) {
		return malformed("signer version")
	}
	if err := s.readSignerID(&in); err != nil {
		return err
	}
	digest, ok := readAlgorithm(&in)
	if !ok {
		return malformed("digest algorithm")
	}
	if s.digest, ok = digestByOID(digest.oid); !ok {
		return weak("digest algorithm")
	}
	var signed cryptobyte.String
	if !in.PeekASN1Tag(explicit(0)) || !in.ReadASN1Element(&signed, explicit(0)) {
		return malformed("no signed attributes")
	}
	s.signedAttrs = signed
	if err := s.readAttributes(signed); err != nil {
		return err
	}
	if s.algorithm, ok = readAlgorithm(&in); !ok {
		return malformed("signature algorithm")
	}
	var signature, unsigned cryptobyte.String
	if !in.ReadASN1(&signature, cbasn1.OCTET_STRING) {
		return malformed("signature value")
	}
	s.signature = signature
	if in.PeekASN1Tag(explicit(1)) {
		if !in.ReadASN1Element(&unsigned, explicit(1)) {
			return malformed("unsigned attributes")
		}
		if err := s.readUnsigned(unsigned); err != nil {
			return err
		}
	}
	if !in.Empty() {
		return malformed("signer")
	}
	return nil
}

func (s *Signed) readSignerID(in *cryptobyte.String) error {
	if in.PeekASN1Tag(cbasn1.Tag(0).ContextSpecific()) {
		var key cryptobyte.String
		if !in.ReadASN1(&key, cbasn1.Tag(0).ContextSpecific()) {
			return malformed("signer identifier")
		}
		s.subjectKey = key
		return nil
	}
	var id, issuer cryptobyte.String
	s.serial = new(big.Int)
	if !in.ReadASN1(&id, cbasn1.SEQUENCE) || !id.ReadASN1Element(&issuer, cbasn1.SEQUENCE) || !id.ReadASN1Integer(s.serial) || !id.Empty() {
		return malformed("signer identifier")
	}
	s.issuer = issuer
	return nil
}

func readAlgorithm(in *cryptobyte.String) (algorithmID, bool) {
	var seq cryptobyte.String
	var a algorithmID
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1ObjectIdentifier(&a.oid) {
		return a, false
	}
	a.params = seq
	return a, true
}

// readAttributes collects the signed attributes with their one value. Twice the
// same, or more than one value, would leave open which one counts (RFC 5652 11).
func (s *Signed) readAttributes(element cryptobyte.String) error {
	var set cryptobyte.String
	if !element.ReadASN1(&set, explicit(0)) {
		return malformed("attributes")
	}
	var last []byte
	for !set.Empty() {
		var raw cryptobyte.String
		if !set.ReadASN1Element(&raw, cbasn1.SEQUENCE) {
			return malformed("attributes")
		}
		s.unsorted = s.unsorted || bytes.Compare(last, raw) > 0
		last = raw
		oid, values, ok := readAttribute(raw)
		var value cryptobyte.String
		var kind cbasn1.Tag
		if !ok {
			return malformed("attribute")
		}
		if !values.ReadAnyASN1Element(&value, &kind) || !values.Empty() {
			return malformed("an attribute has not exactly one value")
		}
		if _, twice := s.attrs[oid.String()]; twice {
			return malformed("an attribute occurs twice")
		}
		s.attrs[oid.String()] = value
	}
	return nil
}

func readAttribute(raw cryptobyte.String) (asn1.ObjectIdentifier, cryptobyte.String, bool) {
	var one, values cryptobyte.String
	var oid asn1.ObjectIdentifier
	ok := raw.ReadASN1(&one, cbasn1.SEQUENCE) && one.ReadASN1ObjectIdentifier(&oid) && one.ReadASN1(&values, cbasn1.SET) && one.Empty()
	return oid, values, ok
}

// maxTimestamps is far more than anybody puts into one signature.
const maxTimestamps = 8

// readUnsigned collects every signature timestamp, whether they are values of one
// attribute or of several: who judges only one of them lets an attacker choose
// which. Anybody can add other unsigned attributes; they play no part.
func (s *Signed) readUnsigned(element cryptobyte.String) error {
	var set cryptobyte.String
	if !element.ReadASN1(&set, explicit(1)) {
		return malformed("unsigned attributes")
	}
	for !set.Empty() {
		var raw cryptobyte.String
		if !set.ReadASN1Element(&raw, cbasn1.SEQUENCE) {
			return malformed("unsigned attributes")
		}
		oid, values, ok := readAttribute(raw)
		if !ok {
			return malformed("unsigned attributes")
		}
		for oid.Equal(oidTimestamp) && !values.Empty() {
			var value cryptobyte.String
			var kind cbasn1.Tag
			if !values.ReadAnyASN1Element(&value, &kind) || len(s.timestamps) >= maxTimestamps {
				return malformed("its timestamps")
			}
			s.timestamps = append(s.timestamps, value)
		}
	}
	return nil
}

// Digest is the digest algorithm of the signer, to hash the content with.
func (s *Signed) Digest() crypto.Hash { return s.digest }

// Signature is the signature value, which a signature timestamp covers.
func (s *Signed) Signature() []byte { return s.signature }

// Timestamps are the signature timestamp tokens, in no order that means anything.
func (s *Signed) Timestamps() [][]byte { return s.timestamps }

// HasSigningTime reports the signed attribute that PAdES forbids.
func (s *Signed) HasSigningTime() bool {
	_, ok := s.attrs[oidSigningTime.String()]
	return ok
}
