package api

import (
	"context"
	"fmt"
	"io"

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
	content, err := s.open(ctx, who.tenant, "", upload.ID, 0, upload.Length)
	if err != nil {
		return nil, err
	}
	return gen.GetDocumentContent200ApplicationPdfResponse{
		Body: content, ContentLength: upload.Length,
		Headers: gen.GetDocumentContent200ResponseHeaders{
			ETag: etag(upload.Digest), ContentDisposition: attachment(upload.ID),
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

// GetResult answers GET …/documents/{documentId}/result.
func (s *Server) GetResult(ctx context.Context, r gen.GetResultRequestObject) (gen.GetResultResponseObject, error) {
	ctx, who := asCaller(ctx)
	if err := who.mayActIn(signing.CollectionID(r.CollectionID)); err != nil {
		return nil, err
	}
	view, err := s.view(ctx, who.tenant, r.CollectionID)
	if err != nil {
		return nil, err
	}
	for _, d := range view.Documents {
		if string(d.ID) != r.DocumentID {
			continue
		}
		if d.Result == nil {
			return nil, noResult(view.State)
		}
		content, err := s.open(ctx, who.tenant, view.ID, d.ID, d.Result.Revision, d.Result.Length)
		if err != nil {
			return nil, err
		}
		return gen.GetResult200ApplicationPdfResponse{
			Body: content, ContentLength: d.Result.Length,
			Headers: gen.GetResult200ResponseHeaders{ETag: etag(d.Result.Digest), ContentDisposition: attachment(d.ID)},
		}, nil
	}
	return nil, errNoDocument
}

func noResult(state signing.State) error {
	if state.Ended() {
		return errNoResult
	}
	return errResultNotReady
}

// open streams a revision that must have the length that was recorded for it.
func (s *Server) open(ctx context.Context, tenant signing.TenantID, c signing.CollectionID, d signing.DocumentID, revision int, want int64) (io.ReadCloser, error) {
	content, length, err := s.config.Documents.Open(ctx, tenant, c, d, revision)
	if err != nil {
		return nil, err
	}
	if length != want {
		_ = content.Close() // nothing was read
		return nil, fault.New(fault.Corrupt, "stored_differs", "A stored document does not have its recorded length.")
	}
	return content, nil
}

func etag(d signing.Digest) string { return `"` + d.String() + `"` }

// attachment names a download by its id, which says nothing about anybody.
func attachment(id signing.DocumentID) string {
	return fmt.Sprintf(`attachment; filename="%s.pdf"`, id)
}
