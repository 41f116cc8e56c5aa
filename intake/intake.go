// Package intake receives uploads: it takes a PDF as a stream from somebody we
// do not trust, decides whether people may be asked to sign it, and stores it.
//
// The bytes go to a temporary file that only we can read, and through SHA-256 on
// the way; no later step reads them to hash them. Then our own reader checks
// them and, for files of a usual size, an independent one in a child process. A
// file that only one of the two takes could be shown in two ways, so it is
// refused. The temporary file is gone when [Receiver.Receive] returns.
//
// What is refused leaves nothing behind. What is accepted is in the store,
// durably, before Receive returns.
package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/pdfcpuchild"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/storage"
)

// Store keeps documents.
type Store interface {
	// PutUpload stores a document durably, its record last. Repeated with the same
	// bytes under the same id it succeeds; other bytes there are Corrupt.
	PutUpload(ctx context.Context, tenant signing.TenantID, u storage.Upload, body io.ReadSeeker) error
	// GetUpload answers NotFound until PutUpload has succeeded.
	GetUpload(ctx context.Context, tenant signing.TenantID, id signing.DocumentID) (storage.Upload, error)
}

// Claims gives idempotency keys to documents.
type Claims interface {
	// Claim returns the resource that the key was first claimed for, durably and
	// compare-and-swap. A key claimed for another request is an Invalid fault.
	Claim(ctx context.Context, tenant signing.TenantID, key string, request signing.Digest, resource string) (string, error)
}

// SecondReader is an independent reader of PDFs. It must survive any file. An
// error is that of ctx or of a reader that cannot be started.
type SecondReader interface {
	SecondOpinion(ctx context.Context, path string) (pdfcpuchild.Opinion, error)
}

// Config is what a Receiver needs.
type Config struct {
	Store  Store  // required
	Claims Claims // required
	// SecondReader gives second opinions; nil asks for none, and documents say so.
	SecondReader SecondReader
	// Directory is for temporary files, the system's own unless set. It needs room
	// for as many uploads as arrive at once, and should not be backed by memory.
	Directory string
	// MaxBytes is the largest upload; 100 MiB unless set.
	MaxBytes int64
	// Policy says what a document may do or hide; the zero value is strict.
	Policy pdf.Policy
	// Limits bound the work that a file can cause; the zero value is safe.
	Limits pdf.Limits
	// MaxTime bounds how long our own reader may take over a file; 30 seconds
	// unless set.
	MaxTime time.Duration
	Clock   func() time.Time // required
	// Entropy is of ids; required, and must be cryptographically random.
	Entropy io.Reader
}

const (
	defaultMaxBytes = 100 << 20
	defaultMaxTime  = 30 * time.Second
	maxOpinionBytes = 64_000_000 // larger files get no second opinion: it needs them in memory
)

// The faults of uploads, beside those of package pdf.
var (
	errRead          = fault.New(fault.Invalid, "body_incomplete", "The body ended before all of it had arrived.")
	errEmpty         = fault.New(fault.Invalid, pdf.CodeNotPDF, "The body is empty.")
	errSecondOpinion = fault.New(fault.Invalid, "pdf_second_opinion", "A second, independent reader refuses the PDF; save it again from its source.")
	errKeyReused     = fault.New(fault.Invalid, "idempotency_key_reused", "The idempotency key was used for another request.")
)

// What the second reader said, in a document's record.
const (
	opinionAgreed      = "agreed"
	opinionUnavailable = "unavailable"
	opinionNotAsked    = "not_asked"
)

// Receiver receives uploads. It is safe for concurrent use.
type Receiver struct{ config Config }

// New makes a Receiver, or says which field of its configuration is wrong.
func New(c Config) (*Receiver, error) {
	if c.Store == nil || c.Claims == nil || c.Clock == nil || c.Entropy == nil {
		return nil, errors.New("intake: Store, Claims, Clock and Entropy are required")
	}
	if c.MaxBytes < 0 {
		return nil, errors.New("intake: MaxBytes must not be negative")
	}
	if c.MaxTime < 0 {
		return nil, errors.New("intake: MaxTime must not be negative")
	}
	if err := c.Policy.Validate(); err != nil {
		return nil, fmt.Errorf("intake: Policy: %w", err)
	}
	if c.MaxTime == 0 {
		c.MaxTime = defaultMaxTime
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = defaultMaxBytes
	}
	return &Receiver{c}, nil
}

// Request is one upload.
type Request struct {
	Tenant signing.TenantID
	// Key, when not empty, makes the upload idempotent: the same key with the same
	// bytes is the same document.
	Key  string
	Body io.Reader
}

// Document is a stored PDF.
type Document struct {
	ID         signing.DocumentID
	Length     int64
	Digest     signing.Digest
	Pages      int
	PDFVersion string
	// Nature decides what may be added to it when all have signed.
	Nature        signing.Nature
	SecondOpinion string // agreed, unavailable or not_asked
	// Findings are the rules that the document meets and the policy let pass.
	Findings   []string
	UploadedAt time.Time
}

// report is what the record keeps of the checks.
type report struct {
	PDF           *pdf.Report `json:"pdf"`
	SecondOpinion string      `json:"secondOpinion"`
	Reason        string      `json:"secondOpinionReason,omitempty"`
}

// Describe reads a document's record.
func Describe(u storage.Upload) Document {
	var r report
	if json.Unmarshal(u.Report, &r) != nil || r.SecondOpinion == "" { //nolint:musttag // as it was written
		r.SecondOpinion = opinionNotAsked // a record of another release
	}
	d := Document{
		ID: u.ID, Length: u.Length, Digest: u.Digest, Pages: u.Pages, PDFVersion: u.PDFVersion,
		SecondOpinion: r.SecondOpinion, UploadedAt: u.UploadedAt,
	}
	if r.PDF != nil {
		d.Nature = signing.Nature{Signatures: r.PDF.Signatures, Locked: r.PDF.Locked, PDFA: r.PDF.PDFA}
		for _, f := range r.PDF.Findings {
			d.Findings = append(d.Findings, string(f.Rule))
		}
	}
	return d
}

// Receive reads an upload to its end, checks and stores it. Refusals are faults
// of kind Invalid and TooLarge. A key is claimed only by a file that was
// accepted, so that a refused upload can be mended and sent again with it.
func (r *Receiver) Receive(ctx context.Context, q Request) (Document, error) {
	spool, err := r.spool(q.Body)
	if err != nil {
		return Document{}, err
	}
	defer spool.remove()
	upload, err := r.inspect(ctx, spool)
	if err != nil {
		return Document{}, err
	}
	if q.Key != "" {
		done, err := r.claim(ctx, q, &upload)
		if err != nil || done != nil {
			return value(done), err
		}
	}
	if _, err := spool.file.Seek(0, io.SeekStart); err != nil {
		return Document{}, fmt.Errorf("go to the start of an upload: %w", err)
	}
	if err := r.config.Store.PutUpload(ctx, q.Tenant, upload, spool.file); err != nil {
		return Document{}, fmt.Errorf("store upload %s: %w", upload.ID, err)
	}
	return Describe(upload), nil
}

func value(d *Document) Document {
	if d == nil {
		return Document{}
	}
	return *d
}

// claim gives the key to the upload. When an earlier request has it, the upload
// takes that one's id, and is done if that one was stored.
func (r *Receiver) claim(ctx context.Context, q Request, u *storage.Upload) (*Document, error) {
	id, err := r.config.Claims.Claim(ctx, q.Tenant, q.Key, u.Digest, string(u.ID))
	if err != nil {
		return nil, fmt.Errorf("claim the key of upload %s: %w", u.ID, err)
	}
	if id == string(u.ID) {
		return nil, nil //nolint:nilnil // the key is ours and nothing is stored under it
	}
	if !signing.ValidID(signing.DocumentPrefix, id) {
		return nil, errKeyReused
	}
	u.ID = signing.DocumentID(id)
	known, err := r.config.Store.GetUpload(ctx, q.Tenant, u.ID)
	if fault.KindOf(err) == fault.NotFound {
		return nil, nil //nolint:nilnil // the earlier request got no further than the claim
	}
	if err != nil {
		return nil, fmt.Errorf("look for upload %s: %w", u.ID, err)
	}
	d := Describe(known)
	return &d, nil
}

// inspect decides whether the file may be signed and describes it.
func (r *Receiver) inspect(ctx context.Context, s *spooled) (storage.Upload, error) {
	limits, deadline := r.config.Limits, r.config.Clock().Add(r.config.MaxTime)
	limits.Expired = func() bool { return ctx.Err() != nil || r.config.Clock().After(deadline) }
	found, err := pdf.Inspect(s.file, s.hash.Len(), limits)
	if ctx.Err() != nil {
		return storage.Upload{}, fmt.Errorf("check upload: %w", ctx.Err())
	}
	if err != nil {
		return storage.Upload{}, fmt.Errorf("check upload: %w", err)
	}
	if err := r.config.Policy.Judge(found); err != nil {
		return storage.Upload{}, fmt.Errorf("judge upload: %w", err)
	}
	kept := report{PDF: found}
	if kept.SecondOpinion, kept.Reason, err = r.secondOpinion(ctx, s, found.Pages); err != nil {
		return storage.Upload{}, err
	}
	state, err := s.hash.MarshalBinary()
	if err != nil {
		return storage.Upload{}, fmt.Errorf("encode hash state: %w", err)
	}
	at := r.config.Clock().UTC()
	id, err := signing.NewID(signing.DocumentPrefix, at, r.config.Entropy)
	if err != nil {
		return storage.Upload{}, err
	}
	b, err := json.Marshal(kept) //nolint:musttag // the record keeps the names that pdf.Report has
	if err != nil {
		return storage.Upload{}, fmt.Errorf("encode report: %w", err)
	}
	return storage.Upload{
		ID: signing.DocumentID(id), Length: s.hash.Len(), Digest: s.hash.Sum(), HashState: state,
		Pages: found.Pages, PDFVersion: found.Version, UploadedAt: at, Report: b,
	}, nil
}

// secondOpinion asks the other reader. That it has none is recorded; that it has
// another one refuses the file. A different number of pages is another opinion.
func (r *Receiver) secondOpinion(ctx context.Context, s *spooled, pages int) (opinion, reason string, err error) {
	if r.config.SecondReader == nil || s.hash.Len() > maxOpinionBytes {
		return opinionNotAsked, "", nil
	}
	o, err := r.config.SecondReader.SecondOpinion(ctx, s.file.Name())
	switch {
	case ctx.Err() != nil:
		return "", "", fmt.Errorf("ask for a second opinion: %w", ctx.Err())
	case err != nil:
		return opinionUnavailable, "start", nil //nolint:nilerr // having no second reader refuses nothing
	case o.Verdict == pdfcpuchild.Disagrees, o.Verdict == pdfcpuchild.OK && o.Pages != 0 && o.Pages != pages:
		return "", "", errSecondOpinion
	case o.Verdict == pdfcpuchild.OK:
		return opinionAgreed, "", nil
	}
	return opinionUnavailable, o.Reason, nil
}

// spooled is an upload in a temporary file, hashed.
type spooled struct {
	file *os.File
	hash pdf.HashState
}

// remove ends the file. It is our own temporary file: a failure leaves a stray
// file and must not hide what Receive has to say.
func (s *spooled) remove() {
	_ = s.file.Close()
	_ = os.Remove(s.file.Name())
}

// spool writes the body to a temporary file, which os.CreateTemp makes readable
// for us only, and hashes it as it passes.
func (r *Receiver) spool(body io.Reader) (_ *spooled, err error) {
	file, err := os.CreateTemp(r.config.Directory, "handslag-upload-*.pdf")
	if err != nil {
		return nil, fmt.Errorf("make a temporary file: %w", err)
	}
	s := &spooled{file: file}
	defer func() {
		if err != nil {
			s.remove()
		}
	}()
	source := &reader{r: io.LimitReader(body, r.config.MaxBytes+1)}
	n, err := io.Copy(io.MultiWriter(file, &s.hash), source)
	switch {
	case source.err != nil:
		return nil, errRead.Because(source.err)
	case err != nil:
		return nil, fmt.Errorf("write an upload to its temporary file: %w", err)
	case n > r.config.MaxBytes:
		return nil, fault.New(fault.TooLarge, "body_too_large", "The body is over the limit of %d bytes.", r.config.MaxBytes)
	case n == 0:
		return nil, errEmpty
	}
	return s, nil
}

// reader remembers its error, to tell a sender who stopped from a full disk.
type reader struct {
	r   io.Reader
	err error
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}
