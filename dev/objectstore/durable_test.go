package objectstore

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"
)

// recorder is a backend that notes the order of what happens.
type recorder struct {
	backend.BackendUnsupported
	err    error
	head   *s3.HeadObjectOutput // nil: there is no object
	events []string
}

func (r *recorder) CompleteMultipartUpload(context.Context, *s3.CompleteMultipartUploadInput) (s3response.CompleteMultipartUploadResult, string, error) {
	return s3response.CompleteMultipartUploadResult{ETag: new("ours")}, "", r.err
}

func (r *recorder) HeadObject(context.Context, *s3.HeadObjectInput) (*s3.HeadObjectOutput, error) {
	if r.head == nil {
		return nil, s3err.GetAPIError(s3err.ErrNoSuchKey)
	}
	return r.head, nil
}

func (r *recorder) PutObject(context.Context, s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	r.events = append(r.events, "put")
	return s3response.PutObjectOutput{ETag: "e"}, r.err
}

func TestAWriteIsSyncedBeforeItIsAnswered(t *testing.T) {
	exists := s3err.GetAPIError(s3err.ErrPreconditionFailed)
	broken := errors.New("disk is broken")
	tests := map[string]struct {
		put, sync, want error
	}{
		"written and synced":                         {nil, nil, nil},
		"refused since it exists, which must last":   {exists, nil, exists},
		"written but not synced is not acknowledged": {nil, broken, broken},
		"existing but not synced is not relied upon": {exists, broken, broken},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := &recorder{err: tt.put}
			d := &durable{Backend: r, sync: func() error {
				r.events = append(r.events, "sync")
				return tt.sync
			}}
			_, err := d.PutObject(t.Context(), s3response.PutObjectInput{})
			require.ErrorIs(t, err, tt.want)
			require.Equal(t, []string{"put", "sync"}, r.events)
			// versitygw asks for the type of the error itself; anything else is 500.
			_, hasCode := err.(s3err.S3Error)                       //nolint:errorlint // as versitygw does it
			require.Equal(t, tt.want == exists, hasCode, "%v", err) //nolint:errorlint // both are of this table
		})
	}
}

func TestACompletedUploadIsLookedFor(t *testing.T) {
	once := new("*")
	tests := map[string]struct {
		head      *s3.HeadObjectOutput
		condition *string
		code      string
	}{
		"made":                              {&s3.HeadObjectOutput{ETag: new("ours")}, once, ""},
		"claimed before a kill, never made": {nil, once, "NoSuchUpload"},
		"another writer was first":          {&s3.HeadObjectOutput{ETag: new("theirs")}, once, "PreconditionFailed"},
		"another writer was later":          {&s3.HeadObjectOutput{ETag: new("theirs")}, nil, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := &durable{Backend: &recorder{head: tt.head}, sync: func() error { return nil }}
			_, _, err := d.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{IfNoneMatch: tt.condition})
			if tt.code == "" {
				require.NoError(t, err)
				return
			}
			var coded s3err.S3Error
			require.ErrorAs(t, err, &coded)
			require.Equal(t, tt.code, coded.BaseError().Code)
		})
	}
}
