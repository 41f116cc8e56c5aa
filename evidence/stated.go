package evidence

import (
	"time"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/signing"
)

// stated is a part that somebody states and the document does not prove.
func stated(a Act, who Stated, k Kind) Signer {
	return Signer{
		Kind: k, Participant: a.Participant, Name: who.Name, PersonalNumber: who.Number, Method: a.Method, Provider: a.Provider,
		Assurance: a.Assurance, SignedAt: a.SignedAt, TimeSource: TimeProvider, Organisation: a.Organisation,
		Answer: who.Answer, Environment: a.Environment, Indication: pdf.Indeterminate,
	}
}

// refused says that a part does not fit together, which is worse than unproven.
func refused(s Signer, sub, reason string) Signer {
	s.Indication, s.SubIndication, s.Reason = pdf.TotalFailed, sub, reason
	return s
}

// judgeStatement checks that what the provider is said to have stated is of this
// document. That it did state it, the seal says.
func judgeStatement(files *files, x Index, e StatementEntry) Signer {
	s := stated(e.Act, e.Stated, KindStatement)
	manifest, document, err := files.manifest(x, e.Read, e.Participant)
	if err != nil {
		return refused(s, subManifest, "The manifest that was signed is not of this document.")
	}
	text, err := files.read(e.Text)
	if err != nil || string(text) != specOf(manifest).VisibleText(e.Locale).Reveal() {
		return refused(s, subText, "The text that was signed is not that of the manifest.")
	}
	s.Revision, s.Title = document.Revision, document.Title
	s.SubIndication = subStated
	s.Reason = "The provider " + e.Provider + " states that they signed; it cannot be verified from this document."
	return s
}

// How sure it is who consented.
const (
	checkIdentification   = "identification"
	identificationProven  = "verified" // by BankID's own answer, here
	identificationOnWords = "stated"   // by the provider, says the seal
)

// judgeConsent checks that the consent is to this document, and, where BankID's
// own identification is there, that it was made for this consent.
func judgeConsent(files *files, x Index, e ConsentEntry, trust Trust) Signer {
	s := stated(e.Act, e.Stated, KindConsent)
	s.Checks = map[string]string{checkIdentification: identificationOnWords}
	manifest, document, err := files.manifest(x, e.Read, e.Participant)
	if err != nil {
		return refused(s, subManifest, "The manifest of the consent is not of this document.")
	}
	encoded := files.content[e.Manifest]
	b, err := files.read(e.Consent)
	if err != nil {
		return refused(s, subConsent, "The consent is missing from the document.")
	}
	record, err := signing.ParseConsent(b)
	if err != nil || !fits(record, x, e, encoded) {
		return refused(s, subConsent, "The consent is not to this document, or not of this person.")
	}
	if record.Text != specOf(manifest).ConsentText(record.Locale) {
		return refused(s, subText, "The text that was consented to is not that of the manifest.")
	}
	s.Revision, s.Title, s.ConsentedAt = document.Revision, document.Title, record.At
	if e.Identification != "" && !judgeIdentification(files, e, manifest, encoded, trust, &s) {
		return s
	}
	if !inOrder(record, s.SignedAt) {
		return refused(s, subConsent, "The consent is not from after the identification that it rests on.")
	}
	s.SubIndication = subConsented
	s.Reason = "They identified themselves and consented, as the seal says; a consent is not a signature."
	return s
}

// judgeIdentification holds BankID's identification to the consent. It reports
// false when it does not hold, and the signer says why.
func judgeIdentification(files *files, e ConsentEntry, m signing.Manifest, encoded []byte, trust Trust, s *Signer) bool {
	proof := judgeXML(files, e.Identification, e.OCSP, bankidsig.Expectation{
		VisibleText: []byte(specOf(m).IdentificationText(e.Locale).Reveal()), VisibleFormat: "simpleMarkdownV1",
		NonVisibleData: signing.IdentificationData(encoded),
	}, bankidsig.Mode{Identification: true}, trust, s)
	if proof == nil {
		return false
	}
	if e.Number != "" && s.PersonalNumber != e.Number {
		*s = refused(*s, subSigner, "The identification is of another person than the evidence says.")
		return false
	}
	s.Indication = pdf.Indeterminate
	s.Checks[checkIdentification] = identificationProven
	return true
}

// inOrder reports whether a consent speaks of an identification at that time, and
// came after it. BankID's clock may be another than ours.
func inOrder(r signing.ConsentRecord, identified time.Time) bool {
	return r.Identification.At.Sub(identified).Abs() <= clockSkew && r.At.After(identified.Add(-clockSkew))
}

// fits reports whether a consent is the one that the index lists.
func fits(r signing.ConsentRecord, x Index, e ConsentEntry, manifest []byte) bool {
	return r.Collection == x.Collection && r.Participant == e.Participant && r.Attempt == e.Attempt &&
		r.Manifest == signing.DigestOf(manifest) && r.Identification.Provider == e.Provider && r.Identification.Answer == e.Answer &&
		r.Identification.At.Equal(e.SignedAt)
}
