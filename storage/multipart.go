package storage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/handslag/handslag/signing"
)

// Limits of Amazon S3 ("Amazon S3 multipart upload limits"), which other servers
// keep to as well.
const (
	minPart = 5 << 20 // of every part but the last
	maxPart = 5 << 30 // also of what one UploadPartCopy copies

	// onePut is the longest upload that is sent in one request. Longer ones go in
	// parts, so that a broken connection does not start them anew.
	onePut = 64 << 20
	// sentPart is the length of those parts: 10,000 of them hold 160 GiB, and one
	// of them is in memory per upload.
	sentPart = 16 << 20

	// assemblies is how often an object is put together when another conditional
	// write gets in the way: after a 409 all parts must be sent again (Amazon S3
	// User Guide, conditional writes).
	assemblies = 3
	// abortTime is for giving up the parts after the caller's own time is over.
	abortTime = 10 * time.Second
)

// assembly is a multipart upload under way. Its parts are added in order.
type assembly struct {
	store     *Store
	key, id   string
	algorithm types.ChecksumAlgorithm
	parts     []types.CompletedPart
}

// Checksums of what is put together. Bytes that we send go with SHA-256, per
// part. A part that the store copies needs a checksum of its own too, and there
// CRC-64/NVME is the one that is of the whole object however it was put
// together, so that a copy of an object that was copied has the checksum it had.
const (
	whenSent   = types.ChecksumAlgorithmSha256
	whenCopied = types.ChecksumAlgorithmCrc64nvme
)

// assemble makes an object of parts unless the key is taken; then the error is
// errExists, which may also mean that this very call made it.
func (s *Store) assemble(ctx context.Context, key string, digest signing.Digest, algorithm types.ChecksumAlgorithm, add func(*assembly) error) error {
	var err error
	for range assemblies {
		var again bool
		again, err = s.assembleOnce(ctx, key, digest, algorithm, add)
		if !again {
			break
		}
	}
	return err
}

func (s *Store) assembleOnce(ctx context.Context, key string, digest signing.Digest, algorithm types.ChecksumAlgorithm, add func(*assembly) error) (again bool, err error) {
	// The store refuses an object that is there only when all parts were sent.
	if _, err := s.head(ctx, key); !isMissing(err) {
		if err == nil {
			err = errExists
		}
		return false, err
	}
	contentType := typePDF
	out, err := s.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &s.bucket, Key: &key, ContentType: &contentType,
		ChecksumAlgorithm: algorithm,
		Metadata:          map[string]string{metaDigest: digest.String()},
	})
	if err != nil {
		return false, outward(translate(ctx, err, "begin parts of "+key))
	}
	a := &assembly{store: s, key: key, id: value(out.UploadId), algorithm: algorithm}
	if err := add(a); err != nil {
		a.abort(ctx)
		return false, err
	}
	_, err = s.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &s.bucket, Key: &key, UploadId: &a.id, IfNoneMatch: &ifAbsent,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: a.parts},
	})
	if err == nil {
		return false, nil
	}
	status, _ := answer(err)
	err = translate(ctx, err, "complete parts of "+key)
	a.abort(ctx)
	if status != http.StatusConflict && !isMissing(err) {
		return false, err
	}
	// The parts are gone or in conflict with another write, so they are sent
	// again. A lost answer looks like that too: the SDK's second request finds the
	// parts gone since the first completed them, and the next look finds the object.
	return true, errUnavailable.Because(err)
}

// abort frees the parts that were sent. It is best effort: what it leaves
// behind costs storage and nothing else, and a lifecycle rule for incomplete
// uploads removes it.
func (a *assembly) abort(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	defer cancel()
	_, _ = a.store.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: &a.store.bucket, Key: &a.key, UploadId: &a.id,
	})
}

func (a *assembly) next() int32 { return int32(len(a.parts)) + 1 } // at most 10,000 parts

// send adds a part of the given bytes.
func (a *assembly) send(ctx context.Context, part []byte) error {
	number := a.next()
	out, err := a.store.client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &a.store.bucket, Key: &a.key, UploadId: &a.id, PartNumber: &number,
		Body: bytes.NewReader(part), ChecksumAlgorithm: a.algorithm,
	})
	if err != nil {
		return outward(translate(ctx, err, fmt.Sprintf("send part %d of %s", number, a.key)))
	}
	a.parts = append(a.parts, types.CompletedPart{PartNumber: &number, ETag: out.ETag, ChecksumSHA256: out.ChecksumSHA256, ChecksumCRC64NVME: out.ChecksumCRC64NVME})
	return nil
}

// sendAll adds parts with all of body and returns its digest.
func (a *assembly) sendAll(ctx context.Context, body io.Reader) (signing.Digest, error) {
	whole, part := sha256.New(), make([]byte, sentPart)
	for {
		n, err := io.ReadFull(body, part)
		if n > 0 {
			whole.Write(part[:n])
			if err := a.send(ctx, part[:n]); err != nil {
				return signing.Digest{}, err
			}
		}
		if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
			return signing.Digest(whole.Sum(nil)), nil
		}
		if err != nil {
			return signing.Digest{}, fmt.Errorf("read what is to be sent to %s: %w", a.key, err)
		}
	}
}

// copyAll adds parts with all of another object, which the store copies itself.
func (a *assembly) copyAll(ctx context.Context, source string, from info) error {
	all := shares(from.length)
	if len(all) == 1 {
		// Without a range, which may be named only of a source over 5 MiB (UploadPartCopy).
		return a.copy(ctx, source, from.etag, nil)
	}
	for _, s := range all {
		r := fmt.Sprintf("bytes=%d-%d", s.first, s.last)
		if err := a.copy(ctx, source, from.etag, &r); err != nil {
			return err
		}
	}
	return nil
}

// span is a range of bytes, both ends included.
type span struct{ first, last int64 }

// shares divides a length into the fewest parts that may be copied. They are
// equal, so that none falls under the least length of a part.
func shares(length int64) []span {
	count := (length + maxPart - 1) / maxPart
	all := make([]span, count)
	for i := range count {
		all[i] = span{length / count * i, length/count*(i+1) - 1}
	}
	all[count-1].last = length - 1
	return all
}

func (a *assembly) copy(ctx context.Context, source, etag string, bytesOf *string) error {
	from := url.PathEscape(a.store.bucket) + "/" + source // our keys need no escaping
	number := a.next()
	out, err := a.store.client.UploadPartCopy(ctx, &s3.UploadPartCopyInput{
		Bucket: &a.store.bucket, Key: &a.key, UploadId: &a.id, PartNumber: &number,
		CopySource: &from, CopySourceIfMatch: &etag, CopySourceRange: bytesOf,
	})
	if err != nil {
		err = translate(ctx, err, fmt.Sprintf("copy part %d of %s", number, a.key))
		if isExists(err) { // CopySourceIfMatch: the source is write-once
			return errChanged.Because(err)
		}
		return outward(err)
	}
	if out.CopyPartResult == nil {
		return errUnavailable.Because(fmt.Errorf("copy part %d of %s: the answer lacks its result", number, a.key))
	}
	a.parts = append(a.parts, types.CompletedPart{
		PartNumber: &number, ETag: out.CopyPartResult.ETag,
		ChecksumSHA256: out.CopyPartResult.ChecksumSHA256, ChecksumCRC64NVME: out.CopyPartResult.ChecksumCRC64NVME,
	})
	return nil
}
