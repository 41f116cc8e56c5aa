package storage

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/keyring"
	"github.com/handslag/handslag/signing"
)

const (
	doc = "doc_0123456789abcdefghjkmnpqrs"
	col = "col_0123456789abcdefghjkmnpqrs"
	att = "att_0123456789abcdefghjkmnpqrs"
)

func TestKeys(t *testing.T) {
	revision := func(n int) (string, error) {
		return stemOf(signing.RevisionRef{Tenant: "acme", Collection: col, Document: doc, Revision: n})
	}
	evidence := func(a signing.AttemptID, name string) (string, error) {
		return evidenceKey(signing.EvidenceRef{Tenant: "acme", Collection: col, Attempt: a, Name: name})
	}
	for want, key := range map[string]func() (string, error){
		"t/acme/d/" + doc + "/r0000":               func() (string, error) { return revision(0) },
		"t/acme/c/" + col + "/d/" + doc + "/r0012": func() (string, error) { return revision(12) },
		"t/acme/c/" + col + "/d/" + doc + "/e0000": func() (string, error) {
			return stemOf(signing.RevisionRef{Tenant: "acme", Collection: col, Document: doc, Evidence: true})
		},
		"t/acme/c/" + col + "/e/page.pdf":                func() (string, error) { return evidence("", "page.pdf") },
		"t/acme/c/" + col + "/a/" + att + "/answer.json": func() (string, error) { return evidence(att, "answer.json") },
		"t/acme/d/" + doc + "/upload":                    func() (string, error) { return uploadKey("acme", doc) },
		"l/" + strings.Repeat("0", 64):                   func() (string, error) { return linkKey(signing.Digest{}), nil },
		"t/acme/d/" + doc + "/r0000." + zeros + ".state": func() (string, error) { s, err := revision(0); return hashStateKey(s, signing.Revision{}), err },
	} {
		got, err := key()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

var zeros = strings.Repeat("0", 64)

func TestKeysRefuse(t *testing.T) {
	for name, key := range map[string]func() (string, error){
		"tenant":             func() (string, error) { return uploadKey("../x", doc) },
		"empty tenant":       func() (string, error) { return uploadKey("", doc) },
		"document":           func() (string, error) { return uploadKey("acme", "doc_x") },
		"another kind of id": func() (string, error) { return uploadKey("acme", col) },
		"negative revision": func() (string, error) {
			return stemOf(signing.RevisionRef{Tenant: "acme", Document: doc, Revision: -1})
		},
		"five digits": func() (string, error) {
			return stemOf(signing.RevisionRef{Tenant: "acme", Collection: col, Document: doc, Revision: 10_000})
		},
		"revision of no parent": func() (string, error) { return stemOf(signing.RevisionRef{Tenant: "acme", Document: doc, Revision: 1}) },
		"evidence PDF of no collection": func() (string, error) {
			return stemOf(signing.RevisionRef{Tenant: "acme", Document: doc, Evidence: true})
		},
		"attempt": func() (string, error) {
			return evidenceKey(signing.EvidenceRef{Tenant: "acme", Collection: col, Attempt: "att", Name: "x"})
		},
		"name": func() (string, error) {
			return evidenceKey(signing.EvidenceRef{Tenant: "acme", Collection: col, Attempt: att, Name: "../x"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := key()
			require.Equal(t, "id_invalid", fault.CodeOf(err), "%v", err)
		})
	}
}

func answered(status int, code string) error {
	cause := errors.New("no code")
	if code != "" {
		cause = &smithy.GenericAPIError{Code: code}
	}
	return &smithy.OperationError{ServiceID: "S3", OperationName: "Test", Err: &awshttp.ResponseError{
		ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: cause,
		},
	}}
}

func TestTranslate(t *testing.T) {
	for _, row := range []struct {
		err  error
		want string
	}{
		{answered(412, "PreconditionFailed"), "exists"},
		{answered(412, ""), "exists"},
		{answered(404, "NoSuchKey"), "missing"},
		{answered(404, ""), "missing"},
		{answered(404, "NoSuchUpload"), "missing"},
		{answered(404, "NoSuchBucket"), "storage_unavailable"},
		{answered(500, "InternalError"), "storage_unavailable"},
		{answered(503, "SlowDown"), "storage_unavailable"},
		{answered(429, ""), "storage_unavailable"},
		{answered(400, "RequestTimeout"), "storage_unavailable"},
		{answered(409, codeConditionalConflict), "storage_unavailable"},
		{answered(403, "AccessDenied"), "storage_unavailable"},
		{answered(401, ""), "storage_unavailable"},
		{answered(400, "BadDigest"), "storage_checksum"},
		{answered(400, "XAmzContentChecksumMismatch"), "storage_checksum"},
		{answered(400, "MalformedXML"), "storage_refused"},
		{answered(416, "InvalidRange"), "storage_refused"},
		{errors.New("connection reset"), "storage_unavailable"},
		{context.DeadlineExceeded, "storage_unavailable"}, // of the transport, not of the caller
	} {
		t.Run(fmt.Sprint(row.want, " ", row.err), func(t *testing.T) {
			err := translate(t.Context(), row.err, "test")
			require.ErrorIs(t, err, row.err)
			require.Equal(t, row.want == "exists", isExists(err))
			require.Equal(t, row.want == "missing", isMissing(err))
			if row.want != "exists" && row.want != "missing" {
				require.Equal(t, row.want, fault.CodeOf(err))
			}
			require.False(t, isExists(errChanged.Because(err)) || isMissing(errChanged.Because(err)),
				"once it is a fault it is nothing else")
		})
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	err := translate(ended, errors.New("connection closed"), "test")
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, isFault(err))
}

func TestShares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.Int64Range(minPart, 50<<40).Draw(t, "length")
		all, next := shares(length), int64(0)
		for _, s := range all {
			size := s.last - s.first + 1
			if s.first != next || size > maxPart || size < minPart {
				t.Fatalf("%d bytes: share %+v after %d", length, s, next)
			}
			next = s.last + 1
		}
		if next != length {
			t.Fatalf("%d bytes: the shares end at %d", length, next)
		}
	})
	require.Len(t, shares(maxPart), 1)
	require.Len(t, shares(maxPart+1), 2)
}

func testRing(t *testing.T) *keyring.Ring {
	t.Helper()
	b, err := keyring.Generate(rand.Reader)
	require.NoError(t, err)
	r, err := keyring.Parse(b, rand.Reader)
	require.NoError(t, err)
	return r
}

func TestHashStateMAC(t *testing.T) {
	s := &Store{ring: testRing(t)}
	base := signing.Revision{Length: 10, Digest: signing.Digest{1}, HashState: []byte("state")}
	seen := map[[32]byte]string{}
	for name, mac := range map[string][32]byte{
		"base":       s.hashStateMAC("key", base),
		"key":        s.hashStateMAC("kez", base),
		"length":     s.hashStateMAC("key", signing.Revision{Length: 11, Digest: base.Digest, HashState: base.HashState}),
		"digest":     s.hashStateMAC("key", signing.Revision{Length: 10, Digest: signing.Digest{2}, HashState: base.HashState}),
		"state":      s.hashStateMAC("key", signing.Revision{Length: 10, Digest: base.Digest, HashState: []byte("stat")}),
		"other ring": (&Store{ring: testRing(t)}).hashStateMAC("key", base),
	} {
		require.Empty(t, seen[mac], "%s has the same MAC", name)
		seen[mac] = name
	}
	again := s.hashStateMAC("key", base)
	require.Equal(t, s.hashStateMAC("key", base), again)
}

func TestHashedKeys(t *testing.T) {
	s := &Store{ring: testRing(t)}
	require.Regexp(t, `^[0-9a-f]{64}$`, s.hashed(purposePerson, "191212121212"))
	require.NotEqual(t, s.hashed(purposePerson, "x"), s.hashed(purposeIdempotency, "x"))
}

func TestSecretNeverPrints(t *testing.T) {
	c := Config{AccessKey: "public", SecretKey: "hunter2hunter2"}
	encoded, err := json.Marshal(c.SecretKey)
	require.NoError(t, err)
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "secret", c.SecretKey, "config", c)
	for _, s := range []string{
		string(encoded), logged.String(), c.SecretKey.String(), fmt.Sprint(c), fmt.Sprintf("%+v %#v %q %x", c, c, c.SecretKey, c.SecretKey),
	} {
		require.NotContains(t, s, "hunter2")
		require.NotContains(t, s, fmt.Sprintf("%x", "hunter2"))
	}
}

func TestConfigRefuses(t *testing.T) {
	good := Config{Region: "eu-north-1", Bucket: "b", AccessKey: "a", SecretKey: "s", Ring: testRing(t)}
	require.NoError(t, good.check())
	for field, change := range map[string]func(*Config){
		"Bucket":      func(c *Config) { c.Bucket = "" },
		"Region":      func(c *Config) { c.Region = "" },
		"Ring":        func(c *Config) { c.Ring = nil },
		"AccessKey":   func(c *Config) { c.AccessKey = "" },
		"SecretKey":   func(c *Config) { c.SecretKey = "" },
		"MaxAttempts": func(c *Config) { c.MaxAttempts = -1 },
	} {
		c := good
		change(&c)
		_, err := Open(t.Context(), c)
		require.ErrorContains(t, err, field)
	}
}

// A laptop's ~/.aws must not be sent to whatever Endpoint says, nor may the
// metadata service be asked from there.
func TestCredentialsForOwnEndpoint(t *testing.T) {
	dir := t.TempDir()
	files := map[string]string{
		"AWS_SHARED_CREDENTIALS_FILE": "[default]\naws_access_key_id = laptop\naws_secret_access_key = laptop\n",
		"AWS_CONFIG_FILE":             "[default]\naws_access_key_id = laptop\naws_secret_access_key = laptop\n",
	}
	for name, content := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		t.Setenv(name, path)
	}
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"} {
		t.Setenv(name, "")
	}
	c := Config{Region: "eu-north-1", Endpoint: "http://127.0.0.1:1"}
	loaded, err := c.awsConfig(t.Context())
	require.NoError(t, err)
	_, err = loaded.Credentials.Retrieve(t.Context())
	require.Error(t, err)

	t.Setenv("AWS_ACCESS_KEY_ID", "given")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "given")
	loaded, err = c.awsConfig(t.Context())
	require.NoError(t, err)
	found, err := loaded.Credentials.Retrieve(t.Context())
	require.NoError(t, err)
	require.Equal(t, "given", found.AccessKeyID)
}
