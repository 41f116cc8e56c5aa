package objectstore

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// durable adds to a backend what versitygw leaves out: it never calls fsync, so
// a power cut can erase objects it has acknowledged. Every call that changes
// something is followed by a sync of the file system before it is answered.
//
// A failed call is followed by one too. "It exists already" (412) makes a client
// rely on what another request wrote, and that other request may not have
// synced yet. If the sync fails the caller hears an error although the object is
// there; a client that writes with If-None-Match and adopts what it finds, as it
// must for any lost answer, is not confused by that.
type durable struct {
	backend.Backend
	sync func() error
}

func newDurable(b backend.Backend, dir string) (*durable, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("open folder of the store: %w", err)
	}
	return &durable{Backend: b, sync: func() error { return syncFileSystem(f) }}, nil
}

// after syncs and joins what went wrong. The backend's own error goes first and
// unwrapped where it is the only one, since versitygw derives the S3 error code
// from its type.
func (d *durable) after(err error) error {
	syncErr := d.sync()
	if syncErr == nil {
		return err
	}
	return errors.Join(fmt.Errorf("sync store: %w", syncErr), err)
}

func (d *durable) CreateBucket(ctx context.Context, in *s3.CreateBucketInput, acl []byte) error {
	return d.after(d.Backend.CreateBucket(ctx, in, acl))
}

func (d *durable) DeleteBucket(ctx context.Context, bucket string) error {
	return d.after(d.Backend.DeleteBucket(ctx, bucket))
}

func (d *durable) PutBucketVersioning(ctx context.Context, bucket string, status types.BucketVersioningStatus) error {
	return d.after(d.Backend.PutBucketVersioning(ctx, bucket, status))
}

func (d *durable) PutObjectLockConfiguration(ctx context.Context, bucket string, config []byte) error {
	return d.after(d.Backend.PutObjectLockConfiguration(ctx, bucket, config))
}

func (d *durable) PutObject(ctx context.Context, in s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	out, err := d.Backend.PutObject(ctx, in)
	return out, d.after(err)
}

func (d *durable) CopyObject(ctx context.Context, in s3response.CopyObjectInput) (s3response.CopyObjectOutput, error) {
	out, err := d.Backend.CopyObject(ctx, in)
	return out, d.after(err)
}

func (d *durable) DeleteObject(ctx context.Context, in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	out, err := d.Backend.DeleteObject(ctx, in)
	return out, d.after(err)
}

func (d *durable) DeleteObjects(ctx context.Context, in *s3.DeleteObjectsInput) (s3response.DeleteResult, error) {
	out, err := d.Backend.DeleteObjects(ctx, in)
	return out, d.after(err)
}

func (d *durable) CreateMultipartUpload(ctx context.Context, in s3response.CreateMultipartUploadInput) (s3response.InitiateMultipartUploadResult, error) {
	out, err := d.Backend.CreateMultipartUpload(ctx, in)
	return out, d.after(err)
}

func (d *durable) UploadPart(ctx context.Context, in *s3.UploadPartInput) (*s3.UploadPartOutput, error) {
	out, err := d.Backend.UploadPart(ctx, in)
	return out, d.after(err)
}

func (d *durable) UploadPartCopy(ctx context.Context, in *s3.UploadPartCopyInput) (s3response.CopyPartResult, error) {
	out, err := d.Backend.UploadPartCopy(ctx, in)
	return out, d.after(err)
}

// CompleteMultipartUpload does not take the backend's word. versitygw claims an
// upload by renaming its folder, and answers a later completion of a claimed or
// vanished upload with success: right after a lost answer, wrong after a kill in
// between, when no object was made, and wrong again when the object at the key
// is another writer's. So the object is looked for.
func (d *durable) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput) (s3response.CompleteMultipartUploadResult, string, error) {
	out, version, err := d.Backend.CompleteMultipartUpload(ctx, in)
	if err == nil {
		err = d.made(ctx, in, out)
	}
	return out, version, d.after(err)
}

func (d *durable) made(ctx context.Context, in *s3.CompleteMultipartUploadInput, out s3response.CompleteMultipartUploadResult) error {
	head, err := d.Backend.HeadObject(ctx, &s3.HeadObjectInput{Bucket: in.Bucket, Key: in.Key})
	if err != nil {
		// The client has to begin the upload again.
		return s3err.GetNoSuchUploadErr(backend.GetStringFromPtr(in.UploadId))
	}
	writeOnce := in.IfNoneMatch != nil
	if writeOnce && backend.GetStringFromPtr(head.ETag) != backend.GetStringFromPtr(out.ETag) {
		return s3err.GetPreconditionFailedErr(s3err.ConditionIfNoneMatch)
	}
	return nil
}

func (d *durable) PutObjectTagging(ctx context.Context, bucket, object, version string, tags map[string]string) error {
	return d.after(d.Backend.PutObjectTagging(ctx, bucket, object, version, tags))
}

func (d *durable) PutObjectRetention(ctx context.Context, bucket, object, version string, retention []byte) error {
	return d.after(d.Backend.PutObjectRetention(ctx, bucket, object, version, retention))
}

func (d *durable) PutObjectLegalHold(ctx context.Context, bucket, object, version string, on bool) error {
	return d.after(d.Backend.PutObjectLegalHold(ctx, bucket, object, version, on))
}
