package activities

import (
	"context"
	"fmt"
	"io"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// documents are what a provider that signs PDFs is sent: each document of the
// spec at the revision that the spec is at (see [signing.Spec.At]). Their bytes
// come from the store, each time that they are opened.
func documents(revisions Revisions, ref CollectionRef, spec signing.Spec) []providers.Document {
	var all []providers.Document
	for _, d := range spec.Documents {
		at := revisionOf(ref, d.ID, d.Revision)
		all = append(all, providers.Document{Document: d, Open: func(ctx context.Context) (io.ReadCloser, error) {
			source, err := revisions.OpenRevision(ctx, at)
			if err != nil {
				return nil, fmt.Errorf("open a document to be signed: %w", err)
			}
			return io.NopCloser(io.NewSectionReader(source, 0, source.Size())), nil
		}})
	}
	return all
}

// revisionOf names a revision of a document.
func revisionOf(ref CollectionRef, d signing.DocumentID, revision int) signing.RevisionRef {
	return signing.RevisionRef{Tenant: ref.Tenant, Collection: ref.Collection, Document: d, Revision: revision}
}
