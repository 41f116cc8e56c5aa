package bankid

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/pki"
)

// Faults of results: what a relying party must notice in a completed order.
const (
	RevokedLeaf      faults.Kind = "revokedLeaf"      // OCSP says revoked
	WrongNonce       faults.Kind = "wrongNonce"       // the OCSP nonce is not bound to the signature
	TamperedText     faults.Kind = "tamperedText"     // the text was changed after signing
	OtherText        faults.Kind = "otherText"        // another text than the order's was signed
	ExpiredLeaf      faults.Kind = "expiredLeaf"      // the certificate was over when it signed
	OtherRP          faults.Kind = "otherRP"          // signed for another relying party
	OtherPerson      faults.Kind = "otherPerson"      // signed by another person
	WrappedSignature faults.Kind = "wrappedSignature" // a forged element stands before the signed one
	RSASHA1          faults.Kind = "rsaSHA1"          // the signature method of 2010
	MissingOCSP      faults.Kind = "missingOCSP"      // no OCSP response
	OtherFunction    faults.Kind = "otherFunction"    // an identification where a signature was asked for, and the other way round
	OtherCertificate faults.Kind = "otherCertificate" // signed with the certificate that is for identification, and the other way round
)

var resultFaults = []faults.Kind{
	RevokedLeaf, WrongNonce, TamperedText, OtherText, ExpiredLeaf, OtherRP, OtherPerson, WrappedSignature, RSASHA1, MissingOCSP,
	OtherFunction, OtherCertificate,
}

// completionData is the member of that name in a completed collect answer.
type completionData struct {
	User            user    `json:"user"`
	Device          device  `json:"device"`
	BankIDIssueDate string  `json:"bankIdIssueDate"`
	StepUp          *stepUp `json:"stepUp,omitempty"`
	Signature       string  `json:"signature"`
	OCSPResponse    string  `json:"ocspResponse,omitempty"`
	Risk            string  `json:"risk,omitempty"`
}

type user struct {
	PersonalNumber string `json:"personalNumber"`
	Name           string `json:"name"`
	GivenName      string `json:"givenName"`
	Surname        string `json:"surname"`
}

type device struct {
	IPAddress string `json:"ipAddress"`
	UHI       string `json:"uhi"`
}

// stepUp is an object, not a flag, in BankID's own model.
type stepUp struct {
	MRTD bool `json:"mrtd"`
}

// forged is the text that a forger would put in the place of the signed one.
const forged = "Simulated forgery: I owe you everything."

// uhi is BankID's device identifier: 21 bytes that stay the same for a device.
func uhi(number string) string {
	digest := sha256.Sum256([]byte("simulated device of " + number))
	return base64.StdEncoding.EncodeToString(digest[:21])
}

// complete makes the result of an order that p signed, as it will be at the
// time given, with whatever faults are switched on.
func (s *Server) complete(o *order, p Person, authentication, risk string, at time.Time) (*completionData, error) {
	on := map[faults.Kind]bool{}
	for _, k := range resultFaults {
		_, on[k] = s.faults.Take(k, string(o.Kind), true)
	}
	if on[OtherPerson] {
		p = Person{
			PersonalNumber: "199001012385", GivenName: "Annan", Surname: "Person",
			Policy: p.Policy, IPAddress: p.IPAddress, Issued: p.Issued,
		}
	}
	signer, err := s.pki.Person(p.leaf(o.Kind.signs() != (on[OtherFunction] || on[OtherCertificate]), on[ExpiredLeaf]))
	if err != nil {
		return nil, err
	}
	content, err := s.content(o, p, authentication, at, on)
	if err != nil {
		return nil, err
	}
	document, err := signXML(s.entropy, signer, content.xml(), on[RSASHA1], func(signed string) string {
		return place(content, signed, on)
	})
	if err != nil {
		return nil, err
	}
	data := &completionData{
		User:            user{p.PersonalNumber, p.GivenName + " " + p.Surname, p.GivenName, p.Surname},
		Device:          device{p.IPAddress, content.uhi},
		BankIDIssueDate: p.Issued.UTC().Format("2006-01-02") + "Z",
		Signature:       encode(document),
	}
	if o.SameDevice {
		data.Device.IPAddress = o.Request.EndUserIP
	}
	if o.Request.Requirement.MRTD || o.MRTDRead {
		data.StepUp = &stepUp{MRTD: o.MRTDRead}
	}
	if o.Request.ReturnRisk {
		data.Risk = risk
	}
	if on[MissingOCSP] {
		return data, nil
	}
	bound := data.Signature
	if on[WrongNonce] {
		bound = "another signature"
	}
	nonce, err := boundNonce(s.entropy, bound)
	if err != nil {
		return nil, err
	}
	response, err := respond(s.entropy, s.pki, status{certificate: signer.Certificate, revoked: on[RevokedLeaf], at: at, nonce: nonce})
	if err != nil {
		return nil, err
	}
	data.OCSPResponse = base64.StdEncoding.EncodeToString(response)
	return data, nil
}

func (s *Server) content(o *order, p Person, authentication string, at time.Time, on map[faults.Kind]bool) (signedContent, error) {
	c := signedContent{
		visible: o.Request.Visible, nonVisible: o.Request.NonVisible, format: o.Request.Format,
		rpSubject: o.RP.Subject, rpName: o.RP.DisplayName, signs: o.Kind.signs() != on[OtherFunction], nonce: make([]byte, nonceLength),
		uhi: uhi(p.PersonalNumber), policies: o.Request.Requirement.Policies, authentication: authentication, at: at,
	}
	if _, err := io.ReadFull(s.entropy, c.nonce); err != nil {
		return c, fmt.Errorf("draw nonce: %w", err)
	}
	if on[OtherText] {
		c.visible = encode(forged)
	}
	if on[OtherRP] {
		c.rpSubject = "cn=Simulated Other Party,name=Other,serialNumber=5560000000,o=Simulated Bank AB (publ),c=SE"
	}
	return c, nil
}

// place puts the signed element into the document, honestly or as an attacker
// would.
func place(c signedContent, signed string, on map[faults.Kind]bool) string {
	c.visible = encode(forged)
	switch {
	case on[TamperedText]:
		return inObject(c.xml())
	case on[WrappedSignature]:
		return inObject(c.xml()) + inObject(signed)
	default:
		return inObject(signed)
	}
}

// person.go and pki speak of the same leaf; this is the one translation.
func (p Person) leaf(signs, expired bool) pki.Leaf {
	use := pki.Identify
	if signs {
		use = pki.Sign
	}
	policy, _ := media(p.Policy)
	return pki.Leaf{
		PersonalNumber: p.PersonalNumber, GivenName: p.GivenName, Surname: p.Surname,
		Policy: policy.oid, Medium: policy.medium, Issued: p.Issued, Use: use, Expired: expired,
	}
}

// satisfies reports whether a BankID with the policy meets the requirement.
func (r requirement) satisfies(policy string) bool {
	m, _ := media(policy)
	if r.CardReader != "" && !m.card {
		return false
	}
	if len(r.Policies) == 0 {
		return true
	}
	for _, allowed := range r.Policies {
		prefix, wildcard := strings.CutSuffix(allowed, "*")
		if allowed == policy || wildcard && strings.HasPrefix(policy, prefix) {
			return true
		}
	}
	return false
}
