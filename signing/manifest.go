package signing

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// ManifestVersion is the form of manifest that this release writes.
const ManifestVersion = "handslag-manifest-1"

// Manifest is what a Swedish signature binds besides the text that the person
// reads: which participant of which collection signs which bytes. It travels as
// the signature's non-visible data.
//
// Its one encoding is JSON with the members in the order below, no white space
// and no escapes but those JSON demands. A reader accepts no other, so equal
// manifests have equal bytes and the manifest can be made again from the
// evidence.
type Manifest struct {
	Version     string             `json:"version"`
	Collection  CollectionID       `json:"collection"`
	Participant ParticipantID      `json:"participant"`
	Documents   []ManifestDocument `json:"documents"`
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
	for _, d := range s.Documents {
		m.Documents = append(m.Documents, ManifestDocument{d.ID, d.Revision, d.Length, d.Digest, d.Title})
	}
	return m
}

// Encode returns the manifest's one encoding.
func (m Manifest) Encode() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// ParseManifest reads a manifest and refuses any but its one encoding.
func ParseManifest(b []byte) (Manifest, error) {
	var m Manifest
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return Manifest{}, fmt.Errorf("decode manifest: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return Manifest{}, fmt.Errorf("decode manifest: data after its end")
	}
	if m.Version != ManifestVersion {
		return Manifest{}, fmt.Errorf("decode manifest: unknown version")
	}
	again, err := m.Encode()
	if err != nil {
		return Manifest{}, err
	}
	if !bytes.Equal(again, b) {
		return Manifest{}, fmt.Errorf("decode manifest: not its one encoding")
	}
	return m, nil
}
