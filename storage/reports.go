package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/keyring"
)

const reportsPrefix = "h/"

// Report is how one worker process finds the accounts at providers. It has no
// secrets and no personal data.
type Report struct {
	// Worker is the process: 1 to 64 lower-case letters, digits, dots and hyphens.
	Worker   string           `json:"worker"`
	At       time.Time        `json:"at"` // when it was written
	Accounts []AccountFinding `json:"accounts"`
}

// AccountFinding is how one account is found.
type AccountFinding struct {
	Account     string    `json:"account"`
	Provider    string    `json:"provider"`
	State       string    `json:"state"`
	Since       time.Time `json:"since,omitzero"`
	Code        string    `json:"code,omitempty"`
	LastSuccess time.Time `json:"lastSuccess,omitzero"`
}

func reportKey(worker string) (string, error) {
	if !nameForm.MatchString(worker) {
		return "", errID.In("worker", "invalid", "The worker's name is not valid.")
	}
	return reportsPrefix + worker, nil
}

// PutReport replaces a worker's report by a later one. Each worker writes its
// own, so the last one written holds; to put the same again is harmless.
func (s *Store) PutReport(ctx context.Context, r Report) error {
	key, err := reportKey(r.Worker)
	if err != nil {
		return err
	}
	plain, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}
	sealed, err := s.ring.Seal(plain, key)
	if err != nil {
		return fmt.Errorf("encrypt %s: %w", key, err)
	}
	contentType := typeBinary
	_, err = s.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &key, ContentType: &contentType, Body: bytes.NewReader(sealed),
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
	})
	if err != nil {
		return outward(translate(ctx, err, "put "+key))
	}
	return nil
}

// DropReport removes a worker's report; that there is none is success.
func (s *Store) DropReport(ctx context.Context, worker string) error {
	key, err := reportKey(worker)
	if err != nil {
		return err
	}
	_, err = s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &key})
	if err == nil {
		return nil
	}
	if err = translate(ctx, err, "delete "+key); isMissing(err) {
		return nil
	}
	return outward(err)
}

// Reports returns what workers have reported, those that ended without dropping
// theirs included: look at when they were written.
func (s *Store) Reports(ctx context.Context) ([]Report, error) {
	keys, err := s.list(ctx, reportsPrefix)
	if err != nil {
		return nil, err
	}
	var reports []Report
	for _, key := range keys {
		plain, _, err := s.readSealed(ctx, key)
		var r Report
		if err == nil {
			r, err = decode[Report](key, plain)
		}
		switch {
		case err == nil:
			reports = append(reports, r)
		case isMissing(err): // dropped meanwhile
		case fault.KindOf(err) == fault.Corrupt, errors.Is(err, keyring.ErrUnknownKey):
			// Nobody's that we can read: it must not keep the others' from being seen.
		default:
			return nil, err
		}
	}
	return reports, nil
}
