package tsa_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/pki"
	"github.com/handslag/handslag/simulator/tsa"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

var certificates = sync.OnceValues(func() (*pki.PKI, error) {
	return pki.Create(pki.Options{Clock: clock, Entropy: rand.Reader, CAKeyBits: 2048})
})

type imprint struct {
	Algorithm struct {
		OID asn1.ObjectIdentifier
	}
	Digest []byte
}

type request struct {
	Version    int
	Imprint    imprint
	Policy     asn1.ObjectIdentifier `asn1:"optional"`
	Nonce      *big.Int              `asn1:"optional"`
	CertReq    bool                  `asn1:"optional"`
	Extensions []asn1.RawValue       `asn1:"optional,tag:0"`
}

type response struct {
	Status struct {
		Status int
		Text   []string       `asn1:"optional,utf8"`
		Fail   asn1.BitString `asn1:"optional"`
	}
	Token asn1.RawValue `asn1:"optional"`
}

func query(t *testing.T, change func(*request)) []byte {
	t.Helper()
	digest := sha256.Sum256([]byte("a document"))
	r := request{Version: 1, Nonce: big.NewInt(77), CertReq: true}
	r.Imprint.Algorithm.OID = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	r.Imprint.Digest = digest[:]
	if change != nil {
		change(&r)
	}
	der, err := asn1.Marshal(r)
	require.NoError(t, err)
	return der
}

func authority(t *testing.T) (*tsa.Authority, string) {
	t.Helper()
	p, err := certificates()
	require.NoError(t, err)
	a, err := tsa.New(tsa.Options{PKI: p, Clock: clock, Entropy: rand.Reader})
	require.NoError(t, err)
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return a, server.URL
}

func post(t *testing.T, url string, body []byte) (int, []byte) {
	t.Helper()
	answer, err := http.Post(url, "application/timestamp-query", bytes.NewReader(body))
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, content
}

func read(t *testing.T, der []byte) response {
	t.Helper()
	var r response
	rest, err := asn1.Unmarshal(der, &r)
	require.NoError(t, err)
	require.Empty(t, rest)
	return r
}

func TestRejections(t *testing.T) {
	_, url := authority(t)
	for name, row := range map[string]struct {
		body []byte
		bit  int // of PKIFailureInfo
	}{
		"garbage":        {[]byte("hello"), 5},
		"trailing bytes": {append(query(t, nil), 0), 5},
		"version":        {query(t, func(r *request) { r.Version = 2 }), 2},
		"SHA-1": {query(t, func(r *request) {
			r.Imprint.Algorithm.OID = asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}
			r.Imprint.Digest = make([]byte, 20)
		}), 0},
		"digest length": {query(t, func(r *request) { r.Imprint.Digest = make([]byte, 20) }), 5},
		"policy":        {query(t, func(r *request) { r.Policy = asn1.ObjectIdentifier{1, 2, 3} }), 15},
		"extension":     {query(t, func(r *request) { r.Extensions = []asn1.RawValue{asn1.NullRawValue} }), 16},
	} {
		t.Run(name, func(t *testing.T) {
			code, body := post(t, url, row.body)
			require.Equal(t, http.StatusOK, code)
			r := read(t, body)
			require.Equal(t, 2, r.Status.Status)
			require.Equal(t, 1, r.Status.Fail.At(row.bit))
			require.Equal(t, row.bit+1, r.Status.Fail.BitLength)
			require.Empty(t, r.Token.FullBytes)
		})
	}
}

func TestTransport(t *testing.T) {
	_, url := authority(t)
	answer, err := http.Get(url)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusMethodNotAllowed, answer.StatusCode)
	answer, err = http.Post(url, "application/json", bytes.NewReader(query(t, nil)))
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusUnsupportedMediaType, answer.StatusCode)
}

// openssl is the second opinion: it checks the chain, the critical key usage,
// ESS signing-certificate-v2, imprint and nonce.
func verify(t *testing.T, p *pki.PKI, dir string, query, answer []byte, more ...string) ([]byte, error) {
	t.Helper()
	tool, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	write := func(name string, content []byte) string {
		name = filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(name, content, 0o600))
		return name
	}
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Anchors(pki.Timestamp)[0].Raw})
	args := append([]string{
		"ts", "-verify", "-queryfile", write("q.tsq", query), "-in", write("a.tsr", answer),
		"-CAfile", write("root.pem", root), "-attime", strconv.FormatInt(now.Unix(), 10),
	}, more...)
	return exec.CommandContext(t.Context(), tool, args...).CombinedOutput()
}

func TestToken(t *testing.T) {
	p, err := certificates()
	require.NoError(t, err)
	a, url := authority(t)
	dir := t.TempDir()
	leaf := filepath.Join(dir, "tsa.pem")
	require.NoError(t, os.WriteFile(leaf, p.TSA().CertificatePEM(), 0o600))
	for name, row := range map[string]struct {
		change func(*request)
		more   []string
	}{
		"usual":               {nil, nil},
		"no nonce":            {func(r *request) { r.Nonce = nil }, nil},
		"large nonce":         {func(r *request) { r.Nonce = new(big.Int).Lsh(big.NewInt(1), 127) }, nil},
		"without certificate": {func(r *request) { r.CertReq = false }, []string{"-untrusted", leaf}},
		"our policy":          {func(r *request) { r.Policy = asn1.ObjectIdentifier{2, 999, 3161, 1} }, nil},
		"SHA-512": {func(r *request) {
			r.Imprint.Algorithm.OID = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
			r.Imprint.Digest = make([]byte, 64)
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			q := query(t, row.change)
			code, body := post(t, url, q)
			require.Equal(t, http.StatusOK, code)
			r := read(t, body)
			require.Equal(t, 0, r.Status.Status)
			var asked request
			_, err := asn1.Unmarshal(q, &asked)
			require.NoError(t, err)
			require.Equal(t, asked.CertReq, bytes.Contains(body, p.TSA().Certificate.Raw))
			require.True(t, bytes.Contains(body, asked.Imprint.Digest))
			require.True(t, bytes.Contains(body, []byte("20261122120000Z")))
			out, err := verify(t, p, dir, q, body, row.more...)
			require.NoError(t, err, string(out))
		})
	}
	for _, kind := range []faults.Kind{tsa.WrongImprint, tsa.WrongNonce} {
		t.Run(string(kind), func(t *testing.T) {
			_, err := a.Faults().Add(faults.Fault{Kind: kind, Count: 1})
			require.NoError(t, err)
			q := query(t, nil)
			_, body := post(t, url, q)
			_, err = verify(t, p, dir, q, body)
			require.Error(t, err)
		})
	}
}

func TestFaults(t *testing.T) {
	a, url := authority(t)
	add := func(f faults.Fault) {
		_, err := a.Faults().Add(f)
		require.NoError(t, err)
	}
	add(faults.Fault{Kind: faults.Maintenance, Count: 1})
	code, _ := post(t, url, query(t, nil))
	require.Equal(t, http.StatusServiceUnavailable, code)
	add(faults.Fault{Kind: tsa.Rejected, Count: 1})
	_, body := post(t, url, query(t, nil))
	require.Equal(t, 1, read(t, body).Status.Fail.At(25))
	add(faults.Fault{Kind: faults.CutBefore, Count: 1})
	_, err := http.Post(url, "application/timestamp-query", bytes.NewReader(query(t, nil)))
	require.Error(t, err)
	add(faults.Fault{Kind: faults.Slow, Count: 1, Delay: faults.Duration(50 * time.Millisecond)})
	begin := time.Now()
	post(t, url, query(t, nil))
	require.GreaterOrEqual(t, time.Since(begin), 50*time.Millisecond)
}

// The signed attributes are a SET OF: DER wants them in ascending order (X.690
// 11.6), and a verifier that encodes them anew fails otherwise.
func TestSignedAttributesAreInOrder(t *testing.T) {
	_, url := authority(t)
	_, body := post(t, url, query(t, nil))
	var token struct {
		Type    asn1.ObjectIdentifier
		Content struct {
			Version      int
			Digests      asn1.RawValue
			Content      asn1.RawValue
			Certificates asn1.RawValue `asn1:"optional,tag:0"`
			Signers      []struct {
				Version    int
				Issuer     asn1.RawValue
				Digest     asn1.RawValue
				Attributes asn1.RawValue `asn1:"tag:0"`
				Algorithm  asn1.RawValue
				Signature  []byte
			} `asn1:"set"`
		} `asn1:"explicit,tag:0"`
	}
	_, err := asn1.Unmarshal(read(t, body).Token.FullBytes, &token)
	require.NoError(t, err)
	require.Len(t, token.Content.Signers, 1)
	rest := token.Content.Signers[0].Attributes.Bytes
	var last []byte
	count := 0
	for ; len(rest) > 0; count++ {
		var a asn1.RawValue
		rest, err = asn1.Unmarshal(rest, &a)
		require.NoError(t, err)
		require.Negative(t, bytes.Compare(last, a.FullBytes))
		last = a.FullBytes
	}
	require.Equal(t, 4, count)
}

func TestCertificate(t *testing.T) {
	p, err := certificates()
	require.NoError(t, err)
	c := p.TSA().Certificate
	require.Equal(t, []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}, c.ExtKeyUsage)
	for _, e := range c.Extensions {
		if e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 37}) {
			require.True(t, e.Critical, "RFC 3161 2.3")
		}
	}
}

func FuzzQuery(f *testing.F) {
	p, err := certificates()
	require.NoError(f, err)
	a, err := tsa.New(tsa.Options{PKI: p, Clock: clock, Entropy: rand.Reader})
	require.NoError(f, err)
	f.Add([]byte("hello"))
	f.Add([]byte{0x30, 0x00})
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/timestamp-query")
		w := httptest.NewRecorder()
		a.ServeHTTP(w, r)
		require.Equal(t, http.StatusOK, w.Code)
		read(t, w.Body.Bytes())
	})
}
