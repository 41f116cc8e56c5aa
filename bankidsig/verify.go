package bankidsig

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"time"

	"github.com/handslag/handslag/fault"
)

// maxSignature leaves room for the largest texts that BankID takes (40 000 and
// 200 000 characters), the certificates, and base64 around it all.
const maxSignature = 512 << 10

// Input is what is to be verified. It prints as "[private]".
type Input struct {
	// Signature and OCSP are completionData.signature and .ocspResponse, the
	// base64 text exactly as BankID returned it.
	Signature string
	OCSP      string
	// Time is used as the time of signing when there is no OCSP response.
	Time   time.Time
	Expect Expectation
	Mode   Mode
}

// Format implements fmt.Formatter and shows nothing.
func (Input) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// Expectation is what the signature must say. What is left empty is not compared,
// and the report's checks say so. It prints as "[private]".
type Expectation struct {
	// VisibleText and NonVisibleData are what was sent to BankID, before base64.
	// Empty but not nil means that nothing was sent.
	VisibleText, NonVisibleData []byte
	// VisibleFormat is userVisibleDataFormat as sent with VisibleText.
	VisibleFormat string
	// Signer is the 12 digits of the person.
	Signer Private
	// RelyingParty is the subject of our client certificate, see RelyingPartyName.
	RelyingParty string
	// StartedAt and CollectedAt are the life of the order by our clock.
	StartedAt, CollectedAt time.Time
}

// Format implements fmt.Formatter and shows nothing.
func (Expectation) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// Mode says what is judged, and how strictly. The zero value is right for
// signatures.
type Mode struct {
	// Identification accepts an identification and refuses a signature; without it,
	// the other way round. Neither stands in for the other: who proved who they are
	// has signed nothing, and who signed was not asked to prove who they are to
	// whoever holds the signature now.
	Identification bool
	// AllowMissingOCSP accepts a signature without OCSP response: then nobody says
	// that the certificate was not revoked, and nobody but us says when it was.
	AllowMissingOCSP bool
	// Strict refuses an OCSP response whose nonce is not bound to the signature
	// (see NonceBinding), or whose responder lacks id-pkix-ocsp-nocheck, and a
	// signature by a certificate that is for identification alone.
	Strict bool
}

// Verify checks a signature by BankID's procedure and holds it against what is
// expected. Any refusal is a *fault.Error of kind Invalid; see [ReasonOf]. An
// error for which ReasonOf is empty means that nothing could be judged.
func Verify(in Input, trust Trust) (*Report, error) {
	if len(trust) == 0 {
		return nil, fault.New(fault.Internal, "trust_missing", "There are no BankID trust anchors to verify with.")
	}
	d, err := open(in.Signature)
	if err != nil {
		return nil, err
	}
	response, err := openOCSP(in.OCSP, in.Mode)
	if err != nil {
		return nil, err
	}
	report := &Report{SignedAt: in.Time, TimeSource: TimeGiven, Checks: map[string]string{}}
	if response != nil {
		report.SignedAt, report.TimeSource = response.data.ProducedAt, TimeOCSP
	} else if in.Time.IsZero() {
		return nil, reject(OCSPMissing, "there is no OCSP response and no other time to judge it at")
	}
	anchor, err := checkChain(d.certificates, trust, report.SignedAt)
	if err != nil {
		return nil, err
	}
	if err := d.checkSignature(); err != nil {
		return nil, err
	}
	if response != nil {
		issuer := anchor.Certificate
		if len(d.certificates) > 1 {
			issuer = d.certificates[1]
		}
		if err := response.check(d.certificates[0], issuer); err != nil {
			return nil, err
		}
	}
	report.describe(d, anchor)
	if err := report.addOCSP(response, in); err != nil {
		return nil, err
	}
	if err := report.bindPurpose(d.certificates[0], in.Mode); err != nil {
		return nil, err
	}
	if err := report.bind(d, in); err != nil {
		return nil, err
	}
	return report, nil
}

// open decodes and parses a signature and checks its digests.
func open(signature string) (*document, error) {
	if len(signature) > maxSignature {
		return nil, reject(TooLarge, "it is larger than %d bytes", maxSignature)
	}
	xml, err := decodeBase64(signature)
	if err != nil {
		return nil, reject(Malformed, "it is not base64")
	}
	d, err := parseDocument(xml)
	if err != nil {
		return nil, err
	}
	return d, d.checkDigests()
}

// openOCSP returns nil for a response that is missing and may be.
func openOCSP(encoded string, mode Mode) (*revocation, error) {
	switch {
	case encoded == "" && mode.AllowMissingOCSP:
		return nil, nil
	case encoded == "":
		return nil, reject(OCSPMissing, "there is no OCSP response")
	case len(encoded) > maxOCSP:
		return nil, reject(OCSPMalformed, "the OCSP response is larger than %d bytes", maxOCSP)
	}
	der, err := decodeBase64(encoded)
	if err != nil {
		return nil, reject(OCSPMalformed, "the OCSP response is not base64")
	}
	return parseOCSP(der)
}

// bindPurpose tells a signature from an identification, by what the person was
// asked to do and by the certificate that they did it with.
//
// An identification key may sign what its holder never saw (a challenge of TLS,
// say), so what it signs must not pass for a signature. That signing certificates
// have nonRepudiation was measured for BankIDs on file only, so for a signature
// the certificate is recorded, and decides in strict mode.
func (r *Report) bindPurpose(leaf *x509.Certificate, mode Mode) error {
	usage, fatal := x509.KeyUsageContentCommitment, mode.Strict
	switch {
	case mode.Identification && r.Function != FunctionIdentification:
		return reject(NotAnIdentification, "the person did something else than identify themselves")
	case mode.Identification:
		usage, fatal = x509.KeyUsageDigitalSignature, true
	case r.Function != FunctionSigning:
		return reject(NotASignature, "the person did something else than sign")
	}
	r.Checks["certificate_purpose"] = matches
	if leaf.KeyUsage&usage == 0 {
		r.Checks["certificate_purpose"] = mismatch
		if fatal {
			return reject(BadCertificate, "the certificate is for something else than the person did with it")
		}
	}
	return nil
}

// bind holds the verified signature against what was asked for.
func (r *Report) bind(d *document, in Input) error {
	if err := r.bindTexts(d.data, in.Expect); err != nil {
		return err
	}
	if want := in.Expect.Signer; want == "" {
		r.Checks["signer"] = notCompared
	} else if r.Signer.PersonalNumber != want {
		return reject(WrongSigner, "another person signed")
	} else {
		r.Checks["signer"] = matches
	}
	if err := r.bindRelyingParty(in.Expect.RelyingParty); err != nil {
		return err
	}
	return r.bindTime(in.Expect)
}

// bindTexts compares the base64 that was signed with the base64 of what we sent.
func (r *Report) bindTexts(d signedData, x Expectation) error {
	same := func(got *string, want []byte) bool {
		if len(want) == 0 || got == nil {
			return len(want) == 0 && got == nil
		}
		return *got == base64.StdEncoding.EncodeToString(want)
	}
	r.Checks["visible_text"], r.Checks["visible_format"], r.Checks["non_visible_data"] = notCompared, notCompared, notCompared
	if x.VisibleText != nil {
		if !same(d.visible, x.VisibleText) {
			return reject(ContentMismatch, "the visible text is not the one that was sent")
		}
		if plain(d.format) != plain(x.VisibleFormat) {
			return reject(ContentMismatch, "the visible text was shown in another format than was sent")
		}
		r.Checks["visible_text"], r.Checks["visible_format"] = matches, matches
	}
	if x.NonVisibleData != nil {
		if !same(d.nonVisible, x.NonVisibleData) {
			return reject(ContentMismatch, "the data that is not shown is not what was sent")
		}
		r.Checks["non_visible_data"] = matches
	}
	return nil
}

// plain treats the default format and its name alike.
func plain(format string) string {
	if format == "plaintext" {
		return ""
	}
	return format
}

func (r *Report) bindRelyingParty(want string) error {
	r.Checks["rp_name"] = notCompared
	if want == "" {
		return nil
	}
	same, err := sameName(r.RelyingParty, want)
	if err != nil {
		return reject(WrongRP, "the name of the relying party cannot be compared").Because(err)
	}
	if !same {
		return reject(WrongRP, "the signature was made for another relying party")
	}
	r.Checks["rp_name"] = matches
	return nil
}

// bindTime holds BankID's time against the life of the order.
func (r *Report) bindTime(x Expectation) error {
	r.Checks["order_time"] = notCompared
	if r.TimeSource != TimeOCSP || x.StartedAt.IsZero() && x.CollectedAt.IsZero() {
		return nil
	}
	if !x.StartedAt.IsZero() && r.SignedAt.Before(x.StartedAt.Add(-skew)) ||
		!x.CollectedAt.IsZero() && r.SignedAt.After(x.CollectedAt.Add(skew)) {
		return reject(OCSPTime, "the OCSP response was not made during the order")
	}
	r.Checks["order_time"] = matches
	return nil
}

// personOf reads who a certificate was issued to (BankID's certificate profile:
// serialNumber is the personal number).
func personOf(c *x509.Certificate) Signer {
	s := Signer{PersonalNumber: Private(c.Subject.SerialNumber), Name: Private(c.Subject.CommonName)}
	for _, a := range c.Subject.Names {
		value, ok := a.Value.(string)
		switch {
		case !ok:
		case a.Type.Equal(oidGivenName):
			s.GivenName = Private(value)
		case a.Type.Equal(oidSurname):
			s.Surname = Private(value)
		}
	}
	return s
}
