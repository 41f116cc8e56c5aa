package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

// maxEntry keeps audit keys in order by their six digits.
const maxEntry = 999_999

var errNoCollection = fault.New(fault.NotFound, "collection_not_found", "There is no such collection.")

// PutSpec stores what the owner of a collection asked for. Repeated with the
// same spec it succeeds; another spec under the same id is Corrupt.
func (s *Store) PutSpec(ctx context.Context, spec signing.Spec) error {
	return putRecord(ctx, s, spec.Tenant, spec.ID, "spec", spec)
}

// GetSpec returns what the owner asked for.
func (s *Store) GetSpec(ctx context.Context, tenant signing.TenantID, id signing.CollectionID) (signing.Spec, error) {
	return getOfCollection[signing.Spec](ctx, s, tenant, id, "spec")
}

// PutOutcome stores how a collection ended. Repeated with the same view it
// succeeds; another view is Corrupt.
func (s *Store) PutOutcome(ctx context.Context, v signing.View) error {
	return putRecord(ctx, s, v.Tenant, v.ID, "outcome", v)
}

// GetOutcome returns how a collection ended; NotFound while it has not.
func (s *Store) GetOutcome(ctx context.Context, tenant signing.TenantID, id signing.CollectionID) (signing.View, error) {
	return getOfCollection[signing.View](ctx, s, tenant, id, "outcome")
}

func putRecord(ctx context.Context, s *Store, tenant signing.TenantID, id signing.CollectionID, name string, record any) error {
	prefix, err := collectionKey(tenant, id)
	if err != nil {
		return err
	}
	b, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("encode %s of collection %s: %w", name, id, err)
	}
	return s.putGiven(ctx, prefix+"/"+name, b)
}

func getOfCollection[T any](ctx context.Context, s *Store, tenant signing.TenantID, id signing.CollectionID, name string) (T, error) {
	prefix, err := collectionKey(tenant, id)
	if err != nil {
		var zero T
		return zero, err
	}
	return getRecord[T](ctx, s, prefix+"/"+name, errNoCollection)
}

// getRecord reads an encrypted JSON record; missing is its fault when there is none.
func getRecord[T any](ctx context.Context, s *Store, key string, missing *fault.Error) (T, error) {
	plain, _, err := s.readSealed(ctx, key)
	if err != nil {
		var zero T
		return zero, notFound(err, missing)
	}
	return decode[T](key, plain)
}

// decode reads a record. Its error does not wrap the decoder's, which may quote
// what it could not read.
func decode[T any](key string, plain []byte) (T, error) {
	var record T
	if err := json.Unmarshal(plain, &record); err != nil {
		var zero T
		return zero, errDiffers.Because(fmt.Errorf("decode %s: not the record it must be", key))
	}
	return record, nil
}

var errLines = errors.New("audit lines are numbered from 1 and end with a line end")

// PutAudit stores lines of a collection's audit trail, each with its line end;
// firstSeq is the number of the first. Lines carry no personal data and are kept
// as they are. Repeated with the same lines it succeeds; other lines from the
// same number are Corrupt. A caller that could not tell whether it succeeded
// must put the same lines again, not more or fewer.
func (s *Store) PutAudit(ctx context.Context, tenant signing.TenantID, id signing.CollectionID, firstSeq int, lines []byte) error {
	prefix, err := collectionKey(tenant, id)
	if err != nil {
		return err
	}
	if firstSeq < 1 || firstSeq > maxEntry || !bytes.HasSuffix(lines, []byte("\n")) {
		return errRefused.Because(fmt.Errorf("put audit of collection %s: %w", id, errLines))
	}
	key := fmt.Sprintf("%s/audit/%06d.jsonl", prefix, firstSeq)
	err = s.create(ctx, key, typeLines, lines)
	if !isExists(err) {
		return err
	}
	there, _, err := s.read(ctx, key)
	if err != nil {
		return outward(err)
	}
	if !bytes.Equal(there, lines) {
		return errDiffers.Because(fmt.Errorf("put %s: other lines are there", key))
	}
	return nil
}

// Audit returns the lines of a collection's audit trail in order; none when
// there are none. Whether they form one chain is for the reader to check
// ([signing.AuditTrail.Check]).
func (s *Store) Audit(ctx context.Context, tenant signing.TenantID, id signing.CollectionID) ([]byte, error) {
	prefix, err := collectionKey(tenant, id)
	if err != nil {
		return nil, err
	}
	keys, err := s.list(ctx, prefix+"/audit/")
	if err != nil {
		return nil, err
	}
	var lines []byte
	for _, key := range keys {
		more, _, err := s.read(ctx, key)
		if err != nil {
			return nil, outward(err)
		}
		lines = append(lines, more...)
	}
	return lines, nil
}

// list returns the keys with a prefix, in order.
func (s *Store) list(ctx context.Context, prefix string) ([]string, error) {
	var keys []string
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, outward(translate(ctx, err, "list "+prefix))
		}
		for _, object := range page.Contents {
			keys = append(keys, value(object.Key))
		}
	}
	slices.Sort(keys) // Amazon's directory buckets list in no order
	return keys, nil
}
