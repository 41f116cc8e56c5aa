package evidence

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf/revocation"
)

// maxProof bounds each file of proofs; lists of revoked certificates are large.
const maxProof = 32 << 20

// LoadProofs reads statements about certificates from every file of a directory:
// OCSP responses and certificate revocation lists, and certificates of
// responders; DER, or PEM for the latter two. What is none of them is refused.
func LoadProofs(dir string) (revocation.Proofs, error) {
	var proofs revocation.Proofs
	files, err := os.ReadDir(dir)
	if err != nil {
		return proofs, fault.New(fault.Invalid, "proofs_unreadable", "The directory of proofs of revocation cannot be read.").Because(err)
	}
	for _, f := range files {
		if f.IsDir() || strings.HasPrefix(f.Name(), ".") {
			continue
		}
		b, err := readProof(filepath.Join(dir, f.Name()))
		if err != nil {
			return proofs, err
		}
		if !addProof(&proofs, b) {
			return proofs, fault.New(fault.Invalid, "proof_invalid",
				"The file %q is no OCSP response, certificate revocation list or certificate.", f.Name())
		}
	}
	return proofs, nil
}

func readProof(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read a proof of revocation: %w", err)
	}
	defer f.Close() //nolint:errcheck // read only
	b, err := io.ReadAll(io.LimitReader(f, maxProof+1))
	if err != nil {
		return nil, fmt.Errorf("read a proof of revocation: %w", err)
	}
	if len(b) > maxProof {
		return nil, fault.New(fault.Invalid, "proof_invalid", "The file %q is too large for a proof of revocation.", filepath.Base(path))
	}
	return b, nil
}

// addProof adds what a file holds, and reports whether it was understood.
func addProof(proofs *revocation.Proofs, b []byte) bool {
	block, rest := pem.Decode(b)
	for block != nil {
		if !addProof(proofs, block.Bytes) {
			return false
		}
		if block, rest = pem.Decode(rest); block == nil {
			return true
		}
	}
	switch {
	case revocation.IsOCSP(b):
		proofs.OCSP = append(proofs.OCSP, b)
	case revocation.IsCRL(b):
		proofs.CRLs = append(proofs.CRLs, b)
	default:
		if _, err := x509.ParseCertificate(b); err != nil {
			return false
		}
		proofs.Certificates = append(proofs.Certificates, b)
	}
	return true
}
