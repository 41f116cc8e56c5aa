package evidence_test

import (
	"crypto/rand"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/evidence"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/simulator/pki"
	"github.com/handslag/handslag/simulator/revocation"
)

func TestLoadProofs(t *testing.T) {
	var status http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { status.ServeHTTP(w, r) }))
	defer server.Close()
	p, err := pki.Create(pki.Options{Clock: time.Now, Entropy: rand.Reader, CAKeyBits: 2048, StatusURL: server.URL})
	require.NoError(t, err)
	status, err = revocation.New(revocation.Options{PKI: p, Clock: time.Now, Entropy: rand.Reader})
	require.NoError(t, err)
	answer := httptest.NewRecorder()
	status.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/crl/seal-ca.crl", nil))
	require.Equal(t, http.StatusOK, answer.Code)
	crl, certificate := answer.Body.Bytes(), p.Seal().Certificate.Raw

	for name, row := range map[string]struct {
		content                 []byte
		crls, certificates, bad int
	}{
		"list":            {content: crl, crls: 1},
		"list as PEM":     {content: pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: crl}), crls: 1},
		"responder":       {content: certificate, certificates: 1},
		"several as PEM":  {content: append(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: crl}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})...), crls: 1, certificates: 1},
		"something else":  {content: []byte("whatever"), bad: 1},
		"nothing":         {content: nil, bad: 1},
		"a broken list":   {content: crl[:len(crl)-1], bad: 1},
		"something in it": {content: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("whatever")}), bad: 1},
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "proof"), row.content, 0o600))
		proofs, err := evidence.LoadProofs(dir)
		if row.bad > 0 {
			require.Equal(t, "proof_invalid", fault.CodeOf(err), name)
			continue
		}
		require.NoError(t, err, name)
		require.Len(t, proofs.CRLs, row.crls, name)
		require.Len(t, proofs.Certificates, row.certificates, name)
	}
	_, err = evidence.LoadProofs(filepath.Join(t.TempDir(), "nowhere"))
	require.Equal(t, "proofs_unreadable", fault.CodeOf(err))
}
