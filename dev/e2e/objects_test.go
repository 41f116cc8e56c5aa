package e2e_test

import (
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
)

// keys are the keys of all objects.
func keys(t testing.TB) []string {
	t.Helper()
	var all []string
	pages := s3.NewListObjectsV2Paginator(shared.Objects.Client(), &s3.ListObjectsV2Input{Bucket: aws.String(shared.Objects.Bucket)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, o := range page.Contents {
			all = append(all, aws.ToString(o.Key))
		}
	}
	return all
}

// keysUnder are the keys of a collection's objects with a word in them.
func keysUnder(t testing.TB, collection, word string) []string {
	t.Helper()
	var found []string
	for _, k := range keys(t) {
		if strings.Contains(k, collection) && strings.Contains(k, word) {
			found = append(found, k)
		}
	}
	return found
}

// object is the content of an object, as the store has it.
func object(t testing.TB, key string) []byte {
	t.Helper()
	o, err := shared.Objects.Client().GetObject(t.Context(), &s3.GetObjectInput{
		Bucket: aws.String(shared.Objects.Bucket), Key: aws.String(key),
	})
	require.NoError(t, err)
	defer func() { _ = o.Body.Close() }()
	b, err := io.ReadAll(o.Body)
	require.NoError(t, err)
	return b
}
