package bankid

import (
	"crypto"
	"crypto/sha1" //nolint:gosec // the old signature method is one of the faults
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/handslag/handslag/simulator/pki"
)

// Identifiers of BankID's signature profile.
const (
	nsDSig      = "http://www.w3.org/2000/09/xmldsig#"
	nsBankID    = "http://www.bankid.com/signature/v1.0.0/types"
	algC14N     = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	algSHA256   = "http://www.w3.org/2001/04/xmlenc#sha256"
	algRSA      = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	algRSASHA1  = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
	signedID    = "bidSignedData"
	keyInfoID   = "bidKeyInfo"
	nonceLength = 20 // as in BankID's published sample
)

// signedContent is what goes into bankIdSignedData. Texts stay in the base64
// in which the relying party sent them.
type signedContent struct {
	visible, nonVisible, format string
	rpSubject, rpName           string
	signs                       bool
	nonce                       []byte
	uhi                         string
	policies                    []string
	authentication              string // pw, or bio when biometrics were used
	at                          time.Time
}

func encode(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// xml returns bankIdSignedData in its canonical form: own namespace
// declaration, attributes in order, no empty-element tags. Every value is
// base64 or checked to need no escaping.
func (c signedContent) xml() string {
	var b strings.Builder
	element := func(name, value string) { fmt.Fprintf(&b, "<%s>%s</%s>", name, value, name) }
	fmt.Fprintf(&b, `<bankIdSignedData xmlns="%s" Id="%s">`, nsBankID, signedID)
	if c.visible != "" {
		format := ""
		if c.format == simpleMarkdown {
			format = ` format="` + simpleMarkdown + `"`
		}
		fmt.Fprintf(&b, `<usrVisibleData charset="UTF-8"%s visible="wysiwys">%s</usrVisibleData>`, format, c.visible)
	}
	if c.nonVisible != "" {
		element("usrNonVisibleData", c.nonVisible)
	}
	b.WriteString("<srvInfo>")
	element("name", encode(c.rpSubject))
	element("nonce", base64.StdEncoding.EncodeToString(c.nonce))
	element("displayName", encode(c.rpName))
	b.WriteString("</srvInfo><clientInfo>")
	function := "Identification"
	if c.signs {
		function = "Signing"
	}
	element("funcId", function)
	element("version", encode(fmt.Sprintf("Simulated=1.0.0&platform=ios&os_version=18.1&display_version=&uhi=%s&legacyuhi=%s&best_before=%d&",
		c.uhi, c.uhi, c.at.Add(90*24*time.Hour).Unix())))
	b.WriteString("<env><ai>")
	element("type", encode("IOS"))
	element("deviceInfo", encode("18.1"))
	element("uhi", c.uhi)
	element("fsib", "0")
	element("utb", "cs1")
	if len(c.policies) > 0 {
		b.WriteString("<requirement><condition>")
		element("type", "CertificatePolicies")
		for _, policy := range c.policies {
			element("value", policy)
		}
		b.WriteString("</condition></requirement>")
	}
	element("uauth", c.authentication)
	b.WriteString("</ai></env></clientInfo></bankIdSignedData>")
	return b.String()
}

func keyInfoXML(signer pki.Identity) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<KeyInfo xmlns="%s" Id="%s"><X509Data>`, nsDSig, keyInfoID)
	for _, der := range signer.TLS().Certificate {
		fmt.Fprintf(&b, "<X509Certificate>%s</X509Certificate>", base64.StdEncoding.EncodeToString(der))
	}
	b.WriteString("</X509Data></KeyInfo>")
	return b.String()
}

func referenceXML(kind, uri, target string) string {
	digest := sha256.Sum256([]byte(target))
	return fmt.Sprintf(`<Reference%s URI="#%s"><Transforms><Transform Algorithm="%s"></Transform></Transforms>`+
		`<DigestMethod Algorithm="%s"></DigestMethod><DigestValue>%s</DigestValue></Reference>`,
		kind, uri, algC14N, algSHA256, base64.StdEncoding.EncodeToString(digest[:]))
}

// signXML signs content and returns the whole document. place says where the
// signed element goes, so that a fault can move it.
func signXML(entropy io.Reader, signer pki.Identity, content string, oldMethod bool, place func(string) string) (string, error) {
	keyInfo := keyInfoXML(signer)
	method := algRSA
	if oldMethod {
		method = algRSASHA1
	}
	signedInfo := fmt.Sprintf(`<SignedInfo xmlns="%s"><CanonicalizationMethod Algorithm="%s"></CanonicalizationMethod>`+
		`<SignatureMethod Algorithm="%s"></SignatureMethod>%s%s</SignedInfo>`, nsDSig, algC14N, method,
		referenceXML(` Type="`+nsBankID+`"`, signedID, content), referenceXML("", keyInfoID, keyInfo))
	value, err := signBytes(entropy, signer.Key, []byte(signedInfo), oldMethod)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8" standalone="no"?><Signature xmlns="%s">%s<SignatureValue>%s</SignatureValue>%s%s</Signature>`,
		nsDSig, signedInfo, base64.StdEncoding.EncodeToString(value), keyInfo, place(content)), nil
}

func signBytes(entropy io.Reader, key crypto.Signer, message []byte, oldMethod bool) ([]byte, error) {
	digest, hash := sha256.Sum256(message), crypto.SHA256
	signed := digest[:]
	if oldMethod {
		old := sha1.Sum(message) //nolint:gosec // see the import
		signed, hash = old[:], crypto.SHA1
	}
	value, err := key.Sign(entropy, signed, hash)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return value, nil
}

func inObject(content string) string { return "<Object>" + content + "</Object>" }
