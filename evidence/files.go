package evidence

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/signing"
)

// files are the associated files of a document, our newest index and what it
// may name.
type files struct {
	entries map[string]pdf.AttachmentEntry
	content map[string][]byte
	size    int64 // of all content
}

// openFiles finds the evidence files. An upload may have files of the same
// names; those that were appended to it come later in the file. It returns nil
// when there is no index.
func openFiles(ra io.ReaderAt, size int64) (*files, error) {
	f, err := pdf.Open(ra, size, pdf.Limits{})
	if err != nil {
		return nil, fmt.Errorf("open the PDF: %w", err)
	}
	found := &files{entries: map[string]pdf.AttachmentEntry{}, content: map[string][]byte{}}
	for e, err := range f.Attachments() {
		if err != nil {
			return nil, fmt.Errorf("list associated files: %w", err)
		}
		if e.Offset >= found.entries[e.Name].Offset {
			found.entries[e.Name] = e
		}
	}
	if _, ok := found.entries[IndexName]; !ok {
		return nil, nil
	}
	return found, nil
}

// openEvidence finds the evidence files and their index. There are no files when
// the document has no evidence of its own, and there is no index when that
// cannot be read.
func openEvidence(f File) (*files, *Index, error) {
	found, err := openFiles(f.Content, f.Size)
	if err != nil || found == nil {
		return nil, nil, err
	}
	index, err := found.index()
	if err != nil {
		return found, nil, nil //nolint:nilerr // it is a finding
	}
	return found, &index, nil
}

func (f *files) index() (Index, error) {
	b, err := f.read(IndexName)
	if err != nil {
		return Index{}, err
	}
	index, err := parseIndex(b)
	if err != nil {
		return index, err
	}
	if index.Result == nil && f.entries[IndexName].Offset < index.Upload.Length {
		return index, errIndex.Because(errors.New("it lies within the upload"))
	}
	return index, nil
}

// read unpacks a file, once: a manifest is asked for by more than one check.
func (f *files) read(name string) ([]byte, error) {
	if b, ok := f.content[name]; ok {
		return b, nil
	}
	e, ok := f.entries[name]
	if !ok {
		return nil, fmt.Errorf("the document has no file of that name")
	}
	b, err := e.Read(min(maxFile, maxFiles-f.size))
	if err != nil {
		return nil, fmt.Errorf("read associated file: %w", err)
	}
	f.size += int64(len(b))
	f.content[name] = b
	return b, nil
}

// manifest reads the manifest that a participant's part is about, and checks that
// it names the collection, the participant and a revision of the document that
// there is.
func (f *files) manifest(x Index, read Read, participant signing.ParticipantID) (signing.Manifest, signing.ManifestDocument, error) {
	var none signing.ManifestDocument
	b, err := f.read(read.Manifest)
	if err != nil {
		return signing.Manifest{}, none, err
	}
	m, err := signing.ParseManifest(b)
	if err != nil {
		return m, none, err
	}
	if m.Collection != x.Collection || m.Participant != participant {
		return m, none, errors.New("it is of another collection or participant")
	}
	for _, d := range m.Documents {
		if d.ID == x.Document && x.has(d) {
			return m, d, nil
		}
	}
	return m, none, errors.New("it names no revision of the document")
}

// has reports whether the document has the revision that a manifest names.
func (x Index) has(d signing.ManifestDocument) bool {
	if u := x.Upload; d.Revision == u.Revision {
		return d.Length == u.Length && d.Digest == u.Digest
	}
	return slices.ContainsFunc(x.Revisions, func(e RevisionEntry) bool {
		return e.Revision == d.Revision && e.Length == d.Length && e.Digest == d.Digest
	})
}
