// Package kms_test seals documents with keys in AWS KMS, as an implementation of
// it by others (moto) serves them, and verifies what came of it.
package kms_test

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/seals"
	"github.com/handslag/handslag/seals/awskms"
	"github.com/handslag/handslag/simulator/pki"
)

// document is the smallest sound PDF with a page.
const document = "%PDF-1.7\n" +
	"1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n" +
	"2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n" +
	"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Resources<<>>>>\nendobj\n" +
	"xref\n0 4\n0000000000 65535 f \n0000000009 00000 n \n0000000054 00000 n \n0000000105 00000 n \n" +
	"trailer\n<</Size 4/Root 1 0 R/ID[<00><00>]>>\nstartxref\n180\n%%EOF\n"

type service struct {
	URL  string
	Keys map[string]string
}

func start(t *testing.T) service {
	python := os.Getenv("HANDSLAG_MOTO_PYTHON")
	if python == "" {
		t.Skip("moto is not at hand; conformance/kms/run.sh installs it")
	}
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	server := exec.Command(python, "server.py")
	server.Stderr = os.Stderr
	stdin, err := server.StdinPipe()
	require.NoError(t, err)
	stdout, err := server.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		stdin.Close() // it ends with its input
		server.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	require.NoError(t, err)
	var s service
	require.NoError(t, json.Unmarshal(line, &s), "%s", line)
	return s
}

func TestKMS(t *testing.T) {
	s := start(t)
	ca, err := pki.Create(pki.Options{Clock: time.Now, Entropy: rand.Reader, CAKeyBits: 2048})
	require.NoError(t, err)
	anchors := x509.NewCertPool()
	for _, c := range ca.Anchors(pki.Sealing) {
		anchors.AddCert(c)
	}
	for _, tt := range []struct {
		spec string
		pss  bool
	}{
		{"RSA_2048", false},
		{"RSA_2048", true},
		{"RSA_3072", false},
		{"RSA_3072", true},
		{"ECC_NIST_P256", false},
		{"ECC_NIST_P384", false},
		{"ECC_NIST_P521", false},
	} {
		name := tt.spec
		if tt.pss {
			name += " PSS"
		}
		t.Run(name, func(t *testing.T) {
			public, err := awskms.Open(t.Context(), awskms.Config{Key: s.Keys[tt.spec], Region: "eu-north-1", Endpoint: s.URL})
			require.NoError(t, err)
			id, err := ca.IssueSeal(pki.SealOrder{Signer: public})
			require.NoError(t, err)
			file := filepath.Join(t.TempDir(), "seal.pem")
			require.NoError(t, os.WriteFile(file, id.CertificatePEM(), 0o600))
			keeper, err := seals.Open(t.Context(), func() (seals.Settings, error) {
				return seals.Settings{Default: "kms", Seals: map[string]seals.SealSettings{"kms": {
					Level: "B-B", PSS: tt.pss,
					Key: seals.KeySettings{AWSKMS: &seals.AWSKMSSettings{Key: s.Keys[tt.spec], Endpoint: s.URL, Certificates: file}},
				}}}, nil
			}, seals.Options{Anchors: anchors, Getenv: os.Getenv, Clock: time.Now})
			require.NoError(t, err)
			defer keeper.Close()
			seal, err := keeper.Seal("acme")
			require.NoError(t, err)
			requireSeals(t, seal, anchors)
		})
	}
	t.Run("what KMS refuses", func(t *testing.T) {
		_, err := awskms.Open(t.Context(), awskms.Config{Key: s.Keys["encrypting"], Region: "eu-north-1", Endpoint: s.URL})
		require.ErrorContains(t, err, "seal_key_refused")
		_, err = awskms.Open(t.Context(), awskms.Config{Key: "11111111-2222-3333-4444-555555555555", Region: "eu-north-1", Endpoint: s.URL})
		require.ErrorContains(t, err, "NotFoundException")
		key, err := awskms.Open(t.Context(), awskms.Config{Key: s.Keys["ECC_NIST_P384"], Region: "eu-north-1", Endpoint: s.URL})
		require.NoError(t, err)
		_, err = key.Sign(nil, make([]byte, 32), crypto.SHA384)
		require.ErrorContains(t, err, "ValidationException")
	})
}

func requireSeals(t *testing.T, seal seals.Seal, anchors *x509.CertPool) {
	t.Helper()
	var h pdf.HashState
	_, err := io.WriteString(&h, document)
	require.NoError(t, err)
	rev := pdf.Revision{Source: bytes.NewReader([]byte(document)), Size: int64(len(document)), Hash: &h}
	tail, err := pdf.Seal(t.Context(), rev, pdf.SealOptions{
		Key: seal.Key, Chain: seal.Chain, PSS: seal.PSS, Level: seal.Level, Time: time.Now(),
	})
	require.NoError(t, err)
	rev = rev.Extend(tail)
	report, err := pdf.Verify(t.Context(), rev.Source, rev.Size, pdf.Trust{Seal: anchors, Now: time.Now()})
	require.NoError(t, err)
	require.Equal(t, pdf.TotalPassed, report.Indication, "%+v", report.Signatures)
}
