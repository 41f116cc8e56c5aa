package cms

import (
	"context"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"io"
	"slices"

	"github.com/handslag/handslag/fault"
)

// Signer is a key and the certificates that vouch for it, its own first. The key
// is only ever asked for its public half and for signatures: it may be anywhere.
type Signer struct {
	Key   crypto.Signer
	Chain []*x509.Certificate
	// PSS makes an RSA key sign by RSASSA-PSS (RFC 4056).
	PSS  bool
	Rand io.Reader
}

// Content is what is signed: by its digest of the algorithm that
// [Signer.Digest] names, or carried inside when Inside is not nil. A zero Type
// is id-data.
type Content struct {
	Type   asn1.ObjectIdentifier
	Digest []byte
	Inside []byte
}

// TimestampFunc gets a token over the SHA-256 of a signature value (RFC 3161).
type TimestampFunc func(ctx context.Context, digest []byte) ([]byte, error)

// Sign makes a SignedData with the signed attributes of a CAdES baseline
// signature and no signing-time, which PAdES forbids (ETSI EN 319 142-1 table 1).
// With stamp it adds a signature timestamp.
func Sign(ctx context.Context, s Signer, c Content, stamp TimestampFunc) ([]byte, error) {
	alg, err := s.algorithm()
	if err != nil {
		return nil, err
	}
	if c.Type == nil {
		c.Type = oidData
	}
	if c.Inside != nil {
		c.Digest = alg.sum(c.Inside)
	}
	if len(c.Digest) != alg.digest.Size() {
		return nil, fault.New(fault.Internal, "seal_digest", "The digest to be signed is not of the algorithm of the seal's key.")
	}
	attrs, err := s.signedAttributes(c, alg)
	if err != nil {
		return nil, err
	}
	signature, err := s.sign(attrs, alg) // with the SET tag, RFC 5652 5.4
	if err != nil {
		return nil, err
	}
	leaf := s.Chain[0]
	info := signerInfo{
		Version:            1,
		SID:                issuerAndSerial{asn1.RawValue{FullBytes: leaf.RawIssuer}, leaf.SerialNumber},
		DigestAlgorithm:    pkix.AlgorithmIdentifier{Algorithm: alg.digestOID},
		SignedAttrs:        asn1.RawValue{FullBytes: retag(attrs, 0xa0)},
		SignatureAlgorithm: alg.identifier,
		Signature:          signature,
	}
	if stamp != nil {
		if info.UnsignedAttrs, err = timestamped(ctx, stamp, signature); err != nil {
			return nil, err
		}
	}
	return s.wrap(c, info)
}

func (s Signer) signedAttributes(c Content, alg algorithm) ([]byte, error) {
	leaf := s.Chain[0]
	values := []struct {
		oid   asn1.ObjectIdentifier
		value any
	}{
		{oidContentType, c.Type},
		{oidMessageDigest, c.Digest},
		{oidSigningCertV2, signingCertificateV2{[]essCertIDv2{{
			Algorithm: alg.essDigest(),
			Hash:      alg.sum(leaf.Raw),
			IssuerSerial: essIssuerSerial{
				Issuer: generalNames{asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 4, IsCompound: true, Bytes: leaf.RawIssuer}},
				Serial: leaf.SerialNumber,
			},
		}}}},
	}
	var set [][]byte
	for _, v := range values {
		one, err := encodeAttribute(v.oid, v.value)
		if err != nil {
			return nil, err
		}
		set = append(set, one)
	}
	return encodeSet(set)
}

func encodeAttribute(oid asn1.ObjectIdentifier, value any) ([]byte, error) {
	der, err := asn1.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encode attribute %v: %w", oid, err)
	}
	return asn1.Marshal(attribute{oid, []asn1.RawValue{{FullBytes: der}}})
}

// encodeSet sorts the encodings, as DER asks of a SET OF (X.690 11.6).
func encodeSet(members [][]byte) ([]byte, error) {
	slices.SortFunc(members, slices.Compare)
	return asn1.Marshal(asn1.RawValue{Tag: asn1.TagSet, IsCompound: true, Bytes: slices.Concat(members...)})
}

// retag replaces the first byte, to turn SET into IMPLICIT [n] and back.
func retag(der []byte, tag byte) []byte {
	out := slices.Clone(der)
	out[0] = tag
	return out
}

// timestamped stamps the SignerInfo.signature octets (RFC 3161 Appendix A), not
// the document.
func timestamped(ctx context.Context, stamp TimestampFunc, signature []byte) (asn1.RawValue, error) {
	digest := sha256.Sum256(signature)
	token, err := stamp(ctx, digest[:])
	if err != nil {
		return asn1.RawValue{}, fmt.Errorf("timestamp signature: %w", err)
	}
	one, err := asn1.Marshal(attribute{oidTimestamp, []asn1.RawValue{{FullBytes: token}}})
	if err != nil {
		return asn1.RawValue{}, fmt.Errorf("encode timestamp attribute: %w", err)
	}
	set, err := encodeSet([][]byte{one})
	if err != nil {
		return asn1.RawValue{}, err
	}
	return asn1.RawValue{FullBytes: retag(set, 0xa1)}, nil
}

func (s Signer) wrap(c Content, info signerInfo) ([]byte, error) {
	var certs [][]byte
	for _, cert := range s.Chain {
		certs = append(certs, cert.Raw)
	}
	set, err := encodeSet(certs) // ISO 32000-2 12.8.3.3.1 wants all of it in DER
	if err != nil {
		return nil, err
	}
	version, encap := 1, encapContentInfo{ContentType: c.Type}
	if !c.Type.Equal(oidData) {
		version = 3 // RFC 5652 5.1
	}
	if c.Inside != nil {
		octets, err := asn1.Marshal(c.Inside)
		if err != nil {
			return nil, err
		}
		encap.Content = asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: octets}
	}
	inner, err := asn1.Marshal(signedData{
		Version:          version,
		DigestAlgorithms: []pkix.AlgorithmIdentifier{info.DigestAlgorithm},
		Encap:            encap,
		Certificates:     asn1.RawValue{FullBytes: retag(set, 0xa0)},
		SignerInfos:      []signerInfo{info},
	})
	if err != nil {
		return nil, fmt.Errorf("encode signed data: %w", err)
	}
	return asn1.Marshal(contentInfo{
		oidSignedData,
		asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: inner},
	})
}
