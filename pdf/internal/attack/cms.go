package attack

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/handslag/handslag/pdf/internal/pdftest"
)

// Object identifiers that attacks need.
var (
	OIDData       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	OIDSHA1       = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
	OIDSHA256     = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	OIDSHA384     = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
	OIDECDSA256   = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
	OIDECDSA384   = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}
	OIDECDSASHA1  = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 1}
	OIDRSA256     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	OIDType       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	OIDDigest     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	OIDTime       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
	OIDBound      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	oidTimestamp  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 14}
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
)

// Stamp makes a timestamp token over a digest.
type Stamp func(digest []byte) []byte

// Attribute is one attribute with its values, DER.
type Attribute struct {
	OID    asn1.ObjectIdentifier
	Values [][]byte
}

// CMS is a SignedData by a P-256 key. The zero value of a field is honest.
type CMS struct {
	By     *pdftest.Identity
	Digest []byte // of the document
	Type   asn1.ObjectIdentifier
	// Bound is the certificate that the signing-certificate attribute names, Named
	// the one that the SignerInfo names, Carried all that are inside.
	Bound, Named *x509.Certificate
	Carried      []*x509.Certificate
	Inside       []byte // content
	Stamps       []Stamp
	// StampOver is what timestamps are over; nil is the signature value.
	StampOver []byte
	Hash      asn1.ObjectIdentifier // said to be the digest algorithm
	Algorithm asn1.ObjectIdentifier // said to be the signature algorithm
	Signers   int                   // SignerInfos; 0 is one
	Attrs     func([]Attribute) []Attribute
	NoAttrs   bool // the signature is over the digest itself
	Unsorted  bool
	Unsigned  []Attribute // further unsigned attributes
}

func tag(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

// DER encodes by a function.
func DER(t testing.TB, f cryptobyte.BuilderContinuation) []byte {
	var b cryptobyte.Builder
	f(&b)
	der, err := b.Bytes()
	require.NoError(t, err)
	return der
}

func addAlgorithm(b *cryptobyte.Builder, oid asn1.ObjectIdentifier) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oid) })
}

func orElse(oid, standard asn1.ObjectIdentifier) asn1.ObjectIdentifier {
	if oid == nil {
		return standard
	}
	return oid
}

func (c CMS) attributes(t testing.TB) []Attribute {
	bound := c.By.Cert
	if c.Bound != nil {
		bound = c.Bound
	}
	sum := sha256.Sum256(bound.Raw)
	all := []Attribute{
		{OIDType, [][]byte{DER(t, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(orElse(c.Type, OIDData)) })}},
		{OIDDigest, [][]byte{DER(t, func(b *cryptobyte.Builder) { b.AddASN1OctetString(c.Digest) })}},
		{OIDBound, [][]byte{DER(t, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1OctetString(sum[:]) })
				})
			})
		})}},
	}
	if c.Attrs != nil {
		return c.Attrs(all)
	}
	return all
}

func encode(t testing.TB, all []Attribute, sorted bool) []byte {
	var each [][]byte
	for _, a := range all {
		each = append(each, DER(t, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(a.OID)
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(bytes.Join(a.Values, nil)) })
			})
		}))
	}
	if sorted {
		slices.SortFunc(each, bytes.Compare)
	} else {
		slices.SortFunc(each, func(a, b []byte) int { return bytes.Compare(b, a) })
	}
	return bytes.Join(each, nil)
}

// Encode signs.
func (c CMS) Encode(t testing.TB) []byte {
	attrs := encode(t, c.attributes(t), !c.Unsorted)
	digest := c.Digest
	if !c.NoAttrs {
		sum := sha256.Sum256(DER(t, func(b *cryptobyte.Builder) { b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(attrs) }) }))
		digest = sum[:]
	}
	signature, err := c.By.Key.Sign(rand.Reader, digest, crypto.SHA256)
	require.NoError(t, err)
	unsigned := slices.Clone(c.Unsigned)
	over := c.StampOver
	if over == nil {
		over = signature
	}
	imprint := sha256.Sum256(over)
	for _, stamp := range c.Stamps {
		unsigned = append(unsigned, Attribute{oidTimestamp, [][]byte{stamp(imprint[:])}})
	}
	return c.wrap(t, attrs, signature, unsigned)
}

func (c CMS) wrap(t testing.TB, attrs, signature []byte, unsigned []Attribute) []byte {
	named, carried := c.By.Cert, c.Carried
	if c.Named != nil {
		named = c.Named
	}
	if carried == nil {
		carried = c.By.Chain()
	}
	info := func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(1)
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddBytes(named.RawIssuer)
				b.AddASN1BigInt(named.SerialNumber)
			})
			addAlgorithm(b, orElse(c.Hash, OIDSHA256))
			if !c.NoAttrs {
				b.AddASN1(tag(0), func(b *cryptobyte.Builder) { b.AddBytes(attrs) })
			}
			addAlgorithm(b, orElse(c.Algorithm, OIDECDSA256))
			b.AddASN1OctetString(signature)
			if len(unsigned) > 0 {
				b.AddASN1(tag(1), func(b *cryptobyte.Builder) { b.AddBytes(encode(t, unsigned, true)) })
			}
		})
	}
	return DER(t, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oidSignedData)
			b.AddASN1(tag(0), func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1Int64(1)
					b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { addAlgorithm(b, orElse(c.Hash, OIDSHA256)) })
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1ObjectIdentifier(orElse(c.Type, OIDData))
						if c.Inside != nil {
							b.AddASN1(tag(0), func(b *cryptobyte.Builder) { b.AddASN1OctetString(c.Inside) })
						}
					})
					b.AddASN1(tag(0), func(b *cryptobyte.Builder) {
						for _, x := range carried {
							b.AddBytes(x.Raw)
						}
					})
					b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) {
						for range max(1, c.Signers) {
							info(b)
						}
					})
				})
			})
		})
	})
}
