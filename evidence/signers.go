package evidence

import (
	"encoding/base64"
	"time"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/signing"
)

// judgeSigners verifies each participant's signature, and that all are there.
func (r *Report) judgeSigners(files *files, index Index, trust Trust) {
	if len(index.Signatures) == 0 {
		r.conclude(pdf.TotalFailed, subEvidence, "The evidence is of nobody's signature.")
	}
	r.judgeCompleteness(files, index)
	for _, e := range index.Signatures {
		s := judgeSigner(files, index, e, trust)
		r.Signers = append(r.Signers, s)
		r.restOn(bankidsig.Environment(s.Environment))
		r.conclude(s.Indication, s.SubIndication, s.Reason)
	}
}

// clockSkew is how far the clocks of BankID and of a timestamp authority may be
// apart.
const clockSkew = 5 * time.Minute

// judgeOrder: what is sealed was there before the seal. One of the two authorities
// that state the times is wrong when a person signed only afterwards.
func (r *Report) judgeOrder(seals []Seal) {
	for _, signer := range r.Signers {
		for _, s := range seals {
			stated := signer.TimeSource == string(bankidsig.TimeOCSP) && !s.Time.IsZero()
			if stated && signer.SignedAt.After(s.Time.Add(clockSkew)) {
				r.conclude(pdf.Indeterminate, pdf.TimestampOrder, "The evidence was sealed before a signature in it was made.")
			}
		}
	}
}

// judgeCompleteness compares who signed with who had to, as each signature says.
func (r *Report) judgeCompleteness(files *files, index Index) {
	signed := map[signing.ParticipantID]bool{}
	for _, e := range index.Signatures {
		if signed[e.Participant] {
			r.conclude(pdf.TotalFailed, subEvidence, "The document lists a signer twice.")
		}
		signed[e.Participant] = true
	}
	for _, e := range index.Signatures {
		m, _, err := files.manifest(index, e)
		if err != nil {
			continue // judgeSigner says so
		}
		for _, p := range m.Participants {
			if !signed[p] {
				r.conclude(pdf.TotalFailed, subMissing, "Somebody who had to sign has not.")
			}
		}
		if len(m.Participants) != len(index.Signatures) {
			r.conclude(pdf.TotalFailed, subMissing, "Those who signed are not those who had to.")
		}
	}
}

// judgeSigner verifies one participant's signature and that it covers the upload.
func judgeSigner(files *files, index Index, e Entry, trust Trust) Signer {
	s := Signer{Participant: e.Participant, Method: e.Method, Indication: pdf.TotalPassed}
	fail := func(i pdf.Indication, sub, reason string) Signer {
		s.Indication, s.SubIndication, s.Reason = i, sub, reason
		return s
	}
	manifest, document, err := files.manifest(index, e)
	if err != nil {
		return fail(pdf.TotalFailed, subManifest, "The manifest that was signed is not of this document.")
	}
	xml, errXML := files.read(e.Signature)
	ocsp, errOCSP := files.read(e.OCSP)
	if errXML != nil || errOCSP != nil {
		return fail(pdf.TotalFailed, subEvidence, "The signature or its OCSP response is missing from the document.")
	}
	proof, err := bankidsig.Verify(bankidsig.Input{
		Signature: base64.StdEncoding.EncodeToString(xml), OCSP: base64.StdEncoding.EncodeToString(ocsp),
		Expect: bankidsig.Expectation{
			VisibleText: []byte(visibleText(manifest, e.Locale)), VisibleFormat: "simpleMarkdownV1",
			NonVisibleData: files.content[e.Manifest],
		},
	}, trust.BankID)
	if err != nil {
		return fail(indication(err), fault.CodeOf(err), message(err))
	}
	s.Assurance = signing.AssuranceVerified
	s.Name, s.Title = signing.Private(proof.Signer.Name.Reveal()), document.Title
	s.SignedAt, s.TimeSource = proof.SignedAt, string(proof.TimeSource)
	s.RelyingParty = signing.Private(proof.DisplayName)
	s.Environment, s.Checks = string(proof.Environment), proof.Checks
	if n, err := signing.ParsePersonalNumber(proof.Signer.PersonalNumber.Reveal()); err == nil {
		s.PersonalNumber = n.Masked()
	}
	return s
}

func indication(err error) pdf.Indication {
	switch bankidsig.ReasonOf(err) {
	case bankidsig.UntrustedRoot, "":
		return pdf.Indeterminate
	default:
		return pdf.TotalFailed
	}
}

// visibleText makes the text that the person read again.
func visibleText(m signing.Manifest, locale signing.Locale) string {
	spec := signing.Spec{ID: m.Collection}
	for _, d := range m.Documents {
		spec.Documents = append(spec.Documents, signing.Document{ID: d.ID, Title: d.Title, Digest: d.Digest})
	}
	return spec.VisibleText(locale).Reveal()
}
