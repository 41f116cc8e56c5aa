package bankidsig_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ocsp"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/fault"
)

// input is a good signature with its OCSP response, and all that can be expected
// of it.
func (w *world) input(t testing.TB, d draft, change func(*response)) bankidsig.Input {
	t.Helper()
	signature := d.sign(t)
	r := w.response(signature)
	if change != nil {
		change(&r)
	}
	return bankidsig.Input{
		Signature: signature, OCSP: r.sign(t),
		Expect: bankidsig.Expectation{
			VisibleText: []byte(signedText), NonVisibleData: []byte(signedData), VisibleFormat: "simpleMarkdownV1",
			Signer: bankidsig.Private(number), RelyingParty: "CN=Firma AB,serialNumber=5566304928,O=Firma AB,C=SE",
			StartedAt: signedAt.Add(-time.Minute), CollectedAt: signedAt.Add(2 * time.Second),
		},
	}
}

func TestVerify(t *testing.T) {
	w := newWorld(t)
	in := w.input(t, w.draft(), nil)
	in.Mode.Strict = true
	report, err := bankidsig.Verify(in, w.trust())
	require.NoError(t, err)
	require.Equal(t, bankidsig.FunctionSigning, report.Function)
	require.Equal(t, signedAt, report.SignedAt.UTC())
	require.Equal(t, bankidsig.TimeOCSP, report.TimeSource)
	require.Equal(t, bankidsig.NonceMatch, report.NonceBinding)
	require.Equal(t, bankidsig.Simulator, report.Environment)
	require.True(t, report.NonRepudiation)
	require.Equal(t, signedText, report.VisibleText.Reveal())
	require.Equal(t, map[string]string{
		"ocsp": "good", "nonce_binding": "match", "ocsp_nocheck": "present", "certificate_purpose": "match", "visible_text": "match", "visible_format": "match",
		"non_visible_data": "match", "signer": "match", "rp_name": "match", "order_time": "match",
	}, report.Checks)
}

// The forged responses are what the OCSP library of x/crypto reads as well.
func TestForgedResponseIsOCSP(t *testing.T) {
	w := newWorld(t)
	in := w.input(t, w.draft(), nil)
	der, err := base64.StdEncoding.DecodeString(in.OCSP)
	require.NoError(t, err)
	r, err := ocsp.ParseResponse(der, w.customer.certificate)
	require.NoError(t, err)
	require.Equal(t, ocsp.Good, r.Status)
}

func TestVerifyRefusesDocument(t *testing.T) {
	w := newWorld(t)
	replace := func(old, by string) func(*draft) {
		return func(d *draft) {
			require.Contains(t, d.data, old)
			d.data = strings.Replace(d.data, old, by, 1)
		}
	}
	after := func(old, by string) func(*draft) {
		return func(d *draft) {
			d.after = func(xml string) string {
				require.Contains(t, xml, old)
				return strings.Replace(xml, old, by, 1)
			}
		}
	}
	for name, tc := range map[string]struct {
		change func(*draft)
		want   bankidsig.Reason
	}{
		"SHA-1": {func(d *draft) { d.algorithm, d.hash = "http://www.w3.org/2000/09/xmldsig#rsa-sha1", crypto.SHA1 }, bankidsig.BadAlgorithm},
		"another transform": {func(d *draft) {
			d.signedInfo = strings.Replace(d.info(d.dataReference(), d.keyReference()), `Transform Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"`, `Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"`, 1)
		}, bankidsig.BadAlgorithm},
		"one reference":            {func(d *draft) { d.signedInfo = d.info(d.dataReference()) }, bankidsig.BadReference},
		"three references":         {func(d *draft) { d.signedInfo = d.info(d.dataReference(), d.keyReference(), d.keyReference()) }, bankidsig.BadReference},
		"the same reference twice": {func(d *draft) { d.signedInfo = d.info(d.dataReference(), d.dataReference()) }, bankidsig.BadReference},
		"a reference to all": {func(d *draft) {
			d.signedInfo = strings.Replace(d.info(d.dataReference(), d.keyReference()), `URI="#bidSignedData"`, `URI=""`, 1)
		}, bankidsig.BadReference},
		"an empty SignedInfo": {func(d *draft) { d.signedInfo = `<SignedInfo xmlns="http://www.w3.org/2000/09/xmldsig#"></SignedInfo>` }, bankidsig.UnexpectedStructure},
		"a SignedInfo with an Id": {func(d *draft) {
			d.signedInfo = strings.Replace(d.info(d.dataReference(), d.keyReference()), `xmldsig#">`, `xmldsig#" Id="x">`, 1)
		}, bankidsig.UnexpectedStructure},
		"an algorithm with more": {func(d *draft) {
			d.signedInfo = strings.Replace(d.info(d.dataReference(), d.keyReference()), `</SignatureMethod>`, `<HMACOutputLength>0</HMACOutputLength></SignatureMethod>`, 1)
		}, bankidsig.UnexpectedStructure},
		"a transform with more": {func(d *draft) {
			d.signedInfo = strings.Replace(d.info(d.dataReference(), d.keyReference()), `</Transform>`, `<XPath>x</XPath></Transform>`, 1)
		}, bankidsig.UnexpectedStructure},
		"another key":              {func(d *draft) { d.certificates[0].key = w.responder.key }, bankidsig.BadSignature},
		"the root in the document": {func(d *draft) { d.certificates = append(d.certificates, w.root) }, bankidsig.UnexpectedStructure},
		"five certificates":        {func(d *draft) { d.certificates = append(d.certificates, w.bank, w.bank) }, bankidsig.UnexpectedStructure},
		"a chain out of order":     {func(d *draft) { d.certificates = []identity{w.leaf, w.bank, w.customer} }, bankidsig.UnexpectedStructure},
		"no issuer":                {func(d *draft) { d.certificates = d.certificates[:1] }, bankidsig.UntrustedRoot},
		"a CA as signer":           {func(d *draft) { d.certificates = []identity{w.customer, w.bank} }, bankidsig.BadCertificate},
		"a short key":              {func(d *draft) { d.certificates[0] = short(t, w, person()) }, bankidsig.WeakKey},
		"an expired certificate": {func(d *draft) {
			c := person()
			c.NotAfter = signedAt.Add(-time.Hour)
			d.certificates[0] = issue(t, &w.customer, w.leaf.key, c)
		}, bankidsig.NotValidWhenSigned},
		"an expired issuer": {func(d *draft) {
			c := authority("Simulated customer CA")
			c.NotAfter = signedAt.Add(-time.Hour)
			d.certificates[1] = issue(t, &w.bank, w.customer.key, c)
		}, bankidsig.NotValidWhenSigned},
		"a certificate for encryption": {func(d *draft) {
			c := person()
			c.KeyUsage = x509.KeyUsageKeyEncipherment
			d.certificates[0] = issue(t, &w.customer, w.leaf.key, c)
		}, bankidsig.BadCertificate},
		"another person's root": {func(d *draft) {
			root := issue(t, nil, keys()[4], authority("Simulated root"))
			d.certificates = []identity{issue(t, &root, w.leaf.key, person())}
		}, bankidsig.UntrustedRoot},

		"no certificate": {func(d *draft) {
			d.after = func(xml string) string {
				return regexp.MustCompile(`<X509Certificate>[^<]*</X509Certificate>`).ReplaceAllString(xml, "")
			}
		}, bankidsig.UnexpectedStructure},
		"a certificate that is none": {after(`<X509Certificate>`, `<X509Certificate>AAAA`), bankidsig.Malformed},
		"X509Data with an attribute": {after(`<X509Data>`, `<X509Data x="y">`), bankidsig.UnexpectedStructure},
		"a changed text":             {after(b64(signedText), b64("# Underskrift\n\n+ Annat")), bankidsig.BadDigest},
		"a second signature":         {after(`<Object>`, `<Object><Signature></Signature>`), bankidsig.UnexpectedStructure},
		"a second Object":            {after(`<Object>`, `<Object></Object><Object>`), bankidsig.UnexpectedStructure},
		"data beside data":           {after(`<Object>`, `<Object><bankIdSignedData xmlns="http://www.bankid.com/signature/v1.0.0/types" Id="other"></bankIdSignedData>`), bankidsig.UnexpectedStructure},
		"data with the Id":           {after(`<Object>`, `<Object><x Id="bidSignedData"></x>`), bankidsig.DuplicateID},
		"an id in lower case":        {after(`<Object>`, `<Object><x id="bidSignedData"></x>`), bankidsig.DuplicateID},
		"an Id in Object":            {after(`<Object>`, `<Object Id="x">`), bankidsig.UnexpectedStructure},
		"a comment":                  {after(`<Object>`, `<Object><!-- -->`), bankidsig.UnexpectedStructure},
		"an instruction":             {after(`<Object>`, `<Object><?x?>`), bankidsig.UnexpectedStructure},
		"CDATA":                      {after(`<Object>`, `<Object><![CDATA[]]>`), bankidsig.UnexpectedStructure},
		"a DOCTYPE":                  {after(`<Signature `, `<!DOCTYPE x []><Signature `), bankidsig.UnexpectedStructure},
		"white space":                {after(`<Object>`, "<Object>\n"), bankidsig.UnexpectedStructure},
		"a prefix":                   {after(`<Object>`, `<ds:Object>`), bankidsig.UnexpectedStructure},
		"a wrapper":                  {after(`<Signature xmlns`, `<Wrapper><Signature xmlns`), bankidsig.UnexpectedStructure},
		"an old encoding":            {after(`UTF-8`, `UTF-16`), bankidsig.UnexpectedStructure},
		"no UTF-8":                   {after(`<Object>`, "<Object>\xff"), bankidsig.Malformed},
		"cut inside a text": {func(d *draft) {
			d.after = func(xml string) string { return xml[:strings.Index(xml, "</usrVisibleData>")] }
		}, bankidsig.UnexpectedStructure},
		"cut inside an attribute": {func(d *draft) {
			d.after = func(xml string) string { return xml[:strings.Index(xml, "wysiwys")] }
		}, bankidsig.UnexpectedStructure},
		"a truncated end": {after(`</Signature>`, ``), bankidsig.UnexpectedStructure},

		// Signed, so that only the shape can give them away.
		"signed: an entity":             {replace(`<type>T1NfWA==`, `<type>&amp;`), bankidsig.UnexpectedStructure},
		"signed: a comment":             {replace(`<type>`, `<!-- --><type>`), bankidsig.UnexpectedStructure},
		"signed: an empty-element tag":  {replace(`<type>`, `<x/><type>`), bankidsig.UnexpectedStructure},
		"signed: attributes unsorted":   {replace(`<ai>`, `<ai b="1" a="2">`), bankidsig.UnexpectedStructure},
		"signed: an attribute twice":    {replace(`<ai>`, `<ai a="1" a="2">`), bankidsig.UnexpectedStructure},
		"signed: single quotes":         {replace(`<ai>`, `<ai a='1'>`), bankidsig.UnexpectedStructure},
		"signed: two functions":         {replace(`<version>`, `<funcId>Identification</funcId><version>`), bankidsig.UnexpectedStructure},
		"signed: no function":           {replace(`<funcId>Signing</funcId>`, ``), bankidsig.UnexpectedStructure},
		"signed: two visible texts":     {replace(`<usrNonVisibleData>`, `<usrVisibleData charset="UTF-8" visible="wysiwys">AAAA</usrVisibleData><usrNonVisibleData>`), bankidsig.UnexpectedStructure},
		"signed: another namespace":     {replace(`signature/v1.0.0/types" Id`, `signature/v2.0.0/types" Id`), bankidsig.UnexpectedStructure},
		"signed: another Id":            {replace(`Id="bidSignedData"`, `Id="bidOther"`), bankidsig.UnexpectedStructure},
		"signed: elements in the text":  {replace(b64(signedText), `<x></x>`), bankidsig.UnexpectedStructure},
		"signed: a text not shown":      {replace(`wysiwys`, `hidden`), bankidsig.UnexpectedStructure},
		"signed: a data in client info": {replace(`<type>`, `<bankIdSignedData></bankIdSignedData><type>`), bankidsig.UnexpectedStructure},
		"signed: too deep":              {replace(`<type>T1NfWA==</type>`, strings.Repeat("<x>", 20)+strings.Repeat("</x>", 20)), bankidsig.UnexpectedStructure},
		"signed: too many":              {replace(`<type>`, strings.Repeat("<x></x>", 1001)+`<type>`), bankidsig.UnexpectedStructure},
		"signed: text not base64":       {replace(b64(signedText), "***"), bankidsig.Malformed},
		"signed: an identification":     {replace("Signing", "Identification"), bankidsig.NotASignature},
		"signed: another function":      {replace("Signing", "Payment"), bankidsig.NotASignature},
		"signed: another text":          {replace(b64(signedText), b64("annat")), bankidsig.ContentMismatch},
		"signed: other data":            {replace(b64(signedData), b64("annat")), bankidsig.ContentMismatch},
		"signed: no data":               {replace(`<usrNonVisibleData>`+b64(signedData)+`</usrNonVisibleData>`, ""), bankidsig.ContentMismatch},
		"signed: another format":        {replace(` format="simpleMarkdownV1"`, ``), bankidsig.ContentMismatch},
		"signed: another RP":            {replace(b64("cn=Firma AB,serialNumber=5566304928,o=Firma AB,c=SE"), b64("cn=firma AB,serialNumber=5566304928,o=Firma AB,c=SE")), bankidsig.WrongRP},
	} {
		t.Run(name, func(t *testing.T) {
			d := w.draft()
			tc.change(&d)
			report, err := bankidsig.Verify(w.input(t, d, nil), w.trust())
			require.Equal(t, tc.want, bankidsig.ReasonOf(err), "%v", err)
			require.Nil(t, report)
			require.Equal(t, fault.Invalid, fault.KindOf(err))
		})
	}
}

func short(t testing.TB, w *world, template *x509.Certificate) identity {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	return issue(t, &w.customer, key, template)
}

func TestVerifyAcceptsNewElements(t *testing.T) {
	w := newWorld(t)
	d := w.draft()
	d.data = strings.Replace(d.data, "</srvInfo>", "<added>AAAA</added></srvInfo>", 1)
	d.data = strings.Replace(d.data, "</ai>", `<added kind="x"><inner></inner></added></ai>`, 1)
	_, err := bankidsig.Verify(w.input(t, d, nil), w.trust())
	require.NoError(t, err)
}

func TestVerifyRefusesOCSP(t *testing.T) {
	w := newWorld(t)
	delegate := func(change func(*x509.Certificate)) func(*response) {
		return func(r *response) {
			c := responder()
			change(c)
			r.by = issue(t, &w.customer, w.responder.key, c)
		}
	}
	revoked, err := asn1.MarshalWithParams(signedAt, "generalized")
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		change func(*response)
		want   bankidsig.Reason
	}{
		"unsuccessful": {func(r *response) { r.status = 6 }, bankidsig.OCSPMalformed},
		"two answers":  {func(r *response) { r.copies = 2 }, bankidsig.OCSPMalformed},
		"no answer":    {func(r *response) { r.copies = 0 }, bankidsig.OCSPMalformed},
		"an unknown extension": {func(r *response) {
			r.extensions = append(r.extensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}})
		}, bankidsig.OCSPMalformed},
		"two nonces": {func(r *response) { r.extensions = append(r.extensions, r.extensions[0]) }, bankidsig.OCSPMalformed},
		"revoked": {func(r *response) {
			r.good = asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 1, IsCompound: true, Bytes: revoked}
		}, bankidsig.OCSPNotGood},
		"unknown":                      {func(r *response) { r.good = statusUnknown }, bankidsig.OCSPNotGood},
		"another serial number":        {func(r *response) { r.serial = big.NewInt(1) }, bankidsig.OCSPWrong},
		"another issuer":               {func(r *response) { r.issuer = w.bank }, bankidsig.OCSPWrong},
		"an unknown hash":              {func(r *response) { r.hash = asn1.ObjectIdentifier{1, 2, 3} }, bankidsig.OCSPWrong},
		"another signature value":      {func(r *response) { r.tamper = true }, bankidsig.OCSPSignature},
		"another key":                  {func(r *response) { r.by.key = w.leaf.key }, bankidsig.OCSPSignature},
		"SHA-1":                        {func(r *response) { r.algorithm = rsaSHA1 }, bankidsig.OCSPSignature},
		"no responder certificate":     {func(r *response) { r.omitCertificate = true }, bankidsig.OCSPResponder},
		"another responder name":       {func(r *response) { r.name = w.leaf.certificate.RawSubject }, bankidsig.OCSPResponder},
		"the person as responder":      {func(r *response) { r.by, r.name = w.leaf, w.leaf.certificate.RawSubject }, bankidsig.OCSPResponder},
		"the issuer as responder":      {func(r *response) { r.by, r.name = w.customer, w.customer.certificate.RawSubject }, bankidsig.OCSPResponder},
		"a responder of the bank":      {func(r *response) { r.by = issue(t, &w.bank, w.responder.key, responder()) }, bankidsig.OCSPResponder},
		"a responder for TLS":          {delegate(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }), bankidsig.OCSPResponder},
		"a responder with a short key": {func(r *response) { r.by = short(t, w, responder()) }, bankidsig.OCSPResponder},
		"a responder with more": {delegate(func(c *x509.Certificate) {
			c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}})
		}), bankidsig.OCSPResponder},
		"an expired responder":       {delegate(func(c *x509.Certificate) { c.NotAfter = signedAt.Add(-time.Second) }), bankidsig.OCSPResponder},
		"a responder of tomorrow":    {delegate(func(c *x509.Certificate) { c.NotBefore = signedAt.Add(time.Hour) }), bankidsig.OCSPResponder},
		"before the order":           {func(r *response) { r.producedAt, r.thisUpdate = signedAt.Add(-time.Hour), signedAt.Add(-time.Hour) }, bankidsig.OCSPTime},
		"after the order":            {func(r *response) { r.producedAt, r.thisUpdate = signedAt.Add(time.Hour), signedAt.Add(time.Hour) }, bankidsig.OCSPTime},
		"a look from the day before": {func(r *response) { r.thisUpdate = signedAt.AddDate(0, 0, -1) }, bankidsig.OCSPTime},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := bankidsig.Verify(w.input(t, w.draft(), tc.change), w.trust())
			require.Equal(t, tc.want, bankidsig.ReasonOf(err), "%v", err)
			require.Nil(t, report)
		})
	}
}

func TestNonceBindingIsReported(t *testing.T) {
	w := newWorld(t)
	for want, change := range map[bankidsig.NonceBinding]func(*response){
		bankidsig.NonceMatch:    nil,
		bankidsig.NonceMismatch: func(r *response) { r.extensions[0].Value[3] ^= 1 },
		bankidsig.NonceAbsent:   func(r *response) { r.extensions = nil },
	} {
		t.Run(string(want), func(t *testing.T) {
			in := w.input(t, w.draft(), change)
			report, err := bankidsig.Verify(in, w.trust())
			require.NoError(t, err)
			require.Equal(t, want, report.NonceBinding)
			in.Mode.Strict = true
			_, err = bankidsig.Verify(in, w.trust())
			if want == bankidsig.NonceMatch {
				require.NoError(t, err)
			} else {
				require.Equal(t, bankidsig.OCSPNonce, bankidsig.ReasonOf(err))
			}
		})
	}
}

func TestVerifyWithSHA256CertID(t *testing.T) {
	w := newWorld(t)
	_, err := bankidsig.Verify(w.input(t, w.draft(), func(r *response) { r.hash = oidSHA256 }), w.trust())
	require.NoError(t, err)
}

// Responses in which any byte is another are refused, or mean the same.
func TestEveryChangedOCSPByteIsRefused(t *testing.T) {
	w := newWorld(t)
	in := w.input(t, w.draft(), nil)
	der, err := base64.StdEncoding.DecodeString(in.OCSP)
	require.NoError(t, err)
	for i := range der {
		changed := append([]byte(nil), der...)
		changed[i] ^= 1 << (i % 8)
		in.OCSP = base64.StdEncoding.EncodeToString(changed)
		_, err := bankidsig.Verify(in, w.trust())
		require.NotEmpty(t, bankidsig.ReasonOf(err), "byte %d was changed and the response accepted: %v", i, err)
	}
}

func TestOCSPWithDataAfterIt(t *testing.T) {
	w := newWorld(t)
	in := w.input(t, w.draft(), nil)
	der, err := base64.StdEncoding.DecodeString(in.OCSP)
	require.NoError(t, err)
	in.OCSP = base64.StdEncoding.EncodeToString(append(der, 5, 0))
	_, err = bankidsig.Verify(in, w.trust())
	require.Equal(t, bankidsig.OCSPMalformed, bankidsig.ReasonOf(err), "%v", err)
}

func TestTooLarge(t *testing.T) {
	w := newWorld(t)
	_, err := bankidsig.Verify(bankidsig.Input{Signature: strings.Repeat("A", 512<<10+4)}, w.trust())
	require.Equal(t, bankidsig.TooLarge, bankidsig.ReasonOf(err))
}

func TestLargestTextsPass(t *testing.T) {
	w := newWorld(t)
	d := w.draft()
	visible, hidden := strings.Repeat("a", 30000), strings.Repeat("b", 150000)
	d.data = strings.Replace(strings.Replace(d.data, b64(signedText), b64(visible), 1), b64(signedData), b64(hidden), 1)
	in := w.input(t, d, nil)
	in.Expect.VisibleText, in.Expect.NonVisibleData = []byte(visible), []byte(hidden)
	_, err := bankidsig.Verify(in, w.trust())
	require.NoError(t, err)
}

func TestWithoutAnchorsNothingIsJudged(t *testing.T) {
	w := newWorld(t)
	_, err := bankidsig.Verify(w.input(t, w.draft(), nil), nil)
	require.Equal(t, fault.Internal, fault.KindOf(err))
	require.Empty(t, bankidsig.ReasonOf(err))
}

func TestNothingPrintsPrivateData(t *testing.T) {
	w := newWorld(t)
	in := w.input(t, w.draft(), nil)
	report, err := bankidsig.Verify(in, w.trust())
	require.NoError(t, err)
	in.Expect.Signer = "190001010101"
	_, refused := bankidsig.Verify(in, w.trust())
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, v := range []any{in, &in, in.Expect, *report, report, refused} {
			printed := fmt.Sprintf(verb, v)
			for _, private := range []string{number, "Ada", "Underskrift", fmt.Sprintf("%x", number), "190001010101"} {
				require.NotContains(t, printed, private, "%s of %T", verb, v)
			}
		}
	}
}

func TestParseAnchors(t *testing.T) {
	w := newWorld(t)
	trust, err := bankidsig.ParseAnchors(bankidsig.Simulator, append(certificatePEM(w.root.certificate), certificatePEM(w.root.certificate)...))
	require.NoError(t, err)
	require.Len(t, trust, 2)
	for name, tc := range map[string]struct {
		env bankidsig.Environment
		pem []byte
	}{
		"no environment":       {"", certificatePEM(w.root.certificate)},
		"nothing":              {bankidsig.Live, nil},
		"no root":              {bankidsig.Live, certificatePEM(w.bank.certificate)},
		"a person":             {bankidsig.Live, certificatePEM(w.leaf.certificate)},
		"a key":                {bankidsig.Live, []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")},
		"a broken certificate": {bankidsig.Live, []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := bankidsig.ParseAnchors(tc.env, tc.pem)
			require.Equal(t, fault.Invalid, fault.KindOf(err))
		})
	}
}
