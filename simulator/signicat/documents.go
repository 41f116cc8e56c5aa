package signicat

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"mime"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"
)

// How long files are kept.
const (
	orphanLife = 30 * time.Minute    // in no session
	longest    = 45 * 24 * time.Hour // without a due date
	purgeAfter = 7 * 24 * time.Hour  // of what was deleted
)

// file is an original or a result.
type file struct {
	id, account, mimeType        string
	filename, title, description string
	bytes                        []byte // nil once purged
	created                      time.Time
	session                      string // that made it, of a result
	archived                     bool
	deleted                      time.Time // zero while it is there
}

type documentHash struct {
	Hash      string `json:"hash"`
	Algorithm string `json:"hashAlgorithm"`
}

type fileView struct {
	ID          string       `json:"documentId"`
	Created     string       `json:"createdAt"`
	MIMEType    string       `json:"mimeType"`
	Filename    string       `json:"filename,omitempty"`
	Title       string       `json:"title,omitempty"`
	Description string       `json:"description,omitempty"`
	Hash        documentHash `json:"documentHash"`
}

// view needs the lock.
func (s *Server) viewFile(f *file) fileView {
	sum := sha256.Sum256(f.bytes)
	encoded := base64.StdEncoding.EncodeToString(sum[:])
	if s.settings.HashEncoding == "hex" {
		encoded = hex.EncodeToString(sum[:])
	}
	return fileView{f.id, timestamp(f.created), f.mimeType, f.filename, f.title, f.description, documentHash{encoded, "SHA256"}}
}

func (s *Server) upload(c caller, r *http.Request) (int, any, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return 0, nil, badRequest("Content-Type must name the type of the document")
	}
	if !slices.Contains([]string{"application/pdf", "text/plain"}, kind) {
		return 0, nil, refusal(http.StatusUnsupportedMediaType, "unsupported_media_type", "The type of the document is not supported")
	}
	s.mu.Lock()
	limit := s.settings.MaxDocument
	s.mu.Unlock()
	b, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	switch {
	case err != nil:
		return 0, nil, badRequest("The document did not arrive")
	case int64(len(b)) > limit:
		return 0, nil, refusal(http.StatusRequestEntityTooLarge, "document_too_large", "The document is too large")
	case len(b) == 0:
		return 0, nil, badRequest("The document is empty")
	}
	if s.struck(DamagedFile, EndpointUpload) {
		b[len(b)/2] ^= 0x20
	}
	id, err := s.newID()
	if err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := &file{id: id, account: c.account, mimeType: kind, bytes: b, created: s.clock()}
	s.files[id] = f
	return http.StatusCreated, s.viewFile(f), nil
}

// fileOf finds a file of the account. The caller holds the lock.
func (s *Server) fileOf(c caller, id string) (*file, error) {
	f := s.files[id]
	if f == nil || f.account != c.account || !f.deleted.IsZero() {
		return nil, noDocument()
	}
	return f, nil
}

func (s *Server) download(c caller, r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.fileOf(c, r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, content{f.mimeType, f.bytes}, nil
}

func (s *Server) archived(c caller, r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.files[r.PathValue("id")]
	if f == nil || f.account != c.account || !f.archived {
		return 0, nil, noDocument()
	}
	return http.StatusOK, content{f.mimeType, f.bytes}, nil
}

func (s *Server) deleteFile(c caller, r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.fileOf(c, r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	f.deleted = s.clock()
	return http.StatusNoContent, nil, nil
}

func (s *Server) metadata(c caller, r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.fileOf(c, r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, s.viewFile(f), nil
}

func (s *Server) describe(c caller, r *http.Request) (int, any, error) {
	var in struct {
		Filename    *string `json:"filename"`
		Title       *string `json:"title"`
		Description *string `json:"description"`
	}
	if err := body(r, &in); err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.fileOf(c, r.PathValue("id"))
	if err != nil {
		return 0, nil, err
	}
	for _, field := range []struct {
		name string
		from *string
		to   *string
		most int
	}{{"filename", in.Filename, &f.filename, 255}, {"title", in.Title, &f.title, 255}, {"description", in.Description, &f.description, 1000}} {
		if field.from == nil {
			continue
		}
		if utf8.RuneCountInString(*field.from) > field.most {
			return 0, nil, badParameter(field.name, "too long")
		}
		*field.to = *field.from
	}
	return http.StatusOK, s.viewFile(f), nil
}

// signAsMerchant signs a document with the organisation's own certificate.
func (s *Server) signAsMerchant(c caller, r *http.Request) (int, any, error) {
	var in struct {
		DocumentID string `json:"documentId"`
		Vendor     string `json:"vendor"`
	}
	if err := body(r, &in); err != nil {
		return 0, nil, err
	}
	if in.Vendor != vendorNBID {
		return 0, nil, badParameter("vendor", "must be NBID")
	}
	id, err := s.newID()
	if err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.fileOf(c, in.DocumentID)
	if err != nil {
		return 0, nil, err
	}
	if f.mimeType != "application/pdf" {
		return 0, nil, badRequest("Only a PDF can be signed")
	}
	signed, err := s.signer.sign(r.Context(), f.bytes, s.pki.Seal(), s.clock(), s.settings.Level)
	if err != nil {
		return 0, nil, badRequest("The document cannot be signed: %s", err.Error())
	}
	s.files[id] = &file{id: id, account: c.account, mimeType: f.mimeType, bytes: signed, created: s.clock()}
	return http.StatusOK, map[string]string{"documentResultId": id}, nil
}
