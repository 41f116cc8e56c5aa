package pdf_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/pdf"
)

func TestQualified(t *testing.T) {
	type statement struct {
		ID    asn1.ObjectIdentifier
		Types []asn1.ObjectIdentifier `asn1:"optional"`
	}
	qc := func(arc ...int) asn1.ObjectIdentifier { return append(asn1.ObjectIdentifier{0, 4, 0, 1862, 1}, arc...) }
	compliant, device := statement{ID: qc(1)}, statement{ID: qc(4)}
	of := func(kinds ...asn1.ObjectIdentifier) statement { return statement{qc(6), kinds} }
	certificate := func(value []byte) *x509.Certificate {
		return &x509.Certificate{Extensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 3}, Value: value}}}
	}
	for name, v := range map[string]struct {
		statements []statement
		want       bool
	}{
		"both": {[]statement{compliant, device}, true}, "a signature's": {[]statement{compliant, device, of(qc(6, 1))}, true},
		"any order": {[]statement{of(qc(6, 2), qc(6, 1)), device, compliant}, true}, "a seal's": {[]statement{compliant, device, of(qc(6, 2))}, false},
		"no device": {[]statement{compliant}, false}, "not compliant": {[]statement{device}, false}, "of no kind": {[]statement{compliant, device, of()}, false},
		"others": {[]statement{compliant, {ID: qc(2)}, device}, true}, "none": {nil, false},
	} {
		der, err := asn1.Marshal(v.statements)
		require.NoError(t, err)
		require.Equal(t, v.want, pdf.Qualified(certificate(der)), name)
		require.False(t, pdf.Qualified(certificate(append(der, 0))), name)
		require.False(t, pdf.Qualified(certificate(der[:max(0, len(der)-1)])), name)
	}
	require.False(t, pdf.Qualified(&x509.Certificate{}))
	require.False(t, pdf.Qualified(nil))
}

func FuzzQualified(f *testing.F) {
	f.Add([]byte{0x30, 0})
	f.Fuzz(func(_ *testing.T, der []byte) {
		pdf.Qualified(&x509.Certificate{Extensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 3}, Value: der}}})
	})
}
