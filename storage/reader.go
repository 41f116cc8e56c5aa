package storage

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/handslag/handslag/signing"
)

const (
	// blockSize is what a small read fetches: a PDF's structure is read in many
	// small steps close to each other.
	blockSize = 256 << 10
	// maxBlocks bounds an Object's memory to 4 MiB.
	maxBlocks = 16
	// aheadBlocks is how much a read that continues the one before fetches.
	aheadBlocks = 4
)

// Object is a stored revision, open for reading. It is bound to the bytes that
// were there when it was opened: should they change, reading fails as Corrupt.
// It is safe for concurrent use, needs no closing and holds at most 4 MiB.
type Object struct {
	store *Store
	// ctx is that of OpenRevision, since io.ReaderAt has no place for one.
	ctx       context.Context //nolint:containedctx // see above
	key, etag string
	size      int64

	mu     sync.Mutex
	blocks *lru.Cache[int64, []byte] // nil: nothing is kept
	last   int64                     // the block that was fetched last, guarded by mu
}

// OpenRevision opens a revision. ctx governs every ReadAt of the Object.
func (s *Store) OpenRevision(ctx context.Context, ref signing.RevisionRef) (*Object, error) {
	stem, err := stemOf(ref)
	if err != nil {
		return nil, err
	}
	there, err := s.head(ctx, stem+pdfEnding)
	if err != nil {
		return nil, notFound(err, errNoRevision)
	}
	blocks, err := lru.New[int64, []byte](maxBlocks)
	if err != nil {
		return nil, fmt.Errorf("make block cache: %w", err)
	}
	return &Object{store: s, ctx: ctx, key: stem + pdfEnding, etag: there.etag, size: there.length, blocks: blocks, last: -2}, nil
}

// Size returns the length in bytes.
func (o *Object) Size() int64 { return o.size }

// ReadAt implements io.ReaderAt.
func (o *Object) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read %s: negative offset", o.key)
	}
	if off >= o.size {
		return 0, io.EOF
	}
	wanted := p
	if int64(len(wanted)) > o.size-off {
		wanted = wanted[:o.size-off]
	}
	n, err := o.readWithin(wanted, off)
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

// readWithin fills p, which lies within the object.
func (o *Object) readWithin(p []byte, off int64) (int, error) {
	if o.blocks == nil || len(p) > aheadBlocks*blockSize {
		return o.fetch(p, off)
	}
	n := 0
	for n < len(p) {
		at := off + int64(n)
		block, err := o.block(at / blockSize)
		if err != nil {
			return n, err
		}
		n += copy(p[n:], block[at%blockSize:])
	}
	return n, nil
}

// block returns a block, from memory or the store. Two readers that miss the
// same block at the same moment both fetch it, which is harmless.
func (o *Object) block(number int64) ([]byte, error) {
	o.mu.Lock()
	block, ok := o.blocks.Get(number)
	count := int64(1)
	if number == o.last+1 {
		count = aheadBlocks
	}
	o.mu.Unlock()
	if ok {
		return block, nil
	}
	first := number * blockSize
	run := make([]byte, min(count*blockSize, o.size-first))
	if _, err := o.fetch(run, first); err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := int64(0); i*blockSize < int64(len(run)); i++ {
		end := min((i+1)*blockSize, int64(len(run)))
		// A block of its own: a slice of run would keep all of run in memory.
		o.blocks.Add(number+i, append([]byte(nil), run[i*blockSize:end]...))
		o.last = number + i
	}
	return run[:min(blockSize, len(run))], nil
}

// fetch fills p from the store and goes on where a connection broke.
func (o *Object) fetch(p []byte, off int64) (int, error) {
	n := 0
	var err error
	for range bodyAttempts {
		var body io.ReadCloser
		body, err = o.open(o.ctx, span{off + int64(n), off + int64(len(p)) - 1})
		if err != nil {
			return n, err
		}
		var more int
		more, err = io.ReadFull(body, p[n:])
		n += more
		_ = body.Close()
		if err == nil {
			return n, nil
		}
	}
	return n, translate(o.ctx, err, "read "+o.key)
}

// open asks for a span of the version that the Object is bound to.
func (o *Object) open(ctx context.Context, s span) (io.ReadCloser, error) {
	bytesOf := fmt.Sprintf("bytes=%d-%d", s.first, s.last)
	out, err := o.store.client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: &o.store.bucket, Key: &o.key, Range: &bytesOf, IfMatch: &o.etag,
	})
	if err == nil {
		return out.Body, nil
	}
	err = translate(ctx, err, "get "+o.key)
	if isExists(err) || isMissing(err) { // it was there when it was opened
		return nil, errChanged.Because(err)
	}
	return nil, err
}

// NewReader streams the whole object, for downloads and hash passes. It goes on
// where a connection broke. The caller closes it.
func (o *Object) NewReader(ctx context.Context) (io.ReadCloser, error) {
	if o.size == 0 {
		return http.NoBody, nil
	}
	body, err := o.open(ctx, span{0, o.size - 1})
	if err != nil {
		return nil, err
	}
	return &stream{object: o, ctx: ctx, body: body}, nil
}

// stream is a download under way. It is used by one goroutine.
type stream struct {
	object *Object
	ctx    context.Context //nolint:containedctx // io.Reader has no place for one
	body   io.ReadCloser
	offset int64
	broken int // times that the connection broke without a byte in between
}

// Read implements io.Reader.
func (r *stream) Read(p []byte) (int, error) {
	for {
		n, err := r.body.Read(p)
		r.offset += int64(n)
		if n > 0 {
			r.broken = 0
			return n, nil // an error comes again with the next Read
		}
		switch {
		case r.offset == r.object.size:
			return 0, io.EOF
		case err == nil:
			return 0, nil
		}
		if r.broken++; r.broken >= bodyAttempts {
			return 0, translate(r.ctx, err, "read "+r.object.key)
		}
		_ = r.body.Close()
		body, err := r.object.open(r.ctx, span{r.offset, r.object.size - 1})
		if err != nil {
			return 0, err
		}
		r.body = body
	}
}

// Close implements io.Closer.
func (r *stream) Close() error { return r.body.Close() }
