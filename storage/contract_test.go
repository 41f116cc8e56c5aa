package storage_test

import (
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/storage"
	"github.com/handslag/handslag/storage/storagetest"
)

// endpointVariable names an S3 server and a bucket for the contract:
// http://ACCESS:SECRET@127.0.0.1:9000/BUCKET, with ?region= where it is not
// eu-north-1.
const endpointVariable = "HANDSLAG_TEST_S3"

func TestContract(t *testing.T) {
	given := os.Getenv(endpointVariable)
	if given == "" {
		t.Skip(endpointVariable + " is not set; the contract is tested in the dev module")
	}
	u, err := url.Parse(given)
	require.NoError(t, err)
	secret, _ := u.User.Password()
	region := u.Query().Get("region")
	if region == "" {
		region = "eu-north-1"
	}
	storagetest.Run(t, storage.Config{
		Endpoint: u.Scheme + "://" + u.Host, Region: region, Bucket: strings.Trim(u.Path, "/"),
		AccessKey: u.User.Username(), SecretKey: storage.Secret(secret), PathStyle: true, CreateBucket: true,
	})
}
