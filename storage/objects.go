package storage

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/handslag/handslag/signing"
)

const (
	typePDF    = "application/pdf"
	typeLines  = "application/jsonl"
	typeBinary = "application/octet-stream"

	// metaDigest is the user metadata that holds a document's SHA-256 in hex. The
	// store's own checksum is none of the whole object when it was made of parts.
	metaDigest = "sha256"

	// maxWhole bounds what is read into memory at once. Evidence and records are
	// far below it; documents are never read whole.
	maxWhole = 64 << 20

	// bodyAttempts is how often an answer's body is asked for when the connection
	// breaks while it comes; the SDK retries only up to the headers.
	bodyAttempts = 3
)

var (
	ifAbsent    = "*"
	errTooLarge = errors.New("the object is larger than anything that belongs there")
)

// create writes an object unless the key is taken; then the error is errExists.
// The SDK repeats a request whose answer was lost, so errExists may also mean
// that this very call wrote it: callers look at what is there.
func (s *Store) create(ctx context.Context, key, contentType string, body []byte) error {
	_, err := s.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &key, ContentType: &contentType,
		Body: bytes.NewReader(body), IfNoneMatch: &ifAbsent,
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
	})
	if err != nil {
		return translate(ctx, err, "put "+key)
	}
	return nil
}

// createDocument is create for the bytes of a document, which the store refuses
// when they do not have the digest.
func (s *Store) createDocument(ctx context.Context, key string, body io.ReadSeeker, made signing.Revision) error {
	sum := base64.StdEncoding.EncodeToString(made.Digest[:])
	contentType := typePDF
	_, err := s.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &key, ContentType: &contentType,
		Body: body, ContentLength: &made.Length, IfNoneMatch: &ifAbsent,
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256, ChecksumSHA256: &sum,
		Metadata: map[string]string{metaDigest: made.Digest.String()},
	})
	if err != nil {
		return translate(ctx, err, "put "+key)
	}
	return nil
}

// replace overwrites the version of an object that has the given ETag. The error
// is errExists when there is another version, errMissing when there is none.
func (s *Store) replace(ctx context.Context, key, etag string, body []byte) error {
	contentType := typeBinary
	_, err := s.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &key, ContentType: &contentType,
		Body: bytes.NewReader(body), IfMatch: &etag,
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
	})
	if err != nil {
		return translate(ctx, err, "replace "+key)
	}
	return nil
}

// read returns an object and its ETag; the error is errMissing when it is not there.
func (s *Store) read(ctx context.Context, key string) (body []byte, etag string, err error) {
	for range bodyAttempts {
		var out *s3.GetObjectOutput
		out, err = s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key})
		if err != nil {
			return nil, "", translate(ctx, err, "get "+key)
		}
		body, err = io.ReadAll(io.LimitReader(out.Body, maxWhole+1))
		_ = out.Body.Close()
		switch {
		case len(body) > maxWhole:
			return nil, "", errDiffers.Because(fmt.Errorf("get %s: %w", key, errTooLarge))
		case err == nil:
			return body, value(out.ETag), nil
		case int64(len(body)) == value(out.ContentLength):
			// All of it came and the SDK still objects: the checksum is wrong. Should
			// it be the line, the next try will do.
			err = errDamaged.Because(fmt.Errorf("read %s: %w", key, err))
		}
	}
	if isFault(err) {
		return nil, "", err
	}
	return nil, "", translate(ctx, err, "read "+key)
}

// info is what a HEAD tells of a document.
type info struct {
	length int64
	etag   string
	digest signing.Digest // zero when the store does not say
}

func (s *Store) head(ctx context.Context, key string) (info, error) {
	out, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.bucket, Key: &key})
	if err != nil {
		return info{}, translate(ctx, err, "head "+key)
	}
	digest, err := signing.ParseDigest(out.Metadata[metaDigest])
	if err != nil {
		digest = signing.Digest{} // whoever needs it refuses the zero digest
	}
	return info{length: value(out.ContentLength), etag: value(out.ETag), digest: digest}, nil
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// createSealed is create with the body encrypted and bound to its key.
func (s *Store) createSealed(ctx context.Context, key string, plain []byte) error {
	sealed, err := s.ring.Seal(plain, key)
	if err != nil {
		return fmt.Errorf("encrypt %s: %w", key, err)
	}
	return s.create(ctx, key, typeBinary, sealed)
}

// readSealed is read of what createSealed wrote.
func (s *Store) readSealed(ctx context.Context, key string) (plain []byte, etag string, err error) {
	sealed, etag, err := s.read(ctx, key)
	if err != nil {
		return nil, "", err
	}
	plain, err = s.ring.Open(sealed, key)
	if err != nil {
		return nil, "", fmt.Errorf("decrypt %s: %w", key, err)
	}
	return plain, etag, nil
}

// adopt writes made unless something is there, and returns what is there then.
func (s *Store) adopt(ctx context.Context, key string, made []byte) ([]byte, error) {
	err := s.createSealed(ctx, key, made)
	if err == nil {
		return made, nil
	}
	if !isExists(err) {
		return nil, err
	}
	kept, _, err := s.readSealed(ctx, key)
	if isMissing(err) { // removed in between: nothing was done, so it may be tried again
		return nil, errUnavailable.Because(err)
	}
	return kept, err
}

// putGiven writes bytes that are the same on every try.
func (s *Store) putGiven(ctx context.Context, key string, plain []byte) error {
	kept, err := s.adopt(ctx, key, plain)
	if err != nil {
		return err
	}
	if !bytes.Equal(kept, plain) {
		return errDiffers.Because(fmt.Errorf("put %s: other content is there", key))
	}
	return nil
}
