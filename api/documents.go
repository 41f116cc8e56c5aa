package api

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/handslag/handslag/api/gen"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

// UploadDocument answers POST /v1/documents.
func (s *Server) UploadDocument(ctx context.Context, r gen.UploadDocumentRequestObject) (gen.UploadDocumentResponseObject, error) {
	ctx, who := asCaller(ctx)
	upload, err := s.config.Intake.Receive(ctx, who.tenant, value(r.Params.IdempotencyKey), r.Body)
	if err != nil {
		return nil, err
	}
	return gen.UploadDocument201JSONResponse{
		Body:    presentDocument(upload),
		Headers: gen.UploadDocument201ResponseHeaders{Location: "/v1/documents/" + string(upload.ID)},
	}, nil
}

// GetDocument answers GET /v1/documents/{documentId}.
func (s *Server) GetDocument(ctx context.Context, r gen.GetDocumentRequestObject) (gen.GetDocumentResponseObject, error) {
	ctx, who := asCaller(ctx)
	upload, err := s.upload(ctx, who, r.DocumentID)
	if err != nil {
		return nil, err
	}
	return gen.GetDocument200JSONResponse(presentDocument(upload)), nil
}

// GetDocumentContent answers GET /v1/documents/{documentId}/content.
func (s *Server) GetDocumentContent(ctx context.Context, r gen.GetDocumentContentRequestObject) (gen.GetDocumentContentResponseObject, error) {
	ctx, who := asCaller(ctx)
	upload, err := s.upload(ctx, who, r.DocumentID)
	if err != nil {
		return nil, err
	}
	content, err := s.open(ctx, signing.RevisionRef{Tenant: who.tenant, Document: upload.ID}, upload.Length)
	if err != nil {
		return nil, err
	}
	return gen.GetDocumentContent200ApplicationPdfResponse{
		Body: content, ContentLength: upload.Length,
		Headers: gen.GetDocumentContent200ResponseHeaders{
			ETag: etag(upload.Digest), ContentDisposition: attachment(string(upload.ID)),
		},
	}, nil
}

// upload returns a document that the caller may read: one of the tenant's, or,
// with a signer link, of the link's collection.
func (s *Server) upload(ctx context.Context, who caller, id string) (Upload, error) {
	if !signing.ValidID(signing.DocumentPrefix, id) {
		return Upload{}, errNoDocument
	}
	document := signing.DocumentID(id)
	if who.link != nil {
		spec, err := s.spec(ctx, who.tenant, string(who.link.Collection))
		if err != nil {
			return Upload{}, err
		}
		if _, ok := spec.Document(document); !ok {
			return Upload{}, errLinkScope
		}
	}
	return s.config.Documents.Upload(ctx, who.tenant, document)
}

// GetRevision answers GET …/collections/{collectionId}/documents/{documentId}/content.
func (s *Server) GetRevision(ctx context.Context, r gen.GetRevisionRequestObject) (gen.GetRevisionResponseObject, error) {
	ctx, who := asCaller(ctx)
	view, d, err := s.document(ctx, who, r.CollectionID, r.DocumentID)
	if err != nil {
		return nil, err
	}
	wanted := currentOf(d)
	switch value(r.Params.Version) {
	case "", gen.Current:
	case gen.Original:
		wanted = signing.Current{Document: d.ID, Length: d.Length, Digest: d.Digest}
	default:
		return nil, errParameter.In("version", "unknown", "The version is current or original.")
	}
	ref := signing.RevisionRef{Tenant: who.tenant, Collection: view.ID, Document: d.ID, Revision: wanted.Revision}
	content, err := s.open(ctx, ref, wanted.Length)
	if err != nil {
		return nil, err
	}
	return gen.GetRevision200ApplicationPdfResponse{
		Body: content, ContentLength: wanted.Length,
		Headers: gen.GetRevision200ResponseHeaders{ETag: etag(wanted.Digest), ContentDisposition: attachment(string(d.ID))},
	}, nil
}

// GetResult answers GET …/documents/{documentId}/result.
func (s *Server) GetResult(ctx context.Context, r gen.GetResultRequestObject) (gen.GetResultResponseObject, error) {
	ctx, who := asCaller(ctx)
	view, d, err := s.result(ctx, who, r.CollectionID, r.DocumentID)
	if err != nil {
		return nil, err
	}
	ref := signing.RevisionRef{Tenant: who.tenant, Collection: view.ID, Document: d.ID, Revision: d.Result.Revision}
	content, err := s.open(ctx, ref, d.Result.Length)
	if err != nil {
		return nil, err
	}
	return gen.GetResult200ApplicationPdfResponse{
		Body: content, ContentLength: d.Result.Length,
		Headers: gen.GetResult200ResponseHeaders{ETag: etag(d.Result.Digest), ContentDisposition: attachment(string(d.ID))},
	}, nil
}

// GetEvidence answers GET …/documents/{documentId}/evidence.
func (s *Server) GetEvidence(ctx context.Context, r gen.GetEvidenceRequestObject) (gen.GetEvidenceResponseObject, error) {
	ctx, who := asCaller(ctx)
	view, d, err := s.result(ctx, who, r.CollectionID, r.DocumentID)
	if err != nil {
		return nil, err
	}
	made := d.Result.Evidence
	if made == nil {
		return nil, errEvidenceInResult
	}
	ref := signing.RevisionRef{Tenant: who.tenant, Collection: view.ID, Document: d.ID, Revision: made.Revision, Evidence: true}
	content, err := s.open(ctx, ref, made.Length)
	if err != nil {
		return nil, err
	}
	return gen.GetEvidence200ApplicationPdfResponse{
		Body: content, ContentLength: made.Length,
		Headers: gen.GetEvidence200ResponseHeaders{ETag: etag(made.Digest), ContentDisposition: attachment(string(d.ID) + "-evidence")},
	}, nil
}

// result finds a document of a collection that has its result.
func (s *Server) result(ctx context.Context, who caller, collection, document string) (signing.View, signing.DocumentView, error) {
	view, d, err := s.document(ctx, who, collection, document)
	if err == nil && d.Result == nil {
		err = noResult(view.State)
	}
	return view, d, err
}

// document finds a document of a collection that the caller reaches.
func (s *Server) document(ctx context.Context, who caller, collection, document string) (signing.View, signing.DocumentView, error) {
	if err := who.mayActIn(signing.CollectionID(collection)); err != nil {
		return signing.View{}, signing.DocumentView{}, err
	}
	view, err := s.view(ctx, who.tenant, collection)
	if err != nil {
		return view, signing.DocumentView{}, err
	}
	i := slices.IndexFunc(view.Documents, func(d signing.DocumentView) bool { return string(d.ID) == document })
	if i < 0 {
		return view, signing.DocumentView{}, errNoDocument
	}
	return view, view.Documents[i], nil
}

func noResult(state signing.State) error {
	if state.Ended() {
		return errNoResult
	}
	return errResultNotReady
}

// open streams a revision that must have the length that was recorded for it.
func (s *Server) open(ctx context.Context, ref signing.RevisionRef, want int64) (io.ReadCloser, error) {
	content, length, err := s.config.Documents.Open(ctx, ref)
	if err != nil {
		return nil, err
	}
	if length != want {
		_ = content.Close() // nothing was read
		return nil, fault.New(fault.Corrupt, "stored_differs", "A stored document does not have its recorded length.")
	}
	return content, nil
}

// currentOf is the revision of a document that is signed next.
func currentOf(d signing.DocumentView) signing.Current {
	if d.Current != nil {
		return *d.Current
	}
	return signing.Current{Document: d.ID, Length: d.Length, Digest: d.Digest}
}

func etag(d signing.Digest) string { return `"` + d.String() + `"` }

// attachment names a download by ids, which say nothing about anybody.
func attachment(name string) string {
	return fmt.Sprintf(`attachment; filename="%s.pdf"`, name)
}
