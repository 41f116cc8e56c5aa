package evidence

import (
	"errors"
	"time"

	"github.com/handslag/handslag/signing"
)

// The forms of index that earlier releases wrote: of evidence in the document
// itself, and of evidence in a PDF of its own. They know verified Swedish
// signatures of the upload only.
const (
	appendedVersion = "handslag-evidence-1"
	separateVersion = "handslag-evidence-2"
)

type earlierIndex struct {
	Version    string               `json:"version"`
	Collection signing.CollectionID `json:"collection"`
	Document   signing.DocumentID   `json:"document"`
	Upload     Upload               `json:"upload"`
	Result     *Separate            `json:"result,omitempty"`
	Signatures []earlierEntry       `json:"signatures"`
	Audit      signing.AuditTrail   `json:"audit"`
}

type earlierEntry struct {
	Participant signing.ParticipantID `json:"participant"`
	Attempt     signing.AttemptID     `json:"attempt"`
	Method      signing.Method        `json:"method"`
	Provider    string                `json:"provider"`
	Assurance   signing.Assurance     `json:"assurance"`
	SignedAt    time.Time             `json:"signedAt"`
	Environment string                `json:"environment"`
	TextVersion string                `json:"textVersion"`
	Locale      signing.Locale        `json:"locale"`
	Manifest    string                `json:"manifest"`
	Signature   string                `json:"signature"`
	OCSP        string                `json:"ocsp"`
}

// readEarlier reads an index of an earlier form as one of this release.
func readEarlier(b []byte) (Index, error) {
	var x earlierIndex
	if err := strictly(b, &x); err != nil {
		return Index{}, err
	}
	if !(x.Version == appendedVersion && x.Result == nil || x.Version == separateVersion && x.Result != nil) {
		return Index{}, errors.New("it is of a version that cannot be")
	}
	index := Index{
		Version: x.Version, Collection: x.Collection, Document: x.Document, Upload: x.Upload, Result: x.Result, Audit: x.Audit,
	}
	for _, e := range x.Signatures {
		index.Signatures = append(index.Signatures, Entry{
			Act: Act{
				Participant: e.Participant, Attempt: e.Attempt, Method: e.Method, Provider: e.Provider,
				Assurance: e.Assurance, SignedAt: e.SignedAt, Environment: e.Environment,
			},
			Read:      Read{e.TextVersion, e.Locale, e.Manifest},
			Signature: e.Signature, OCSP: e.OCSP,
		})
	}
	return index, nil
}
