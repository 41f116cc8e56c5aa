// Package storagetest is the contract that package storage holds on a real S3
// server. Any server that passes it can keep Handslag's documents.
//
//	storagetest.Run(t, storage.Config{Endpoint: …, Bucket: …, …})
//
// The bucket must exist, unless c has it created. Everything that the suite writes is under tenants and
// keys of its own, so it may run in a bucket that is in use, and again.
package storagetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/keyring"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/storage"
)

// Run runs the contract against the server and bucket of c, which must name an
// Endpoint and credentials. The suite uses key rings of its own.
func Run(t *testing.T, c storage.Config) {
	t.Helper()
	c.Ring = newRing(t)
	_, err := storage.Open(t.Context(), c)
	require.NoError(t, err)
	c.CreateBucket = false
	for _, group := range []struct {
		name  string
		tests map[string]func(*testing.T, *world)
	}{
		{"open", openTests},
		{"uploads", uploadTests},
		{"revisions", revisionTests},
		{"reading", readingTests},
		{"evidence", evidenceTests},
		{"records", recordTests},
		{"persons", personTests},
		{"reports", reportTests},
		{"crashes", crashTests},
	} {
		t.Run(group.name, func(t *testing.T) {
			t.Parallel()
			for name, test := range group.tests {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(t, newWorld(t, c))
				})
			}
		})
	}
}

// world is what one test sees: a store of its own behind a wire, and the server
// itself for what the store must not be asked.
type world struct {
	ctx    context.Context
	server storage.Config
	config storage.Config // of the same, through the wire and with the world's own ring
	wire   *wire
	store  *storage.Store
	tenant signing.TenantID

	raw    *s3.Client
	bucket string
}

func newWorld(t *testing.T, c storage.Config) *world {
	t.Helper()
	raw := s3.NewFromConfig(aws.Config{
		Region:      c.Region,
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKey, string(c.SecretKey), ""),
	}, func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = &c.Endpoint, c.PathStyle })
	w := &world{ctx: t.Context(), server: c, config: c, raw: raw, bucket: c.Bucket, tenant: signing.TenantID("t-" + hex.EncodeToString(random(t, 8)))}
	w.wire, w.config.Endpoint = newWire(t, c.Endpoint)
	w.config.Ring = newRing(t)
	w.store = w.open(t, 1)
	return w
}

// open opens the world's store with its own number of tries per request. With
// one, each break of the wire is seen by the caller.
func (w *world) open(t *testing.T, attempts int) *storage.Store {
	t.Helper()
	c := w.config
	c.MaxAttempts = attempts
	s, err := storage.Open(w.ctx, c)
	require.NoError(t, err)
	return s
}

func newRing(t *testing.T) *keyring.Ring {
	t.Helper()
	b, err := keyring.Generate(rand.Reader)
	require.NoError(t, err)
	r, err := keyring.Parse(b, rand.Reader)
	require.NoError(t, err)
	return r
}

func random(t *testing.T, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	_, err := rand.Read(b)
	require.NoError(t, err)
	return b
}

func newID[T ~string](t *testing.T, prefix string) T {
	t.Helper()
	id, err := signing.NewID(prefix, time.Now(), rand.Reader)
	require.NoError(t, err)
	return T(id)
}

func newDocument(t *testing.T) signing.DocumentID {
	t.Helper()
	return newID[signing.DocumentID](t, signing.DocumentPrefix)
}

func newCollection(t *testing.T) signing.CollectionID {
	t.Helper()
	return newID[signing.CollectionID](t, signing.CollectionPrefix)
}

func newAttempt(t *testing.T) signing.AttemptID {
	t.Helper()
	return newID[signing.AttemptID](t, signing.AttemptPrefix)
}

// describe returns what is known of bytes when they are whole.
func describe(t *testing.T, b []byte) signing.Revision {
	t.Helper()
	h := sha256.New()
	h.Write(b)
	state, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	require.NoError(t, err)
	return signing.Revision{Length: int64(len(b)), Digest: signing.DigestOf(b), HashState: state}
}

// at is the time of everything that is stored.
var at = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func uploadOf(t *testing.T, id signing.DocumentID, b []byte) storage.Upload {
	t.Helper()
	r := describe(t, b)
	return storage.Upload{
		ID: id, Length: r.Length, Digest: r.Digest, HashState: r.HashState,
		Pages: 3, PDFVersion: "1.7", UploadedAt: at, Report: []byte(`{"objects":12}`),
	}
}

// upload stores bytes as a new document and returns its revision 0.
func (w *world) upload(t *testing.T, b []byte) signing.RevisionRef {
	t.Helper()
	id := newDocument(t)
	require.NoError(t, w.store.PutUpload(w.ctx, w.tenant, uploadOf(t, id, b), bytes.NewReader(b)))
	return signing.RevisionRef{Tenant: w.tenant, Document: id}
}

// content downloads a revision.
func (w *world) content(t *testing.T, ref signing.RevisionRef) []byte {
	t.Helper()
	o, err := w.store.OpenRevision(w.ctx, ref)
	require.NoError(t, err)
	r, err := o.NewReader(w.ctx)
	require.NoError(t, err)
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.Len(t, b, int(o.Size()))
	return b
}

// keys lists the keys with a prefix on the server itself.
func (w *world) keys(t *testing.T, prefix string) []string {
	t.Helper()
	var keys []string
	pages := s3.NewListObjectsV2Paginator(w.raw, &s3.ListObjectsV2Input{Bucket: &w.bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.ctx)
		require.NoError(t, err)
		for _, o := range page.Contents {
			keys = append(keys, *o.Key)
		}
	}
	return keys
}

// key finds the tenant's one key that ends so.
func (w *world) key(t *testing.T, ending string) string {
	t.Helper()
	var found []string
	for _, k := range w.keys(t, "t/"+string(w.tenant)+"/") {
		if strings.HasSuffix(k, ending) {
			found = append(found, k)
		}
	}
	require.Len(t, found, 1, "keys that end with %s", ending)
	return found[0]
}

// stored and overwrite read and change bytes behind the store's back.
func (w *world) stored(t *testing.T, key string) []byte {
	t.Helper()
	out, err := w.raw.GetObject(w.ctx, &s3.GetObjectInput{Bucket: &w.bucket, Key: &key})
	require.NoError(t, err)
	b, err := io.ReadAll(out.Body)
	require.NoError(t, err)
	return b
}

func (w *world) overwrite(t *testing.T, key string, b []byte) {
	t.Helper()
	_, err := w.raw.PutObject(w.ctx, &s3.PutObjectInput{Bucket: &w.bucket, Key: &key, Body: bytes.NewReader(b)})
	require.NoError(t, err)
}

func requireCode(t *testing.T, kind fault.Kind, code string, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, fault.CodeOf(err), "%v", err)
	require.Equal(t, kind, fault.KindOf(err), "%v", err)
}

// race runs f from many goroutines at once and returns what each got.
func race[T any](n int, f func(i int) T) []T {
	start, results, done := make(chan struct{}), make([]T, n), make(chan struct{})
	for i := range n {
		go func() {
			defer func() { done <- struct{}{} }()
			<-start
			results[i] = f(i)
		}()
	}
	close(start)
	for range n {
		<-done
	}
	return results
}

const racers = 24
