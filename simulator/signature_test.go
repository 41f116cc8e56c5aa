package simulator_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ocsp"

	"github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/pki"
)

// slice returns the raw bytes from <name to </name>, which are the canonical
// form of the element.
func slice(t *testing.T, document, name string) string {
	t.Helper()
	from := strings.Index(document, "<"+name+" ")
	to := strings.Index(document, "</"+name+">")
	require.True(t, from >= 0 && to > from, name)
	return document[from : to+len("</"+name+">")]
}

func inner(t *testing.T, document, name string) string {
	t.Helper()
	m := regexp.MustCompile(`<` + name + `(?: [^>]*)?>([^<]*)</` + name + `>`).FindStringSubmatch(document)
	require.NotNil(t, m, name)
	return m[1]
}

func decode(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	require.NoError(t, err)
	return b
}

// verdict checks a signature document by raw slices, independently of the code
// that wrote it.
type verdict struct{ text, keyInfo, signature bool }

func check(t *testing.T, document string) verdict {
	t.Helper()
	signedInfo := slice(t, document, "SignedInfo")
	digests := regexp.MustCompile(`<DigestValue>([^<]*)</DigestValue>`).FindAllStringSubmatch(signedInfo, -1)
	require.Len(t, digests, 2)
	same := func(part, digest string) bool {
		sum := sha256.Sum256([]byte(part))
		return base64.StdEncoding.EncodeToString(sum[:]) == digest
	}
	leaf := chain(t, document)[0]
	sum := sha256.Sum256([]byte(signedInfo))
	err := rsa.VerifyPKCS1v15(leaf.PublicKey.(*rsa.PublicKey), crypto.SHA256, sum[:], decode(t, inner(t, document, "SignatureValue")))
	return verdict{
		text:      same(slice(t, document, "bankIdSignedData"), digests[0][1]),
		keyInfo:   same(slice(t, document, "KeyInfo"), digests[1][1]),
		signature: err == nil,
	}
}

func chain(t *testing.T, document string) []*x509.Certificate {
	t.Helper()
	var out []*x509.Certificate
	for _, m := range regexp.MustCompile(`<X509Certificate>([^<]*)</X509Certificate>`).FindAllStringSubmatch(document, -1) {
		c, err := x509.ParseCertificate(decode(t, m[1]))
		require.NoError(t, err)
		out = append(out, c)
	}
	require.Len(t, out, 3)
	return out
}

func signatureOf(t *testing.T, data object) string {
	t.Helper()
	return string(decode(t, data["signature"].(string)))
}

func TestSignatureDocument(t *testing.T) {
	s := start(t, "")
	text := "# Avtal\n*Två* sidor"
	data := s.signed("sign", signBody(object{
		"userVisibleData": b64(text), "userVisibleDataFormat": "simpleMarkdownV1", "userNonVisibleData": b64("doc-sha256=00"),
		"requirement": object{"personalNumber": tolvan, "certificatePolicies": []string{"1.2.3.4.25"}},
	}))
	document := signatureOf(t, data)
	require.True(t, strings.HasPrefix(document, `<?xml version="1.0" encoding="UTF-8" standalone="no"?><Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo `))
	require.NotContains(t, document, "/>")
	require.NotContains(t, document, "\n")
	require.Equal(t, verdict{true, true, true}, check(t, document))

	require.Contains(t, document, `<usrVisibleData charset="UTF-8" format="simpleMarkdownV1" visible="wysiwys">`+b64(text)+`</usrVisibleData>`)
	require.Equal(t, b64("doc-sha256=00"), inner(t, document, "usrNonVisibleData"))
	require.Equal(t, "Signing", inner(t, document, "funcId"))
	subject, err := s.pki.RP().Subject()
	require.NoError(t, err)
	require.Equal(t, subject, string(decode(t, inner(t, document, "name"))))
	require.Equal(t, "Test av Handslag", string(decode(t, inner(t, document, "displayName"))))
	require.Len(t, decode(t, inner(t, document, "nonce")), 20)
	require.Contains(t, document, "<requirement><condition><type>CertificatePolicies</type><value>1.2.3.4.25</value></condition></requirement>")

	certificates := chain(t, document)
	require.Equal(t, tolvan, certificates[0].Subject.SerialNumber)
	require.Equal(t, x509.KeyUsageContentCommitment, certificates[0].KeyUsage)
	require.NoError(t, certificates[0].CheckSignatureFrom(certificates[1]))
	require.NoError(t, certificates[1].CheckSignatureFrom(certificates[2]))
	require.NoError(t, certificates[2].CheckSignatureFrom(s.pki.Anchors(pki.BankID)[0]))
	require.Equal(t, object{"personalNumber": tolvan, "name": "Tolvan Tolvansson", "givenName": "Tolvan", "surname": "Tolvansson"}, data["user"])
	require.Equal(t, "192.0.2.1", data["device"].(object)["ipAddress"])
	require.Equal(t, "2026-10-23Z", data["bankIdIssueDate"])
	require.NotContains(t, data, "stepUp")
	require.NotContains(t, data, "risk")
}

func TestIdentificationDocument(t *testing.T) {
	s := start(t, "")
	document := signatureOf(t, s.signed("auth", object{"endUserIp": "2001:db8::1"}))
	require.Equal(t, verdict{true, true, true}, check(t, document))
	require.Equal(t, "Identification", inner(t, document, "funcId"))
	require.NotContains(t, document, "usrVisibleData")
	require.NotContains(t, document, "usrNonVisibleData")
	require.Equal(t, x509.KeyUsageDigitalSignature, chain(t, document)[0].KeyUsage)
}

func TestXMLSecAgrees(t *testing.T) {
	tool, err := exec.LookPath("xmlsec1")
	if err != nil {
		t.Skip("xmlsec1 is not installed; the raw-slice check of the other tests stands alone")
	}
	s := start(t, "")
	document := signatureOf(t, s.signed("sign", signBody(object{"userVisibleData": b64("Räksmörgås & <b>\r\n")})))
	dir := t.TempDir()
	verify := func(document string) ([]byte, error) {
		name := filepath.Join(dir, "signature.xml")
		require.NoError(t, os.WriteFile(name, []byte(document), 0o600))
		root := filepath.Join(dir, "root.pem")
		require.NoError(t, os.WriteFile(root, pemOf(s.pki.Anchors(pki.BankID)[0]), 0o600))
		return exec.CommandContext(t.Context(), tool, "--verify", "--trusted-pem", root, "--verification-time", noon.Format("2006-01-02 15:04:05"),
			"--id-attr:Id", "http://www.bankid.com/signature/v1.0.0/types:bankIdSignedData",
			"--id-attr:Id", "http://www.w3.org/2000/09/xmldsig#:KeyInfo", name).CombinedOutput()
	}
	out, err := verify(document)
	require.NoError(t, err, string(out))
	_, err = verify(strings.Replace(document, "<funcId>Signing", "<funcId>Sygning", 1))
	require.Error(t, err, "xmlsec1 must notice a changed byte")
}

func pemOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// responseData is TBSResponseData with what golang.org/x/crypto/ocsp leaves out.
type responseData struct {
	Raw         asn1.RawContent
	ResponderID asn1.RawValue
	ProducedAt  time.Time `asn1:"generalized"`
	Responses   []asn1.RawValue
	Extensions  []struct {
		ID       asn1.ObjectIdentifier
		Critical bool `asn1:"optional"`
		Value    []byte
	} `asn1:"explicit,tag:1,optional"`
}

func TestOCSPResponse(t *testing.T) {
	s := start(t, "")
	data := s.signed("sign", signBody(nil))
	certificates := chain(t, signatureOf(t, data))
	der := decode(t, data["ocspResponse"].(string))
	r, err := ocsp.ParseResponseForCert(der, certificates[0], certificates[1])
	require.NoError(t, err)
	require.Equal(t, ocsp.Good, r.Status)
	require.Equal(t, noon, r.ProducedAt)
	require.Equal(t, noon, r.ThisUpdate)
	require.True(t, r.NextUpdate.IsZero())
	require.Equal(t, crypto.SHA1, r.IssuerHash)
	require.Equal(t, x509.SHA256WithRSA, r.SignatureAlgorithm)
	require.Equal(t, []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}, r.Certificate.ExtKeyUsage)
	require.Equal(t, r.Certificate.RawSubject, r.RawResponderName)
	keyBits := certificates[1].SubjectKeyId // SHA-1 of the key's bits, by how the CA was made
	require.True(t, bytes.Contains(der, keyBits), "CertID names the issuer's key")

	var tbs responseData
	_, err = asn1.Unmarshal(r.TBSResponseData, &tbs)
	require.NoError(t, err)
	require.Len(t, tbs.Responses, 1)
	require.Len(t, tbs.Extensions, 1)
	require.Equal(t, "1.3.6.1.5.5.7.48.1.2", tbs.Extensions[0].ID.String())
	require.True(t, tbs.Extensions[0].Critical)
	require.Len(t, tbs.Extensions[0].Value, 32, "raw bytes, with no OCTET STRING inside")
	digest := sha1.Sum([]byte(data["signature"].(string)))
	require.Equal(t, digest[:], tbs.Extensions[0].Value[:20])
}

func TestResultFaults(t *testing.T) {
	s := start(t, "")
	status := func(t *testing.T, data object) int {
		certificates := chain(t, signatureOf(t, data))
		r, err := ocsp.ParseResponseForCert(decode(t, data["ocspResponse"].(string)), certificates[0], certificates[1])
		require.NoError(t, err)
		return r.Status
	}
	for kind, look := range map[faults.Kind]func(t *testing.T, data object, document string){
		bankid.RevokedLeaf: func(t *testing.T, data object, _ string) { require.Equal(t, ocsp.Revoked, status(t, data)) },
		bankid.WrongNonce: func(t *testing.T, data object, _ string) {
			digest := sha1.Sum([]byte(data["signature"].(string)))
			require.False(t, bytes.Contains(decode(t, data["ocspResponse"].(string)), digest[:]))
			require.Equal(t, ocsp.Good, status(t, data))
		},
		bankid.TamperedText: func(t *testing.T, _ object, document string) {
			require.Equal(t, verdict{false, true, true}, check(t, document))
		},
		bankid.OtherText: func(t *testing.T, _ object, document string) {
			require.Equal(t, verdict{true, true, true}, check(t, document))
			require.NotContains(t, document, b64("Jag skriver under."))
		},
		bankid.ExpiredLeaf: func(t *testing.T, _ object, document string) {
			require.True(t, chain(t, document)[0].NotAfter.Before(noon))
			require.Equal(t, verdict{true, true, true}, check(t, document))
		},
		bankid.OtherRP: func(t *testing.T, _ object, document string) {
			require.Contains(t, string(decode(t, inner(t, document, "name"))), "Simulated Other Party")
			require.Equal(t, verdict{true, true, true}, check(t, document))
		},
		bankid.OtherPerson: func(t *testing.T, data object, document string) {
			require.Equal(t, "199001012385", chain(t, document)[0].Subject.SerialNumber)
			require.Equal(t, "199001012385", data["user"].(object)["personalNumber"])
		},
		bankid.WrappedSignature: func(t *testing.T, _ object, document string) {
			require.Equal(t, 2, strings.Count(document, `Id="bidSignedData"`))
			require.Equal(t, verdict{false, true, true}, check(t, document), "the first element is the forged one")
		},
		bankid.RSASHA1: func(t *testing.T, _ object, document string) {
			require.Contains(t, document, "xmldsig#rsa-sha1")
			sum := sha1.Sum([]byte(slice(t, document, "SignedInfo")))
			require.NoError(t, rsa.VerifyPKCS1v15(chain(t, document)[0].PublicKey.(*rsa.PublicKey), crypto.SHA1, sum[:], decode(t, inner(t, document, "SignatureValue"))))
		},
		bankid.MissingOCSP: func(t *testing.T, data object, _ string) { require.NotContains(t, data, "ocspResponse") },
		bankid.OtherFunction: func(t *testing.T, _ object, document string) {
			require.Equal(t, "Identification", inner(t, document, "funcId"))
			require.Equal(t, x509.KeyUsageDigitalSignature, chain(t, document)[0].KeyUsage)
			require.Equal(t, verdict{true, true, true}, check(t, document))
		},
		bankid.OtherCertificate: func(t *testing.T, _ object, document string) {
			require.Equal(t, "Signing", inner(t, document, "funcId"))
			require.Equal(t, x509.KeyUsageDigitalSignature, chain(t, document)[0].KeyUsage)
			require.Equal(t, verdict{true, true, true}, check(t, document))
		},
	} {
		t.Run(string(kind), func(t *testing.T) {
			require.NoError(t, s.app.Fault(s.ctx(), faults.Fault{Kind: kind, Count: 1}))
			data := s.signed("sign", signBody(nil))
			look(t, data, signatureOf(t, data))
			after := s.signed("sign", signBody(nil))
			require.Equal(t, verdict{true, true, true}, check(t, signatureOf(t, after)), "the switch has counted itself out")
		})
	}
}
