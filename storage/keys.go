package storage

import (
	"encoding/hex"
	"fmt"
	"regexp"

	"github.com/handslag/handslag/signing"
)

// Purposes of keyed hashes. They are part of what is stored and never change.
const (
	purposePerson      = "person"
	purposeIdempotency = "idempotency"
	purposeHashState   = "hash-state"
	purposeOrder       = "order"
)

// maxRevision keeps keys in order by their four digits.
const maxRevision = 9999

// nameForm is of the short fixed words that name evidence.
var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,63}$`)

func tenantKey(t signing.TenantID) (string, error) {
	if !signing.ValidTenant(string(t)) {
		return "", errID.In("tenant", "invalid", "The tenant's name is not valid.")
	}
	return "t/" + string(t), nil
}

func documentKey(t signing.TenantID, d signing.DocumentID) (string, error) {
	prefix, err := tenantKey(t)
	if err != nil {
		return "", err
	}
	if !signing.ValidID(signing.DocumentPrefix, string(d)) {
		return "", errID.In("document", "invalid", "The document's id is not valid.")
	}
	return prefix + "/d/" + string(d), nil
}

func collectionKey(t signing.TenantID, c signing.CollectionID) (string, error) {
	prefix, err := tenantKey(t)
	if err != nil {
		return "", err
	}
	if !signing.ValidID(signing.CollectionPrefix, string(c)) {
		return "", errID.In("collection", "invalid", "The collection's id is not valid.")
	}
	return prefix + "/c/" + string(c), nil
}

// stemOf returns the key of a revision without its ending. The upload belongs to
// the tenant alone, so the collection is ignored there; an evidence PDF, from its
// revision 0 on, to the collection.
func stemOf(r signing.RevisionRef) (string, error) {
	if r.Revision < 0 || r.Revision > maxRevision {
		return "", errID.In("revision", "range", "A revision is a number from 0 to %d.", maxRevision)
	}
	document, err := documentKey(r.Tenant, r.Document)
	if err != nil {
		return "", err
	}
	series := "r"
	if r.Evidence {
		series = "e"
	}
	if r.Revision > 0 || r.Evidence {
		collection, err := collectionKey(r.Tenant, r.Collection)
		if err != nil {
			return "", err
		}
		document = collection + "/d/" + string(r.Document)
	}
	return fmt.Sprintf("%s/%s%04d", document, series, r.Revision), nil
}

func evidenceKey(r signing.EvidenceRef) (string, error) {
	prefix, err := collectionKey(r.Tenant, r.Collection)
	if err != nil {
		return "", err
	}
	if !nameForm.MatchString(r.Name) {
		return "", errID.In("name", "invalid", "The name of the evidence is not valid.")
	}
	if r.Attempt == "" {
		return prefix + "/e/" + r.Name, nil
	}
	if !signing.ValidID(signing.AttemptPrefix, string(r.Attempt)) {
		return "", errID.In("attempt", "invalid", "The attempt's id is not valid.")
	}
	return prefix + "/a/" + string(r.Attempt) + "/" + r.Name, nil
}

// hashed returns the keyed hash of data in hex.
func (s *Store) hashed(purpose, data string) string {
	mac := s.ring.MAC(purpose, []byte(data))
	return hex.EncodeToString(mac[:])
}
