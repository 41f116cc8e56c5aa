package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

var errNoDocument = fault.New(fault.NotFound, "document_not_found", "There is no such document.")

// Upload is the record of an uploaded document: revision 0 and what was found
// out about it. It says nothing about persons and nothing of the text.
type Upload struct {
	ID     signing.DocumentID `json:"id"`
	Length int64              `json:"length"`
	Digest signing.Digest     `json:"sha256"`
	// HashState is SHA-256 in mid-flight at the end of the bytes. It is kept
	// apart; read it with [Store.Revision].
	HashState  []byte    `json:"-"`
	Pages      int       `json:"pages"`
	PDFVersion string    `json:"pdfVersion"`
	UploadedAt time.Time `json:"uploadedAt"`
	// Report is what the check of the PDF found, as its maker encodes it.
	Report json.RawMessage `json:"report,omitempty"`
}

// PutUpload stores a document. Its record is written last, so a document that
// GetUpload finds is complete. Repeated with the same bytes it succeeds and the
// first record stays; other bytes under the same id are Corrupt. Bytes that do
// not have u's length and digest are refused as Corrupt and not stored.
func (s *Store) PutUpload(ctx context.Context, tenant signing.TenantID, u Upload, body io.ReadSeeker) error {
	ref := signing.RevisionRef{Tenant: tenant, Document: u.ID}
	stem, err := stemOf(ref)
	if err != nil {
		return err
	}
	made := signing.Revision{Length: u.Length, Digest: u.Digest, HashState: u.HashState}
	if err := s.putHashState(ctx, stem, made); err != nil {
		return err
	}
	if err := s.putUploadBytes(ctx, stem+pdfEnding, made, body); err != nil {
		return err
	}
	return s.putUploadRecord(ctx, tenant, u)
}

func (s *Store) putUploadBytes(ctx context.Context, key string, made signing.Revision, body io.ReadSeeker) error {
	length, err := body.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("measure upload %s: %w", key, err)
	}
	if length != made.Length {
		return errDamaged.Because(fmt.Errorf("put %s: %d bytes where %d were stated", key, length, made.Length))
	}
	if made.Length > onePut {
		err = s.assemble(ctx, key, made.Digest, whenSent, func(a *assembly) error { return a.sendUpload(ctx, body, made.Digest) })
	} else {
		if _, err = body.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("rewind upload %s: %w", key, err)
		}
		err = s.createDocument(ctx, key, body, made)
	}
	if !isExists(err) {
		return err
	}
	there, err := s.head(ctx, key)
	if err != nil {
		return outward(err)
	}
	if !there.is(made) {
		return errDiffers.Because(fmt.Errorf("put %s: other bytes are there", key))
	}
	return nil
}

// sendUpload sends all of body and fails when it has another digest than stated,
// since the store checks the parts only.
func (a *assembly) sendUpload(ctx context.Context, body io.ReadSeeker, stated signing.Digest) error {
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("rewind upload %s: %w", a.key, err)
	}
	sent, err := a.sendAll(ctx, body)
	if err != nil {
		return err
	}
	if sent != stated {
		return errDamaged.Because(fmt.Errorf("put %s: the bytes have another digest", a.key))
	}
	return nil
}

func uploadKey(tenant signing.TenantID, id signing.DocumentID) (string, error) {
	document, err := documentKey(tenant, id)
	return document + "/upload", err
}

func (s *Store) putUploadRecord(ctx context.Context, tenant signing.TenantID, u Upload) error {
	key, err := uploadKey(tenant, u.ID)
	if err != nil {
		return err
	}
	record, err := json.Marshal(u)
	if err != nil {
		return fmt.Errorf("encode record of document %s: %w", u.ID, err)
	}
	kept, err := s.adopt(ctx, key, record)
	if err != nil {
		return err
	}
	there, err := decode[Upload](key, kept)
	if err != nil {
		return err
	}
	if there.Digest != u.Digest || there.Length != u.Length {
		return errDiffers.Because(fmt.Errorf("put %s: the record of other bytes is there", key))
	}
	return nil
}

// GetUpload returns the record of a document, without its hash state.
func (s *Store) GetUpload(ctx context.Context, tenant signing.TenantID, id signing.DocumentID) (Upload, error) {
	key, err := uploadKey(tenant, id)
	if err != nil {
		return Upload{}, err
	}
	return getRecord[Upload](ctx, s, key, errNoDocument)
}
