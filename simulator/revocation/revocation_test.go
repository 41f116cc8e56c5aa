package revocation_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ocsp"

	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/pki"
	"github.com/handslag/handslag/simulator/revocation"
)

// stage is a status service and the certificates that name it.
type stage struct {
	t       *testing.T
	pki     *pki.PKI
	service *revocation.Service
	url     string
	now     time.Time
}

func start(t *testing.T, change func(*revocation.Options)) *stage {
	t.Helper()
	s := &stage{t: t, now: time.Now().UTC().Truncate(time.Second)}
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	server.Config.ErrorLog = nil
	s.url = server.URL
	clock := func() time.Time { return s.now }
	var err error
	s.pki, err = pki.Create(pki.Options{Clock: clock, Entropy: rand.Reader, CAKeyBits: 2048, StatusURL: server.URL})
	require.NoError(t, err)
	o := revocation.Options{PKI: s.pki, Clock: clock, Entropy: rand.Reader}
	if change != nil {
		change(&o)
	}
	s.service, err = revocation.New(o)
	require.NoError(t, err)
	handler = s.service
	return s
}

func (s *stage) authority(name pki.AuthorityName) *x509.Certificate {
	s.t.Helper()
	id, ok := s.pki.Authority(name)
	require.True(s.t, ok)
	return id.Certificate
}

func (s *stage) post(address string, body []byte) (int, []byte) {
	s.t.Helper()
	answer, err := http.Post(address, "application/ocsp-request", bytes.NewReader(body))
	require.NoError(s.t, err)
	return read(s.t, answer)
}

func (s *stage) get(address string) (int, []byte) {
	s.t.Helper()
	answer, err := http.Get(address)
	require.NoError(s.t, err)
	return read(s.t, answer)
}

func read(t *testing.T, answer *http.Response) (int, []byte) {
	t.Helper()
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, content
}

func ask(t *testing.T, c, issuer *x509.Certificate, hash crypto.Hash) []byte {
	t.Helper()
	der, err := ocsp.CreateRequest(c, issuer, &ocsp.RequestOptions{Hash: hash})
	require.NoError(t, err)
	return der
}

func (s *stage) status(c, issuer *x509.Certificate) *ocsp.Response {
	s.t.Helper()
	code, der := s.post(c.OCSPServer[0], ask(s.t, c, issuer, crypto.SHA1))
	require.Equal(s.t, http.StatusOK, code)
	r, err := ocsp.ParseResponseForCert(der, c, issuer)
	require.NoError(s.t, err)
	return r
}

func TestStatusOfEveryAuthority(t *testing.T) {
	for _, direct := range []bool{false, true} {
		s := start(t, func(o *revocation.Options) { o.Direct = direct })
		issued := map[pki.AuthorityName]pki.Identity{
			pki.SealCA: s.pki.Seal(), pki.TimestampCA: s.pki.TSA(), pki.SecondTimestampCA: s.pki.SecondTSA(),
		}
		var err error
		issued[pki.SealIssuingCA], err = s.pki.IssueSeal(pki.SealOrder{Intermediate: true})
		require.NoError(t, err)
		for name, id := range issued {
			issuer := s.authority(name)
			for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
				_, der := s.post(id.Certificate.OCSPServer[0], ask(t, id.Certificate, issuer, hash))
				r, err := ocsp.ParseResponseForCert(der, id.Certificate, issuer)
				require.NoError(t, err, name)
				require.Equal(t, ocsp.Good, r.Status, name)
				require.Equal(t, direct, r.Certificate == nil)
				require.Equal(t, s.now, r.ThisUpdate)
				require.Equal(t, s.now.Add(12*time.Hour), r.NextUpdate)
			}
			at := s.now.Add(-time.Hour)
			require.NoError(t, s.pki.Revoke(id.Certificate, at, pki.KeyCompromise))
			r := s.status(id.Certificate, issuer)
			require.Equal(t, ocsp.Revoked, r.Status)
			require.Equal(t, at, r.RevokedAt)
			require.Equal(t, ocsp.KeyCompromise, r.RevocationReason)
		}
	}
}

func TestTheDelegateMayOnlyDoThat(t *testing.T) {
	s := start(t, nil)
	c := s.pki.Seal().Certificate
	responder := s.status(c, s.authority(pki.SealCA)).Certificate
	require.Equal(t, []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}, responder.ExtKeyUsage)
	require.Empty(t, responder.OCSPServer)
	noCheck := false
	for _, e := range responder.Extensions {
		noCheck = noCheck || e.Id.Equal(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5})
	}
	require.True(t, noCheck)
	s.now = s.now.Add(200 * 24 * time.Hour)
	later := s.status(c, s.authority(pki.SealCA)).Certificate
	require.True(t, later.NotAfter.After(s.now), "an expired delegate is replaced")
}

// request is an OCSPRequest to be bent.
type request struct {
	TBS struct {
		Version    int           `asn1:"optional,explicit,tag:0"`
		Requestor  asn1.RawValue `asn1:"optional,explicit,tag:1"`
		List       []one
		Extensions []extension `asn1:"optional,explicit,tag:2"`
	}
}

type one struct {
	ID struct {
		Hash struct {
			OID        asn1.ObjectIdentifier
			Parameters asn1.RawValue `asn1:"optional"`
		}
		Name, Key []byte
		Serial    *big.Int
	}
}

type extension struct {
	OID      asn1.ObjectIdentifier
	Critical bool `asn1:"optional"`
	Value    []byte
}

var oidNonce = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}

func nonce(t *testing.T, content []byte) extension {
	t.Helper()
	der, err := asn1.Marshal(content)
	require.NoError(t, err)
	return extension{OID: oidNonce, Value: der}
}

func (s *stage) bent(change func(*request)) []byte {
	s.t.Helper()
	var r request
	rest, err := asn1.Unmarshal(ask(s.t, s.pki.Seal().Certificate, s.authority(pki.SealCA), crypto.SHA1), &r)
	require.NoError(s.t, err)
	require.Empty(s.t, rest)
	change(&r)
	der, err := asn1.Marshal(r)
	require.NoError(s.t, err)
	return der
}

func TestWhatIsRefused(t *testing.T) {
	s := start(t, nil)
	const malformed, unauthorized = 1, 6
	foreign := ask(t, s.pki.TSA().Certificate, s.authority(pki.TimestampCA), crypto.SHA1)
	for name, row := range map[string]struct {
		body   []byte
		status int
	}{
		"garbage":           {[]byte("hello"), malformed},
		"nothing":           {nil, malformed},
		"trailing":          {append(s.bent(func(*request) {}), 0), malformed},
		"version":           {s.bent(func(r *request) { r.TBS.Version = 1 }), malformed},
		"no question":       {s.bent(func(r *request) { r.TBS.List = []one{} }), malformed},
		"too many":          {s.bent(func(r *request) { r.TBS.List = slices.Repeat(r.TBS.List, 17) }), malformed},
		"hash algorithm":    {s.bent(func(r *request) { r.TBS.List[0].ID.Hash.OID = asn1.ObjectIdentifier{1, 2, 3} }), malformed},
		"hash parameters":   {s.bent(func(r *request) { r.TBS.List[0].ID.Hash.Parameters = asn1.RawValue{FullBytes: []byte{2, 1, 1}} }), malformed},
		"hash length":       {s.bent(func(r *request) { r.TBS.List[0].ID.Key = make([]byte, 19) }), malformed},
		"empty nonce":       {s.bent(func(r *request) { r.TBS.Extensions = []extension{nonce(t, nil)} }), malformed},
		"long nonce":        {s.bent(func(r *request) { r.TBS.Extensions = []extension{nonce(t, make([]byte, 33))} }), malformed},
		"raw nonce":         {s.bent(func(r *request) { r.TBS.Extensions = []extension{{OID: oidNonce, Value: []byte("0123456789")}} }), malformed},
		"two nonces":        {s.bent(func(r *request) { r.TBS.Extensions = []extension{nonce(t, []byte("a")), nonce(t, []byte("b"))} }), malformed},
		"unknown critical":  {s.bent(func(r *request) { r.TBS.Extensions = []extension{{asn1.ObjectIdentifier{1, 2, 3}, true, []byte{5, 0}}} }), malformed},
		"issuer's name":     {s.bent(func(r *request) { r.TBS.List[0].ID.Name[0] ^= 1 }), unauthorized},
		"issuer's key":      {s.bent(func(r *request) { r.TBS.List[0].ID.Key[0] ^= 1 }), unauthorized},
		"another authority": {foreign, unauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			code, der := s.post(s.url+"/ocsp/seal-ca", row.body)
			require.Equal(t, http.StatusOK, code)
			require.Equal(t, []byte{0x30, 3, 0x0a, 1, byte(row.status)}, der)
		})
	}
}

func TestWhatIsAnswered(t *testing.T) {
	s := start(t, nil)
	issuer := s.authority(pki.SealCA)
	value := []byte("a nonce of thirty-two bytes ....")
	for name, row := range map[string]struct {
		body   []byte
		status int
	}{
		"never issued": {s.bent(func(r *request) { r.TBS.List[0].ID.Serial.Add(r.TBS.List[0].ID.Serial, big.NewInt(1)) }), ocsp.Unknown},
		"not critical": {s.bent(func(r *request) {
			r.TBS.Extensions = []extension{{asn1.ObjectIdentifier{1, 2, 3}, false, []byte{5, 0}}}
		}), ocsp.Good},
		"without parameters": {s.bent(func(r *request) { r.TBS.List[0].ID.Hash.Parameters = asn1.RawValue{} }), ocsp.Good},
		"two questions":      {s.bent(func(r *request) { r.TBS.List = append(r.TBS.List, r.TBS.List[0]) }), ocsp.Good},
		"nonce":              {s.bent(func(r *request) { r.TBS.Extensions = []extension{nonce(t, value)} }), ocsp.Good},
	} {
		t.Run(name, func(t *testing.T) {
			_, der := s.post(s.url+"/ocsp/seal-ca", row.body)
			require.Equal(t, name == "nonce", bytes.Contains(der, append([]byte{4, 34, 4, 32}, value...)))
			if name == "two questions" {
				return // x/crypto reads one
			}
			r, err := ocsp.ParseResponse(der, issuer)
			require.NoError(t, err)
			require.Equal(t, row.status, r.Status)
		})
	}
}

func TestTransport(t *testing.T) {
	s := start(t, nil)
	c, issuer := s.pki.Seal().Certificate, s.authority(pki.SealCA)
	der := ask(t, c, issuer, crypto.SHA1)
	path := url.PathEscape(base64.StdEncoding.EncodeToString(der))
	code, answer := s.get(s.url + "/ocsp/seal-ca/" + path)
	require.Equal(t, http.StatusOK, code)
	_, err := ocsp.ParseResponseForCert(answer, c, issuer)
	require.NoError(t, err)
	code, _ = s.get(s.url + "/ocsp/seal-ca/" + strings.Repeat("A", 256))
	require.Equal(t, http.StatusRequestURITooLong, code)
	_, answer = s.get(s.url + "/ocsp/seal-ca/%21")
	require.Equal(t, []byte{0x30, 3, 0x0a, 1, 1}, answer)
	wrong, err := http.Post(s.url+"/ocsp/seal-ca", "application/json", bytes.NewReader(der))
	require.NoError(t, err)
	code, _ = read(t, wrong)
	require.Equal(t, http.StatusUnsupportedMediaType, code)
	code, _ = s.post(s.url+"/crl/seal-ca.crl", nil)
	require.Equal(t, http.StatusMethodNotAllowed, code)
	code, _ = s.post(s.url+"/ocsp/seal-ca/"+path, der)
	require.Equal(t, http.StatusMethodNotAllowed, code)
	for _, p := range []string{"/", "/ocsp/", "/ocsp/nobody", "/crl/seal-ca", "/crl/seal-ca.crl/x", "/ca/seal-ca.crl", "/other/seal-ca"} {
		code, _ = s.get(s.url + p)
		require.Equal(t, http.StatusNotFound, code, p)
	}
	_, own := s.get(c.IssuingCertificateURL[0])
	require.Equal(t, issuer.Raw, own)
}

func TestCRL(t *testing.T) {
	s := start(t, nil)
	issuer := s.authority(pki.SealCA)
	fetch := func() *x509.RevocationList {
		code, der := s.get(s.pki.Seal().Certificate.CRLDistributionPoints[0])
		require.Equal(t, http.StatusOK, code)
		l, err := x509.ParseRevocationList(der)
		require.NoError(t, err)
		require.NoError(t, l.CheckSignatureFrom(issuer))
		return l
	}
	first := fetch()
	require.Empty(t, first.RevokedCertificateEntries)
	require.Equal(t, s.now.Add(7*24*time.Hour), first.NextUpdate)
	require.NoError(t, s.pki.Revoke(s.pki.Seal().Certificate, s.now.Add(-time.Minute), pki.Superseded))
	second := fetch()
	require.Equal(t, 1, second.Number.Cmp(first.Number))
	require.Len(t, second.RevokedCertificateEntries, 1)
	e := second.RevokedCertificateEntries[0]
	require.Equal(t, s.pki.Seal().Certificate.SerialNumber, e.SerialNumber)
	require.Equal(t, int(pki.Superseded), e.ReasonCode)
	require.Equal(t, s.now.Add(-time.Minute), e.RevocationTime)
	s.now = s.pki.Seal().Certificate.NotAfter.Add(time.Hour)
	require.Empty(t, fetch().RevokedCertificateEntries, "RFC 5280 3.3: gone once the certificate has run out")
}

func TestFaults(t *testing.T) {
	s := start(t, nil)
	c, issuer := s.pki.Seal().Certificate, s.authority(pki.SealCA)
	set := func(kind faults.Kind, endpoint string) {
		_, err := s.service.Faults().Add(faults.Fault{Kind: kind, Endpoint: endpoint, Count: 1, Delay: faults.Duration(50 * time.Millisecond)})
		require.NoError(t, err)
	}
	for name, row := range map[faults.Kind]func(int, []byte){
		faults.Maintenance:   func(code int, _ []byte) { require.Equal(t, http.StatusServiceUnavailable, code) },
		faults.InternalError: func(code int, _ []byte) { require.Equal(t, http.StatusInternalServerError, code) },
		revocation.TryLater:  func(_ int, der []byte) { require.Equal(t, []byte{0x30, 3, 0x0a, 1, 3}, der) },
		revocation.Malformed: func(_ int, der []byte) { _, err := ocsp.ParseResponse(der, nil); require.Error(t, err) },
		revocation.WrongSignature: func(_ int, der []byte) {
			_, err := ocsp.ParseResponseForCert(der, c, issuer)
			require.ErrorContains(t, err, "bad signature")
		},
		revocation.Unknown: func(_ int, der []byte) {
			r, err := ocsp.ParseResponseForCert(der, c, issuer)
			require.NoError(t, err)
			require.Equal(t, ocsp.Unknown, r.Status)
		},
		revocation.Expired: func(_ int, der []byte) {
			r, err := ocsp.ParseResponseForCert(der, c, issuer)
			require.NoError(t, err)
			require.True(t, r.NextUpdate.Before(s.now))
			require.True(t, r.Certificate.NotBefore.Before(r.ProducedAt))
		},
		revocation.OtherCertificate: func(_ int, der []byte) {
			_, err := ocsp.ParseResponseForCert(der, c, issuer)
			require.Error(t, err)
			r, err := ocsp.ParseResponse(der, issuer)
			require.NoError(t, err)
			require.NotEqual(t, c.SerialNumber, r.SerialNumber)
		},
		revocation.WrongNonce: func(_ int, der []byte) { require.Contains(t, string(der), "another request's nonce") },
		revocation.WrongResponder: func(_ int, der []byte) {
			r, err := ocsp.ParseResponseForCert(der, c, issuer)
			require.NoError(t, err, "x/crypto leaves the key usage to its caller")
			require.Empty(t, r.Certificate.ExtKeyUsage)
		},
	} {
		set(name, revocation.OCSP)
		row(s.post(c.OCSPServer[0], ask(t, c, issuer, crypto.SHA256)))
		require.Equal(t, ocsp.Good, s.status(c, issuer).Status, "%s counted itself out", name)
	}
	for name, row := range map[faults.Kind]func(*x509.RevocationList, error){
		revocation.Malformed:      func(_ *x509.RevocationList, err error) { require.Error(t, err) },
		revocation.WrongSignature: func(l *x509.RevocationList, _ error) { require.Error(t, l.CheckSignatureFrom(issuer)) },
		revocation.Expired:        func(l *x509.RevocationList, _ error) { require.True(t, l.NextUpdate.Before(s.now)) },
	} {
		set(name, revocation.CRL)
		_, der := s.get(c.CRLDistributionPoints[0])
		row(x509.ParseRevocationList(der))
	}
	// Until cleared: Go's client asks again when a connection was cut that it had used before.
	cut, err := s.service.Faults().Add(faults.Fault{Kind: faults.CutBefore})
	require.NoError(t, err)
	_, err = http.Get(c.CRLDistributionPoints[0])
	require.Error(t, err)
	s.service.Faults().Clear(cut.ID)
	set(faults.Slow, revocation.CRL)
	begin := time.Now()
	s.get(c.CRLDistributionPoints[0])
	require.GreaterOrEqual(t, time.Since(begin), 50*time.Millisecond)
}

func openssl(t *testing.T, args ...string) (string, error) {
	t.Helper()
	tool, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed")
	}
	out, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput()
	return string(out), err
}

func TestOpenSSLAgrees(t *testing.T) {
	dir := t.TempDir()
	write := func(name, kind string, der ...[]byte) string {
		var b []byte
		for _, d := range der {
			b = append(b, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: d})...)
		}
		name = filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(name, b, 0o600))
		return name
	}
	for name, direct := range map[string]bool{"delegated": false, "direct": true} {
		t.Run(name, func(t *testing.T) {
			s := start(t, func(o *revocation.Options) { o.Direct = direct })
			id, err := s.pki.IssueSeal(pki.SealOrder{Intermediate: true})
			require.NoError(t, err)
			root := write("root.pem", "CERTIFICATE", s.authority(pki.SealCA).Raw)
			issuer := write("issuer.pem", "CERTIFICATE", s.authority(pki.SealIssuingCA).Raw)
			leaf := write("leaf.pem", "CERTIFICATE", id.Certificate.Raw)
			ask := func(more ...string) (string, error) {
				return openssl(t, append(append([]string{"ocsp", "-CAfile", root, "-verify_other", issuer, "-url", id.Certificate.OCSPServer[0]}, more...),
					"-issuer", issuer, "-cert", leaf)...)
			}
			for _, more := range [][]string{nil, {"-no_nonce"}, {"-sha256"}} {
				out, err := ask(more...)
				require.NoError(t, err, out)
				require.Contains(t, out, "Response verify OK")
				require.Contains(t, out, "leaf.pem: good")
				require.NotContains(t, out, "WARNING")
			}
			crl := func() string {
				_, der := s.get(id.Certificate.CRLDistributionPoints[0])
				return write("list.pem", "X509 CRL", der)
			}
			out, err := openssl(t, "crl", "-in", crl(), "-CAfile", issuer, "-noout")
			require.NoError(t, err, out)
			require.Contains(t, out, "verify OK")
			check := []string{"verify", "-crl_check", "-CAfile", root, "-untrusted", issuer, "-CRLfile"}
			out, err = openssl(t, append(check, crl(), leaf)...)
			require.NoError(t, err, out)

			require.NoError(t, s.pki.Revoke(id.Certificate, s.now.Add(-time.Hour), pki.KeyCompromise))
			out, err = ask()
			require.NoError(t, err, out)
			require.Contains(t, out, "leaf.pem: revoked")
			require.Contains(t, out, "Reason: keyCompromise")
			out, err = openssl(t, append(check, crl(), leaf)...)
			require.Error(t, err)
			require.Contains(t, out, "certificate revoked")
			if direct {
				return
			}
			_, err = s.service.Faults().Add(faults.Fault{Kind: revocation.WrongResponder, Count: 1})
			require.NoError(t, err)
			out, _ = ask()
			require.Contains(t, out, "Response Verify Failure")
			_, err = s.service.Faults().Add(faults.Fault{Kind: revocation.WrongNonce, Count: 1})
			require.NoError(t, err)
			out, err = ask()
			require.Error(t, err)
			require.Contains(t, out, "Nonce Verify error")
		})
	}
}

func FuzzRequest(f *testing.F) {
	clock := func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }
	p, err := pki.Create(pki.Options{Clock: clock, Entropy: rand.Reader, CAKeyBits: 2048, StatusURL: "http://status.invalid"})
	require.NoError(f, err)
	s, err := revocation.New(revocation.Options{PKI: p, Clock: clock, Entropy: rand.Reader})
	require.NoError(f, err)
	issuer, _ := p.Authority(pki.SealCA)
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
		der, err := ocsp.CreateRequest(p.Seal().Certificate, issuer.Certificate, &ocsp.RequestOptions{Hash: hash})
		require.NoError(f, err)
		f.Add(der)
	}
	f.Add([]byte{0x30, 0})
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/ocsp/seal-ca", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/ocsp-request")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		require.Equal(t, http.StatusOK, w.Code)
		var answer struct {
			Status  asn1.Enumerated
			Content asn1.RawValue `asn1:"optional,explicit,tag:0"`
		}
		rest, err := asn1.Unmarshal(w.Body.Bytes(), &answer)
		require.NoError(t, err)
		require.Empty(t, rest)
	})
}
