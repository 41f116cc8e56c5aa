package storage

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/handslag/handslag/fault"
)

var (
	errUnavailable = fault.New(fault.Unavailable, "storage_unavailable", "The document store cannot be reached just now.")
	errRefused     = fault.New(fault.Internal, "storage_refused", "The document store refused a request.")
	errDamaged     = fault.New(fault.Corrupt, "storage_checksum", "Bytes on their way to or from the document store do not have the digest that was stated.")
	errDiffers     = fault.New(fault.Corrupt, "stored_differs", "Something else is stored where this belongs.")
	errChanged     = fault.New(fault.Corrupt, "object_changed", "A stored document changed while it was read.")
	errID          = fault.New(fault.Invalid, "id_invalid", "The id is not one of ours.")
)

// What a conditional request or a look-up may answer, before it has a meaning
// for a caller. These never leave the package.
var (
	errExists  = errors.New("the key is taken, or was changed since")
	errMissing = errors.New("the key is not there")
)

// codeConditionalConflict is Amazon's 409 for a conditional write that met
// another one (Amazon S3 User Guide, "How to prevent object overwrites").
const codeConditionalConflict = "ConditionalRequestConflict"

// translate gives an error of the S3 client its one meaning here: errExists,
// errMissing, a fault, or the end of the caller's own context.
//
// Refused credentials and a missing bucket are Unavailable: an operator can put
// both right while work waits, and giving up would strand a collection.
func translate(ctx context.Context, err error, attempted string) error {
	err = fmt.Errorf("%s: %w", attempted, err)
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	switch status, code := answer(err); {
	case status == http.StatusPreconditionFailed:
		return fmt.Errorf("%w: %w", errExists, err)
	case code == "NoSuchBucket":
		return errUnavailable.Because(err)
	case status == http.StatusNotFound:
		return fmt.Errorf("%w: %w", errMissing, err)
	case code == "BadDigest", code == "InvalidDigest", code == "XAmzContentChecksumMismatch", code == "XAmzContentSHA256Mismatch":
		return errDamaged.Because(err)
	case status == 0, status >= 500,
		status == http.StatusUnauthorized, status == http.StatusForbidden,
		status == http.StatusRequestTimeout, status == http.StatusConflict, status == http.StatusTooManyRequests,
		code == "RequestTimeout", code == "SlowDown":
		return errUnavailable.Because(err)
	default:
		return errRefused.Because(err)
	}
}

// answer returns the HTTP status and the S3 error code in err; 0 and "" when no
// answer came. HEAD answers have a status only.
func answer(err error) (status int, code string) {
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		status = response.HTTPStatusCode()
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		code = api.ErrorCode()
	}
	return status, code
}

// isExists and isMissing report what a conditional request or a look-up
// answered, unless that has been given its meaning as a fault already.
func isExists(err error) bool { return errors.Is(err, errExists) && !isFault(err) }

func isMissing(err error) bool { return errors.Is(err, errMissing) && !isFault(err) }

func isFault(err error) bool {
	_, ok := fault.As(err)
	return ok
}

// notFound gives errMissing its meaning.
func notFound(err error, f *fault.Error) error {
	if isMissing(err) {
		return f.Because(err)
	}
	return err
}

// outward gives a meaning to answers that no undisturbed store gives, such as
// a write-once object that is gone a moment later: the whole is to be tried again.
func outward(err error) error {
	if isExists(err) || isMissing(err) {
		return errUnavailable.Because(err)
	}
	return err
}
