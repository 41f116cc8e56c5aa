package bankidsig_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/bankidsig"
)

var (
	signedAt = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	number   = "199001011239"
)

type identity struct {
	certificate *x509.Certificate
	key         *rsa.PrivateKey
}

// world is a PKI like BankID's and a person in it, whose signatures the tests
// forge as they like.
type world struct {
	tb                                    testing.TB
	root, bank, customer, leaf, responder identity
}

// keys are made once: RSA keys are what takes time here.
var keys = sync.OnceValue(func() []*rsa.PrivateKey {
	var made []*rsa.PrivateKey
	for range 5 {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		made = append(made, k)
	}
	return made
})

func newWorld(t testing.TB) *world {
	t.Helper()
	k := keys()
	w := &world{tb: t}
	w.root = issue(t, nil, k[0], authority("Simulated root"))
	w.bank = issue(t, &w.root, k[1], authority("Simulated bank CA"))
	w.customer = issue(t, &w.bank, k[2], authority("Simulated customer CA"))
	w.leaf = issue(t, &w.customer, k[3], person())
	w.responder = issue(t, &w.customer, k[4], responder())
	return w
}

func authority(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: signedAt.AddDate(-10, 0, 0), NotAfter: signedAt.AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
}

func person() *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{
			CommonName: "Ada Test", SerialNumber: number,
			ExtraNames: []pkix.AttributeTypeAndValue{
				{Type: asn1.ObjectIdentifier{2, 5, 4, 42}, Value: "Ada"},
				{Type: asn1.ObjectIdentifier{2, 5, 4, 4}, Value: "Test"},
			},
		},
		NotBefore: signedAt.AddDate(-1, 0, 0), NotAfter: signedAt.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageContentCommitment,
	}
}

func responder() *x509.Certificate {
	return &x509.Certificate{
		Subject:   pkix.Name{CommonName: "Simulated customer CA OCSP Signing"},
		NotBefore: signedAt.AddDate(0, -1, 0), NotAfter: signedAt.AddDate(0, 5, 0),
		KeyUsage: x509.KeyUsageContentCommitment, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning},
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}, Value: asn1.NullBytes}},
	}
}

func issue(t testing.TB, by *identity, key *rsa.PrivateKey, template *x509.Certificate) identity {
	t.Helper()
	template.SerialNumber = big.NewInt(int64(len(template.Subject.CommonName)) + 4711)
	parent, signer := template, key
	if by != nil {
		parent, signer = by.certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return identity{certificate, key}
}

func certificatePEM(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

func (w *world) trust() bankidsig.Trust {
	return bankidsig.Trust{{Environment: bankidsig.Simulator, Certificate: w.root.certificate}}
}

// draft is a signature before it is signed. Each part can be replaced; digests
// and the signature value are computed over what is there.
type draft struct {
	declaration, data, signedInfo string // "" for signedInfo: computed
	certificates                  []identity
	algorithm                     string
	hash                          crypto.Hash
	after                         func(xml string) string // a change after signing
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

const signedText, signedData = "# Underskrift\n\n+ Avtal", `{"version":"handslag-manifest-1"}`

func (w *world) draft() draft {
	return draft{
		declaration: `<?xml version="1.0" encoding="UTF-8" standalone="no"?>`,
		data: `<bankIdSignedData xmlns="http://www.bankid.com/signature/v1.0.0/types" Id="bidSignedData">` +
			`<usrVisibleData charset="UTF-8" format="simpleMarkdownV1" visible="wysiwys">` + b64(signedText) + `</usrVisibleData>` +
			`<usrNonVisibleData>` + b64(signedData) + `</usrNonVisibleData>` +
			`<srvInfo><name>` + b64("cn=Firma AB,serialNumber=5566304928,o=Firma AB,c=SE") + `</name><nonce>AAAA</nonce><displayName>` + b64("Firma") + `</displayName></srvInfo>` +
			`<clientInfo><funcId>Signing</funcId><version>AAAA</version><env><ai><type>T1NfWA==</type></ai></env></clientInfo></bankIdSignedData>`,
		certificates: []identity{w.leaf, w.customer, w.bank},
		algorithm:    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
		hash:         crypto.SHA256,
	}
}

func (d draft) keyInfo() string {
	var b strings.Builder
	b.WriteString(`<KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#" Id="bidKeyInfo"><X509Data>`)
	for _, c := range d.certificates {
		b.WriteString("<X509Certificate>" + base64.StdEncoding.EncodeToString(c.certificate.Raw) + "</X509Certificate>")
	}
	return b.String() + `</X509Data></KeyInfo>`
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

const transforms = `<Transforms><Transform Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"></Transform></Transforms><DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></DigestMethod>`

func (d draft) dataReference() string {
	return `<Reference Type="http://www.bankid.com/signature/v1.0.0/types" URI="#bidSignedData">` + transforms + `<DigestValue>` + digest(d.data) + `</DigestValue></Reference>`
}

func (d draft) keyReference() string {
	return `<Reference URI="#bidKeyInfo">` + transforms + `<DigestValue>` + digest(d.keyInfo()) + `</DigestValue></Reference>`
}

func (d draft) info(references ...string) string {
	return `<SignedInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"></CanonicalizationMethod>` +
		`<SignatureMethod Algorithm="` + d.algorithm + `"></SignatureMethod>` + strings.Join(references, "") + `</SignedInfo>`
}

// sign returns the signature as BankID would return it.
func (d draft) sign(t testing.TB) string {
	t.Helper()
	info := d.signedInfo
	if info == "" {
		info = d.info(d.dataReference(), d.keyReference())
	}
	var hashed []byte
	if d.hash == crypto.SHA1 {
		sum := sha1.Sum([]byte(info))
		hashed = sum[:]
	} else {
		sum := sha256.Sum256([]byte(info))
		hashed = sum[:]
	}
	value, err := rsa.SignPKCS1v15(rand.Reader, d.certificates[0].key, d.hash, hashed)
	require.NoError(t, err)
	xml := d.declaration + `<Signature xmlns="http://www.w3.org/2000/09/xmldsig#">` + info + `<SignatureValue>` + base64.StdEncoding.EncodeToString(value) +
		`</SignatureValue>` + d.keyInfo() + `<Object>` + d.data + `</Object></Signature>`
	if d.after != nil {
		xml = d.after(xml)
	}
	return base64.StdEncoding.EncodeToString([]byte(xml))
}
