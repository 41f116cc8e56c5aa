package signing

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// AuditType says what an entry of the audit trail records.
type AuditType string

// The types of audit entries.
const (
	AuditCreated    AuditType = "collection_created"
	AuditDocument   AuditType = "document_included"
	AuditStarted    AuditType = "attempt_started"
	AuditAttempt    AuditType = "attempt_ended"
	AuditSigned     AuditType = "participant_signed"
	AuditIdentified AuditType = "participant_identified" // and has not consented yet
	AuditConsented  AuditType = "participant_consented"
	AuditProcess    AuditType = "related_process_completed" // of the provider's own; nothing of ours was signed
	AuditNoOrder    AuditType = "provider_made_no_order"    // and the next one is asked
	AuditRevised    AuditType = "document_revised"          // by a signature in it
	AuditDeclined   AuditType = "participant_declined"
	AuditCancel     AuditType = "collection_cancel_asked"
	AuditSealing    AuditType = "collection_sealing"
	AuditSealed     AuditType = "document_sealed"
	AuditUnsealed   AuditType = "document_left_unsealed" // a lock in it forbids our seal
	AuditEvidence   AuditType = "evidence_sealed"        // a separate evidence PDF
	AuditEnded      AuditType = "collection_ended"
	AuditReturned   AuditType = "app_returned"
	AuditAttention  AuditType = "needs_attention"
)

// AuditEntry is one event of a collection's audit trail. It carries ids,
// digests and codes, never personal data: names and numbers are in the
// encrypted evidence that it points to.
type AuditEntry struct {
	Seq         int           `json:"seq"` // from 1, without gaps
	At          time.Time     `json:"at"`  // UTC
	Type        AuditType     `json:"type"`
	Collection  CollectionID  `json:"collection,omitempty"` // in the first entry
	Participant ParticipantID `json:"participant,omitempty"`
	Attempt     AttemptID     `json:"attempt,omitempty"`
	Document    DocumentID    `json:"document,omitempty"`
	// Code is an outcome, state or reason; ProviderCode the provider's own word.
	Code         string `json:"code,omitempty"`
	Provider     string `json:"provider,omitempty"`
	ProviderCode string `json:"providerCode,omitempty"`
	// Digest is of the thing that the entry is about: an upload, an answer, a file.
	Digest string `json:"sha256,omitempty"`
	// Previous is the digest of the entry before, 64 zeros for the first.
	Previous Digest `json:"previous"`
}

// AuditTrail is the head of a chain of entries, to which the next is added. The
// zero value is the start of a trail.
type AuditTrail struct {
	Seq  int    `json:"seq"`
	Head Digest `json:"head"`
}

// Add chains an entry to the trail and returns its line: JSON, without a line
// end. The digest of the line becomes the trail's head.
func (t *AuditTrail) Add(e AuditEntry) ([]byte, error) {
	e.Seq, e.At, e.Previous = t.Seq+1, e.At.UTC(), t.Head
	line, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode audit entry %d: %w", e.Seq, err)
	}
	t.Seq, t.Head = e.Seq, DigestOf(line)
	return line, nil
}

// Check follows the trail by one line and returns its entry. It fails when the
// line does not continue the trail; the trail is then unchanged.
func (t *AuditTrail) Check(line []byte) (AuditEntry, error) {
	var e AuditEntry
	if err := json.Unmarshal(line, &e); err != nil {
		return AuditEntry{}, fmt.Errorf("decode audit entry %d: %w", t.Seq+1, err)
	}
	if e.Seq != t.Seq+1 || e.Previous != t.Head {
		return AuditEntry{}, errors.New("the audit trail is broken: an entry does not continue the one before")
	}
	t.Seq, t.Head = e.Seq, DigestOf(line)
	return e, nil
}
