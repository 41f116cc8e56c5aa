package bankidsig_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/handslag/handslag/bankidsig"
)

func subject(t require.TestingT, names ...pkix.AttributeTypeAndValue) *x509.Certificate {
	der, err := asn1.Marshal(pkix.Name{ExtraNames: names}.ToRDNSequence())
	require.NoError(t, err)
	return &x509.Certificate{RawSubject: der}
}

func TestRelyingPartyName(t *testing.T) {
	got, err := bankidsig.RelyingPartyName(subject(
		t,
		pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{2, 5, 4, 6}, Value: "SE"},
		pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{2, 5, 4, 10}, Value: "Testbank A AB (publ)"},
		pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{2, 5, 4, 5}, Value: "5566304928"},
		pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{2, 5, 4, 41}, Value: "Test av BankID"},
		pkix.AttributeTypeAndValue{Type: asn1.ObjectIdentifier{2, 5, 4, 3}, Value: "Firma, Ett & Två"},
	))
	require.NoError(t, err)
	require.Equal(t, `cn=Firma\, Ett & Två,name=Test av BankID,serialnumber=5566304928,o=Testbank A AB (publ),c=SE`, got)
}

// A signature that names its relying party in any of the forms of RFC 4514 is
// ours, and one that names another is not.
func TestRelyingPartyIsCompared(t *testing.T) {
	w := newWorld(t)
	for name, tc := range map[string]struct {
		signed, ours string
		want         bankidsig.Reason
	}{
		"the same":             {"cn=A,c=SE", "cn=A,c=SE", ""},
		"types in capitals":    {"CN=A,C=SE", "cn=A,c=SE", ""},
		"a space after commas": {"cn=A, c=SE", "cn=A,c=SE", ""},
		"a type by number":     {"2.5.4.3=A,c=SE", "cn=A,c=SE", ""},
		"a value in hex":       {"2.5.4.41=#0c024142,c=SE", "name=AB,c=SE", ""},
		"an escaped comma":     {`cn=A\,B`, `cn=A\2CB`, ""},
		"several in one":       {"cn=A+serialNumber=1,c=SE", "cn=A+serialNumber=1,c=SE", ""},
		"another value":        {"cn=a,c=SE", "cn=A,c=SE", bankidsig.WrongRP},
		"another order":        {"c=SE,cn=A", "cn=A,c=SE", bankidsig.WrongRP},
		"one more":             {"cn=A,o=B,c=SE", "cn=A,c=SE", bankidsig.WrongRP},
		"joined":               {"cn=A+c=SE", "cn=A,c=SE", bankidsig.WrongRP},
		"an injected comma":    {`cn=A\,c=SE`, "cn=A,c=SE", bankidsig.WrongRP},
		"a trailing comma":     {"cn=A,c=SE,", "cn=A,c=SE", bankidsig.WrongRP},
		"an unknown type":      {"x=A", "cn=A", bankidsig.WrongRP},
		"a broken escape":      {`cn=A\`, "cn=A", bankidsig.WrongRP},
		"no value":             {"cn", "cn=", bankidsig.WrongRP},
		"broken hex":           {`cn=#0c`, "cn=A", bankidsig.WrongRP},
		"nothing":              {"", "cn=A", bankidsig.WrongRP},
	} {
		t.Run(name, func(t *testing.T) {
			d := w.draft()
			d.data = strings.Replace(d.data, b64("cn=Firma AB,serialNumber=5566304928,o=Firma AB,c=SE"), b64(tc.signed), 1)
			in := w.input(t, d, nil)
			in.Expect.RelyingParty = tc.ours
			_, err := bankidsig.Verify(in, w.trust())
			require.Equal(t, tc.want, bankidsig.ReasonOf(err), "%v", err)
		})
	}
}

// Any subject that a certificate can have is found again in a signature.
func TestAnyRelyingPartyNameIsFoundAgain(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(t *rapid.T) {
		types := []asn1.ObjectIdentifier{{2, 5, 4, 3}, {2, 5, 4, 41}, {2, 5, 4, 5}, {1, 2, 3, 4}}
		var names []pkix.AttributeTypeAndValue
		for range rapid.IntRange(1, 4).Draw(t, "attributes") {
			names = append(names, pkix.AttributeTypeAndValue{
				Type: rapid.SampledFrom(types).Draw(t, "type"), Value: rapid.StringN(1, 12, 40).Draw(t, "value"),
			})
		}
		name, err := bankidsig.RelyingPartyName(subject(t, names...))
		require.NoError(t, err)
		d := w.draft()
		d.data = strings.Replace(d.data, b64("cn=Firma AB,serialNumber=5566304928,o=Firma AB,c=SE"), b64(name), 1)
		in := w.input(w.tb, d, nil)
		in.Expect.RelyingParty = name
		_, err = bankidsig.Verify(in, w.trust())
		require.NoError(t, err)
	})
}
