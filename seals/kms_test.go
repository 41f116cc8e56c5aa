package seals_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/seals"
	"github.com/handslag/handslag/seals/awskms"
)

func labels(attributes []attribute.KeyValue) string {
	var seal, tenant string
	for _, a := range attributes {
		switch a.Key {
		case "seal":
			seal = a.Value.AsString()
		case "tenant":
			tenant = a.Value.AsString()
		}
	}
	return seal + " " + tenant
}

const keyARN = "arn:aws:kms:eu-north-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

// kms speaks the two calls of AWS KMS that sealing needs, with a real key, and
// refuses what KMS refuses.
type kms struct {
	t   *testing.T
	key crypto.Signer

	mu      sync.Mutex
	status  int // of all answers, when not 0
	code    string
	usage   string
	spoil   func([]byte) []byte
	delay   time.Duration
	targets []string
}

func newKMS(t *testing.T, key crypto.Signer) *kms {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	return &kms{t: t, key: key, usage: "SIGN_VERIFY"}
}

// kms describes a key on a server.
func (w *world) kms(url string, id *identity) seals.KeySettings {
	return seals.KeySettings{AWSKMS: &seals.AWSKMSSettings{
		Key: keyARN, Endpoint: url, Certificates: w.write("kms.pem", certificates(id.cert, w.mid.cert)), Timeout: 2 * time.Second,
	}}
}

func (s *kms) fail(status int, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.code = status, code
}

func (s *kms) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	refuse := func(status int, code, why string) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"__type":%q,"message":%q}`, code, why)
	}
	target := r.Header.Get("X-Amz-Target")
	s.targets = append(s.targets, target)
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") ||
		!strings.Contains(r.Header.Get("Authorization"), "/eu-north-1/kms/aws4_request") {
		refuse(http.StatusBadRequest, "IncompleteSignatureException", "not signed for this region and service")
		return
	}
	if s.status != 0 {
		refuse(s.status, s.code, "as the test wants it")
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
		refuse(http.StatusBadRequest, "SerializationException", "no call")
		return
	}
	var in struct {
		KeyID            string `json:"KeyId"`
		Message          []byte
		MessageType      string
		SigningAlgorithm string
	}
	if err := json.Unmarshal(body, &in); err != nil || in.KeyID != keyARN {
		refuse(http.StatusBadRequest, "NotFoundException", "no such key")
		return
	}
	time.Sleep(s.delay)
	var out any
	switch target {
	case "TrentService.GetPublicKey":
		der, err := x509.MarshalPKIXPublicKey(s.key.Public())
		assert.NoError(s.t, err)
		out = map[string]any{"KeyId": keyARN, "PublicKey": der, "KeyUsage": s.usage, "SigningAlgorithms": s.algorithms()}
	case "TrentService.Sign":
		signature, err := s.sign(in.Message, in.MessageType, in.SigningAlgorithm)
		if err != nil {
			refuse(http.StatusBadRequest, "ValidationException", err.Error())
			return
		}
		if s.spoil != nil {
			signature = s.spoil(signature)
		}
		out = map[string]any{"KeyId": keyARN, "SigningAlgorithm": in.SigningAlgorithm, "Signature": base64.StdEncoding.EncodeToString(signature)}
	default:
		refuse(http.StatusBadRequest, "UnknownOperationException", target)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	assert.NoError(s.t, json.NewEncoder(w).Encode(out))
}

func (s *kms) algorithms() []string {
	switch k := s.key.Public().(type) {
	case *ecdsa.PublicKey:
		return []string{map[int]string{256: "ECDSA_SHA_256", 384: "ECDSA_SHA_384", 521: "ECDSA_SHA_512"}[k.Params().BitSize]}
	case ed25519.PublicKey:
		return []string{"ED25519_SHA_512", "ED25519_PH_SHA_512"}
	}
	return []string{
		"RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512",
		"RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512",
	}
}

func (s *kms) sign(message []byte, kind, algorithm string) ([]byte, error) {
	if algorithm == "ED25519_SHA_512" {
		if kind != "RAW" || len(message) > 4096 {
			return nil, fmt.Errorf("ED25519_SHA_512 needs a RAW message of at most 4096 bytes")
		}
		return s.key.Sign(rand.Reader, message, crypto.Hash(0))
	}
	hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[algorithm[max(0, len(algorithm)-3):]]
	if kind != "DIGEST" || hash == 0 || len(message) != hash.Size() {
		return nil, fmt.Errorf("%s of a %s of %d bytes", algorithm, kind, len(message))
	}
	if strings.HasPrefix(algorithm, "RSASSA_PSS") {
		return s.key.Sign(rand.Reader, message, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash})
	}
	return s.key.Sign(rand.Reader, message, hash)
}

// TestKMSSeals: documents sealed through KMS's wire format verify.
func TestKMSSeals(t *testing.T) {
	for name, key := range map[string]crypto.Signer{"P-256": p256(t), "RSA": rsaKey(t)} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			service := newKMS(t, key)
			server := httptest.NewServer(http.HandlerFunc(service.serve))
			t.Cleanup(server.Close)
			k, err := w.open(one(w.kms(server.URL, w.seal(key, nil))))
			require.NoError(t, err)
			w.requireSeals(k)
			require.Equal(t, []string{"TrentService.GetPublicKey", "TrentService.Sign"}, service.targets, "two calls, one of them per seal")
		})
	}
}

// TestKMSAlgorithms: every signature that a seal may want, and nothing else.
func TestKMSAlgorithms(t *testing.T) {
	message := []byte("signed attributes")
	d256, d384, d512 := sha256.Sum256(message), sha512.Sum384(message), sha512.Sum512(message)
	pss := func(h crypto.Hash, salt int) crypto.SignerOpts { return &rsa.PSSOptions{SaltLength: salt, Hash: h} }
	for _, tt := range []struct {
		name   string
		key    crypto.Signer
		digest []byte
		opts   crypto.SignerOpts
		ok     bool
	}{
		{"P-256", p256(t), d256[:], crypto.SHA256, true},
		{"P-384", curve(t, elliptic.P384()), d384[:], crypto.SHA384, true},
		{"P-521", curve(t, elliptic.P521()), d512[:], crypto.SHA512, true},
		{"P-384 with SHA-256", curve(t, elliptic.P384()), d256[:], crypto.SHA256, false},
		{"RSA", rsaKey(t), d256[:], crypto.SHA256, true},
		{"RSA with SHA-384", rsaKey(t), d384[:], crypto.SHA384, true},
		{"RSA with SHA-512", rsaKey(t), d512[:], crypto.SHA512, true},
		{"PSS", rsaKey(t), d256[:], pss(crypto.SHA256, rsa.PSSSaltLengthEqualsHash), true},
		{"PSS with its salt in bytes", rsaKey(t), d512[:], pss(crypto.SHA512, 64), true},
		{"PSS with another salt", rsaKey(t), d256[:], pss(crypto.SHA256, 20), false},
		{"Ed25519", edKey(t), message, crypto.Hash(0), true},
		{"Ed25519 of a digest", edKey(t), d512[:], crypto.SHA512, false},
		{"SHA-1", rsaKey(t), d256[:20], crypto.SHA1, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			server := httptest.NewServer(http.HandlerFunc(newKMS(t, tt.key).serve))
			t.Cleanup(server.Close)
			k, err := w.open(one(w.kms(server.URL, w.seal(tt.key, nil))))
			require.NoError(t, err)
			seal, err := k.Seal("acme")
			require.NoError(t, err)
			_, err = seal.Key.Sign(nil, tt.digest, tt.opts) // verifies what it returns
			if tt.ok {
				require.NoError(t, err)
			} else {
				require.Equal(t, "seal_key_refused", fault.CodeOf(err))
			}
		})
	}
}

// TestKMSFaults: what passes is Unavailable, what somebody has to mend is not.
func TestKMSFaults(t *testing.T) {
	w := newWorld(t)
	key := p256(t)
	service := newKMS(t, key)
	server := httptest.NewServer(http.HandlerFunc(service.serve))
	t.Cleanup(server.Close)
	settings := w.kms(server.URL, w.seal(key, nil))
	k, err := w.open(one(settings))
	require.NoError(t, err)
	seal, err := k.Seal("acme")
	require.NoError(t, err)
	digest := sha256.Sum256(nil)
	sign := func() error {
		_, err := seal.Key.Sign(nil, digest[:], crypto.SHA256)
		return err
	}
	for _, tt := range []struct {
		status     int
		code, want string
	}{
		{http.StatusBadRequest, "ThrottlingException", "seal_key_unavailable"},
		{http.StatusBadRequest, "LimitExceededException", "seal_key_unavailable"},
		{http.StatusTooManyRequests, "Whatever", "seal_key_unavailable"},
		{http.StatusInternalServerError, "KMSInternalException", "seal_key_unavailable"},
		{http.StatusInternalServerError, "KeyUnavailableException", "seal_key_unavailable"},
		{http.StatusServiceUnavailable, "NobodyKnows", "seal_key_unavailable"},
		{http.StatusBadRequest, "AccessDeniedException", "seal_key_refused"},
		{http.StatusBadRequest, "DisabledException", "seal_key_refused"},
		{http.StatusBadRequest, "NotFoundException", "seal_key_refused"},
		{http.StatusBadRequest, "KMSInvalidStateException", "seal_key_refused"},
	} {
		service.fail(tt.status, tt.code)
		err := sign()
		require.Equal(t, tt.want, fault.CodeOf(err), tt.code)
		f, _ := fault.As(err)
		require.Equal(t, tt.code, f.ProviderCode)
		require.Equal(t, tt.want == "seal_key_unavailable", f.Kind == fault.Unavailable)
	}
	service.fail(0, "")
	require.NoError(t, sign())

	// Slower than it may be: the caller is not held.
	service.mu.Lock()
	service.delay = 3 * time.Second
	service.mu.Unlock()
	began := time.Now()
	require.Equal(t, "seal_key_unavailable", fault.CodeOf(sign()))
	require.Less(t, time.Since(began), 2900*time.Millisecond)
	service.mu.Lock()
	service.delay = 0
	// A signature that does not hold reaches no document.
	service.spoil = func(b []byte) []byte { b[len(b)-1] ^= 1; return b }
	service.mu.Unlock()
	require.Equal(t, "seal_key_wrong", fault.CodeOf(sign()))

	server.Close()
	require.Equal(t, "seal_key_unavailable", fault.CodeOf(sign()))
}

// TestKMSKeysThatAreWrong are found when they are loaded.
func TestKMSKeysThatAreWrong(t *testing.T) {
	w := newWorld(t)
	key := p256(t)
	service := newKMS(t, key)
	server := httptest.NewServer(http.HandlerFunc(service.serve))
	t.Cleanup(server.Close)
	right := w.kms(server.URL, w.seal(key, nil))

	other := *right.AWSKMS
	other.Certificates = w.write("other.pem", certificates(w.seal(p256(t), nil).cert, w.mid.cert))
	_, err := w.open(one(seals.KeySettings{AWSKMS: &other}))
	require.ErrorContains(t, err, "the key does not belong to the certificate")

	other = *right.AWSKMS
	other.Key = strings.Replace(keyARN, "1234abcd", "ffffffff", 1)
	_, err = w.open(one(seals.KeySettings{AWSKMS: &other}))
	require.ErrorContains(t, err, "NotFoundException")
	require.Equal(t, "seal_settings", fault.CodeOf(err))

	service.usage = "ENCRYPT_DECRYPT"
	_, err = w.open(one(right))
	require.ErrorContains(t, err, "the key's usage is ENCRYPT_DECRYPT, and must be SIGN_VERIFY")

	service.fail(http.StatusBadRequest, "ThrottlingException")
	_, err = w.open(one(right))
	require.ErrorContains(t, err, "no seal can be used")
	require.ErrorContains(t, err, "seal_key_unavailable")
}

// TestRefusedSettingsAreNotTriedAgain: a security module locks itself after some
// wrong PINs, so what was refused is left alone until something changes.
func TestRefusedSettingsAreNotTriedAgain(t *testing.T) {
	w := newWorld(t)
	key := p256(t)
	service := newKMS(t, key)
	server := httptest.NewServer(http.HandlerFunc(service.serve))
	t.Cleanup(server.Close)
	settings := one(w.pem("seal", w.seal(p256(t), nil)))
	k, err := seals.Open(t.Context(), func() (seals.Settings, error) { return settings, nil }, w.options())
	require.NoError(t, err)
	defer k.Close()
	settings = one(w.kms(server.URL, w.seal(p256(t), nil)))
	_, err = k.Reload(t.Context(), false)
	require.ErrorContains(t, err, "the key does not belong to the certificate")
	asked := len(service.targets)
	require.Positive(t, asked)
	for range 3 {
		_, err = k.Reload(t.Context(), false)
		require.NoError(t, err)
	}
	require.Len(t, service.targets, asked)
	_, err = k.Reload(t.Context(), true)
	require.Error(t, err)
	require.Len(t, service.targets, asked+1)
	w.kms(server.URL, w.seal(key, nil)) // writes the certificate anew
	changed, err := k.Reload(t.Context(), false)
	require.NoError(t, err)
	require.True(t, changed)
	w.requireSeals(k)
}

func TestRegionOfAKey(t *testing.T) {
	require.Equal(t, "eu-north-1", awskms.Region(keyARN))
	require.Equal(t, "eu-west-1", awskms.Region("arn:aws-iso:kms:eu-west-1:111122223333:alias/seal"))
	for _, key := range []string{"", "alias/seal", "1234abcd-12ab-34cd-56ef-1234567890ab", "arn:aws:s3:::bucket:x"} {
		require.Empty(t, awskms.Region(key), key)
	}
}
