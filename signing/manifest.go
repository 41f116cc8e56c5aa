package signing

import (
	"errors"
	"slices"
)

// ManifestVersion is the form of manifest that this release writes.
const ManifestVersion = "handslag-manifest-1"

// Manifest is what a Swedish signature binds besides the text that the person
// reads: which participant of which collection signs which bytes, and who else
// has to. It travels as the signature's non-visible data.
//
// Its one encoding is JSON with the members in the order below, no white space
// and no escapes but those JSON demands. A reader accepts no other, so equal
// manifests have equal bytes and the manifest can be made again from the
// evidence.
type Manifest struct {
	Version     string        `json:"version"`
	Collection  CollectionID  `json:"collection"`
	Participant ParticipantID `json:"participant"`
	// Participants are all who have to sign or consent, this one among them: what
	// lacks one of them is not complete. Who only goes through a process of the
	// provider's own is none of them.
	Participants []ParticipantID    `json:"participants"`
	Documents    []ManifestDocument `json:"documents"`
}

// ManifestDocument names the bytes of one document: the first Length bytes of
// any later revision have this digest.
type ManifestDocument struct {
	ID       DocumentID `json:"id"`
	Revision int        `json:"revision"`
	Length   int64      `json:"length"`
	Digest   Digest     `json:"sha256"`
	Title    Private    `json:"title"`
}

// Manifest returns what the participant is to sign.
func (s Spec) Manifest(p ParticipantID) Manifest {
	m := Manifest{Version: ManifestVersion, Collection: s.ID, Participant: p}
	for _, each := range s.Participants {
		if each.Method != MethodBankIDSEProcess {
			m.Participants = append(m.Participants, each.ID)
		}
	}
	for _, d := range s.Documents {
		m.Documents = append(m.Documents, ManifestDocument{d.ID, d.Revision, d.Length, d.Digest, d.Title})
	}
	return m
}

// Encode returns the manifest's one encoding.
func (m Manifest) Encode() ([]byte, error) { return encodeRecord("manifest", m) }

// ParseManifest reads a manifest and refuses any but its one encoding.
func ParseManifest(b []byte) (Manifest, error) { return parseRecord[Manifest]("manifest", b) }

// check refuses what we would never write, lest a verifier makes a text of it
// that says something else than it seems to.
func (m Manifest) check() error {
	switch {
	case m.Version != ManifestVersion:
		return errors.New("unknown version")
	case !ValidID(CollectionPrefix, string(m.Collection)):
		return errors.New("the collection has no valid id")
	case !slices.Contains(m.Participants, m.Participant):
		return errors.New("the participant is not one of those who have to sign")
	case len(m.Documents) == 0:
		return errors.New("there are no documents")
	}
	participants, documents := map[ParticipantID]bool{}, map[DocumentID]bool{}
	for _, p := range m.Participants {
		if participants[p] || !ValidID(ParticipantPrefix, string(p)) {
			return errors.New("a participant has no valid id of their own")
		}
		participants[p] = true
	}
	for _, d := range m.Documents {
		if documents[d.ID] || !ValidID(DocumentPrefix, string(d.ID)) {
			return errors.New("a document has no valid id of its own")
		}
		documents[d.ID] = true
		title, err := NormaliseTitle(d.Title.Reveal())
		if err != nil || title != d.Title || d.Length < 0 || d.Revision < 0 {
			return errors.New("a document is described as it cannot be")
		}
	}
	return nil
}
