package activities

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// proofs gathers what is known of each participant's part, and what proves it. A
// provider's raw answer is not among it: that stays with us.
func (s *Sealing) proofs(ctx context.Context, in SealInput, spec signing.Spec) ([]evidence.Proof, error) {
	var proofs []evidence.Proof
	for _, signature := range in.Signatures {
		p, ok := spec.Participant(signature.Participant)
		if !ok {
			return nil, signing.ErrUnknownParticipant
		}
		proof, err := s.proof(ctx, AttemptRef{CollectionRef: in.CollectionRef, Attempt: signature.Attempt}, signature, p)
		if err != nil {
			return nil, err
		}
		proofs = append(proofs, proof)
	}
	return proofs, nil
}

func (s *Sealing) proof(ctx context.Context, ref AttemptRef, signature signing.Signature, p signing.Participant) (evidence.Proof, error) {
	proof := evidence.Proof{
		Signature: signature, Locale: p.Locale, MaskedNumber: p.PersonalNumber.Masked(),
		Organisation: p.Organisation, ProviderParticipant: p.ProviderParticipant,
	}
	var asked request
	var result providers.Result
	pieces := append([]piece{{name: requestName, value: &asked}, {name: resultName, value: &result}}, piecesOf(&proof)...)
	for _, piece := range pieces {
		b, err := s.Evidence.GetEvidence(ctx, ref.evidence(piece.name))
		if piece.optional && fault.KindOf(err) == fault.NotFound {
			continue
		}
		if err == nil && piece.value != nil {
			err = json.Unmarshal(b, piece.value)
		}
		if err != nil {
			return proof, fmt.Errorf("get %s of a signature: %w", piece.name, err)
		}
		if piece.bytes != nil {
			*piece.bytes = b
		}
	}
	proof.TextVersion, proof.Text, proof.Manifest = asked.TextVersion, asked.VisibleText, asked.Manifest
	proof.SignerName = result.SignerName
	if proof.SignerName == "" { // not every provider says it
		proof.SignerName = p.Name
	}
	return proof, nil
}

// piece is a piece of evidence, and where it goes.
type piece struct {
	name     string
	bytes    *[]byte
	value    any
	optional bool
}

// piecesOf are those that a part of that assurance consists of.
func piecesOf(p *evidence.Proof) []piece {
	switch p.Assurance {
	case signing.AssuranceVerified:
		if p.Method.SignsDocuments() { // it is in the document
			return nil
		}
		return []piece{{name: providers.ProofXML, bytes: &p.XML}, {name: providers.ProofOCSP, bytes: &p.OCSP}}
	case signing.AssuranceIdentified: // not every provider hands out BankID's answer
		return []piece{
			{name: consentName, bytes: &p.Consent},
			{name: providers.ProofIdentification, bytes: &p.XML, optional: true},
			{name: providers.ProofOCSP, bytes: &p.OCSP, optional: true},
		}
	case signing.AssuranceAttested, signing.AssuranceAttestedProcess:
	}
	return nil
}
