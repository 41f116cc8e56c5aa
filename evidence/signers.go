package evidence

import (
	"encoding/base64"
	"slices"
	"time"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/signing"
)

// judgeSigners judges each participant's part that the evidence files have, and
// that nobody's is missing. Those in the document itself are judged before.
func (r *Report) judgeSigners(files *files, x Index, trust Trust) {
	r.judgeCompleteness(files, x)
	for _, e := range x.Signatures {
		s := judgeSigner(files, x, e, trust)
		if s.Indication == pdf.TotalPassed {
			r.CompleteBy = BySignatures
		}
		r.add(s, KindSignature)
		r.conclude(s.Indication, s.SubIndication, s.Reason)
	}
	for _, e := range x.Statements {
		r.add(judgeStatement(files, x, e), KindStatement)
	}
	for _, e := range x.Consents {
		r.add(judgeConsent(files, x, e, trust), KindConsent)
	}
	for _, e := range x.Processes {
		s := stated(e.Act, e.Stated, KindProcess)
		s.SubIndication = subProcess
		s.Reason = "A process of the provider's own, as it states; nothing of this document was signed in it."
		r.add(s, KindProcess)
	}
	r.order(x)
	r.judgeStated(trust)
}

// add takes a part into the list of its kind.
func (r *Report) add(s Signer, k Kind) {
	s.Kind = k
	r.restOn(bankidsig.Environment(s.Environment))
	switch k {
	case KindSignature:
		r.Signers = append(r.Signers, s)
	case KindStatement:
		r.Statements = append(r.Statements, s)
	case KindConsent:
		r.Consents = append(r.Consents, s)
	case KindProcess:
		r.Processes = append(r.Processes, s)
	}
}

// order brings each list into the order of the collection.
func (r *Report) order(x Index) {
	at := func(s Signer) int { return slices.Index(x.Participants, s.Participant) }
	for _, list := range [][]Signer{r.Signers, r.Statements, r.Consents, r.Processes} {
		slices.SortStableFunc(list, func(a, b Signer) int { return at(a) - at(b) })
	}
}

// judgeStated concludes from what is stated and not proven: it is enough for whom
// it is enough for, unless it does not even fit together.
func (r *Report) judgeStated(trust Trust) {
	rests := map[signing.Assurance]bool{}
	for _, s := range r.Signers {
		rests[s.Assurance] = true // none, of a signature that does not hold
	}
	enough := true
	for _, s := range slices.Concat(r.Statements, r.Consents) {
		rests[s.Assurance] = true
		if s.SubIndication != subStated && s.SubIndication != subConsented {
			r.conclude(s.Indication, s.SubIndication, s.Reason)
		}
		enough = enough && trust.accepts(s.Assurance)
	}
	for _, a := range []signing.Assurance{signing.AssuranceVerified, signing.AssuranceAttested, signing.AssuranceIdentified} {
		if rests[a] {
			r.RestsOn = append(r.RestsOn, a)
		}
	}
	if !enough {
		r.conclude(pdf.Indeterminate, subRests,
			"Not everybody's part is a signature that can be verified from the document: some are statements or consents, which only the seal vouches for.")
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
			stated := (signer.TimeSource == TimeOCSP || signer.TimeSource == TimeStamp) && !s.Time.IsZero()
			if stated && signer.SignedAt.After(s.Time.Add(clockSkew)) {
				r.conclude(pdf.Indeterminate, pdf.TimestampOrder, "The evidence was sealed before a signature in it was made.")
			}
		}
	}
}

// judgeCompleteness compares who acted with who had to, as each manifest says and
// the index, which only the seal vouches for. A related process is nobody's part.
func (r *Report) judgeCompleteness(files *files, x Index) {
	r.CompleteBy = BySeal
	acted, related := map[signing.ParticipantID]bool{}, map[signing.ParticipantID]bool{}
	for _, a := range x.acts() {
		if acted[a.Participant] || related[a.Participant] {
			r.conclude(pdf.TotalFailed, subEvidence, "The document lists a participant twice.")
		}
		if a.kind == KindProcess {
			related[a.Participant] = true
		} else {
			acted[a.Participant] = true
		}
	}
	if len(acted) == 0 {
		r.conclude(pdf.TotalFailed, subEvidence, "The evidence is of nobody's signature.")
	}
	if x.Version == IndexVersion {
		r.compare(x.Participants, acted)
	}
	for _, e := range x.Signatures {
		r.compareManifest(files, x, e.Read, e.Participant, acted)
	}
	for _, e := range x.Statements {
		r.compareManifest(files, x, e.Read, e.Participant, acted)
	}
	for _, e := range x.Consents {
		r.compareManifest(files, x, e.Read, e.Participant, acted)
	}
}

func (r *Report) compareManifest(files *files, x Index, read Read, p signing.ParticipantID, acted map[signing.ParticipantID]bool) {
	if m, _, err := files.manifest(x, read, p); err == nil { // else whoever judges the part says so
		r.compare(m.Participants, acted)
	}
}

// compare holds a list of those who had to act against those who did.
func (r *Report) compare(had []signing.ParticipantID, acted map[signing.ParticipantID]bool) {
	for _, p := range had {
		if !acted[p] {
			r.conclude(pdf.TotalFailed, subMissing, "Somebody who had to sign has not.")
		}
	}
	if len(had) != len(acted) {
		r.conclude(pdf.TotalFailed, subMissing, "Those who signed are not those who had to.")
	}
}

// judgeSigner verifies one participant's signature, and that it covers a revision
// of the document.
func judgeSigner(files *files, x Index, e Entry, trust Trust) Signer {
	s := Signer{Participant: e.Participant, Method: e.Method, Provider: e.Provider, Organisation: e.Organisation, Indication: pdf.TotalPassed}
	manifest, document, err := files.manifest(x, e.Read, e.Participant)
	if err != nil {
		s.fail(pdf.TotalFailed, subManifest, "The manifest that was signed is not of this document.")
		return s
	}
	proof := judgeXML(files, e.Signature, e.OCSP, bankidsig.Expectation{
		VisibleText: []byte(specOf(manifest).VisibleText(e.Locale).Reveal()), VisibleFormat: "simpleMarkdownV1",
		NonVisibleData: files.content[e.Manifest],
	}, bankidsig.Mode{}, trust, &s)
	if proof == nil {
		return s
	}
	s.Assurance, s.Revision, s.Title = signing.AssuranceVerified, document.Revision, document.Title
	return s
}

// judgeXML verifies an XML signature and fills in what it says. It returns nil
// when it does not hold, and the signer says why.
func judgeXML(files *files, xmlName, ocspName string, x bankidsig.Expectation, mode bankidsig.Mode, trust Trust, s *Signer) *bankidsig.Report {
	xml, errXML := files.read(xmlName)
	ocsp, errOCSP := files.read(ocspName)
	if errXML != nil || errOCSP != nil {
		s.fail(pdf.TotalFailed, subEvidence, "The signature or its OCSP response is missing from the document.")
		return nil
	}
	proof, err := bankidsig.Verify(bankidsig.Input{
		Signature: base64.StdEncoding.EncodeToString(xml), OCSP: base64.StdEncoding.EncodeToString(ocsp), Expect: x, Mode: mode,
	}, trust.BankID)
	if err != nil {
		s.Indication = pdf.TotalPassed // so that the reason is this one
		s.fail(indication(err), fault.CodeOf(err), message(err))
		return nil
	}
	s.Name = signing.Private(proof.Signer.Name.Reveal())
	s.SignedAt, s.TimeSource = proof.SignedAt, TimeSource(proof.TimeSource)
	s.RelyingParty = signing.Private(proof.DisplayName)
	s.Environment, s.Checks = string(proof.Environment), proof.Checks
	s.PersonalNumber = ""
	if n, err := signing.ParsePersonalNumber(proof.Signer.PersonalNumber.Reveal()); err == nil {
		s.PersonalNumber = n.Masked()
	}
	return proof
}

func indication(err error) pdf.Indication {
	switch bankidsig.ReasonOf(err) {
	case bankidsig.UntrustedRoot, "":
		return pdf.Indeterminate
	default:
		return pdf.TotalFailed
	}
}

// specOf is as much of a collection as the texts that a person reads are made of.
func specOf(m signing.Manifest) signing.Spec {
	spec := signing.Spec{ID: m.Collection}
	for _, d := range m.Documents {
		spec.Documents = append(spec.Documents, signing.Document{ID: d.ID, Title: d.Title, Digest: d.Digest})
	}
	return spec
}
