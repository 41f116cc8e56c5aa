package evidence

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/revocation"
	"github.com/handslag/handslag/signing"
)

// The purposes of trust anchors.
const (
	purposeBankID = "bankid-se" // issues BankIDs
	purposeSeal   = "seal"      // issues organisations' seal certificates
	purposeTSA    = "tsa"       // issues timestamp authorities' certificates
	purposeNBID   = "nbid"      // issues Norwegian BankIDs
)

// Trust is the anchors that a verifier brings along, by purpose and
// environment. The zero value trusts nothing.
type Trust struct {
	BankID bankidsig.Trust
	// Seal and Timestamp hold anchors by environment.
	Seal, Timestamp map[bankidsig.Environment]*x509.CertPool
	// Signers are the anchors, by environment, of whoever may have signed an
	// upload before it came to us: persons, and organisations. A seal of ours
	// counts by Seal alone.
	Signers map[bankidsig.Environment]*x509.CertPool
	// NBID are the anchors, by environment, of persons with Norwegian BankID; they
	// are among Signers, too.
	NBID map[bankidsig.Environment]*x509.CertPool
	// Accept says which parts are enough beside verified signatures, as a collection's
	// policy does. By default none is: then nobody's word passes for a signature.
	Accept []signing.Assurance
	// Proofs are statements about certificates that the verifier brings along,
	// beside those in the documents.
	Proofs revocation.Proofs
	// Organisation, when set, is the only one whose seal counts, by the
	// organisation of its certificate: a seal CA has many customers.
	Organisation string
}

// environments in the order in which a verifier tries them.
var environments = [...]bankidsig.Environment{bankidsig.Live, bankidsig.Test, bankidsig.Simulator}

// LoadTrust reads every file <purpose>.<environment>.pem of a directory. The
// purposes are bankid-se, nbid, seal and tsa; the environments live, test and
// simulator. Files with other names are refused, lest a slip of the pen
// silently distrusts everything.
func LoadTrust(dir string) (Trust, error) {
	type pools = map[bankidsig.Environment]*x509.CertPool
	t := Trust{Seal: pools{}, Timestamp: pools{}, Signers: pools{}, NBID: pools{}}
	files, err := os.ReadDir(dir)
	if err != nil {
		return t, fault.New(fault.Invalid, "trust_unreadable", "The directory of trust anchors cannot be read.").Because(err)
	}
	for _, f := range files {
		if f.IsDir() || strings.HasPrefix(f.Name(), ".") {
			continue
		}
		if err := t.load(dir, f.Name()); err != nil {
			return t, err
		}
	}
	return t, nil
}

func (t *Trust) load(dir, name string) error {
	bad := func(why string) *fault.Error {
		return fault.New(fault.Invalid, "trust_invalid",
			"The trust anchor file %q %s. Its name must be <bankid-se|nbid|seal|tsa>.<live|test|simulator>.pem.", name, why)
	}
	parts := strings.Split(name, ".")
	if len(parts) != 3 || parts[2] != "pem" {
		return bad("has an unknown name")
	}
	env := bankidsig.Environment(parts[1])
	switch env {
	case bankidsig.Live, bankidsig.Test, bankidsig.Simulator:
	default:
		return bad("names an unknown environment")
	}
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return fmt.Errorf("read trust anchors: %w", err)
	}
	switch parts[0] {
	case purposeBankID:
		anchors, err := bankidsig.ParseAnchors(env, b)
		if err != nil {
			return err
		}
		t.BankID = append(t.BankID, anchors...)
	case purposeSeal, purposeTSA, purposeNBID:
		certificates, err := parseCertificates(b)
		if err != nil {
			return bad("holds something else than certificates").Because(err)
		}
		switch parts[0] {
		case purposeSeal:
			add(t.Seal, env, certificates)
			add(t.Signers, env, certificates)
		case purposeNBID:
			add(t.Signers, env, certificates)
			add(t.NBID, env, certificates)
		default:
			add(t.Timestamp, env, certificates)
		}
	default:
		return bad("names an unknown purpose")
	}
	return nil
}

func add(pools map[bankidsig.Environment]*x509.CertPool, env bankidsig.Environment, certificates []*x509.Certificate) {
	if pools[env] == nil {
		pools[env] = x509.NewCertPool()
	}
	for _, c := range certificates {
		pools[env].AddCert(c)
	}
}

func parseCertificates(b []byte) ([]*x509.Certificate, error) {
	var found []*x509.Certificate
	for {
		var block *pem.Block
		block, b = pem.Decode(b)
		if block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("parse certificate %d: %w", len(found)+1, err)
		}
		found = append(found, c)
	}
	if len(found) == 0 {
		return nil, errors.New("no certificate found")
	}
	return found, nil
}

// of returns what a verifier of PDFs believes in one environment.
func (t *Trust) of(env bankidsig.Environment, signers map[bankidsig.Environment]*x509.CertPool, now time.Time) pdf.Trust {
	return pdf.Trust{Seal: signers[env], Timestamp: t.Timestamp[env], Now: now, Proofs: t.Proofs}
}

// Environments returns the environments that there are anchors of.
func (t *Trust) Environments() []bankidsig.Environment {
	var found []bankidsig.Environment
	for _, env := range environments {
		known := t.Signers[env] != nil || t.NBID[env] != nil || t.Seal[env] != nil || t.Timestamp[env] != nil ||
			slices.ContainsFunc(t.BankID, func(a bankidsig.Anchor) bool { return a.Environment == env })
		if known {
			found = append(found, env)
		}
	}
	return found
}

// accepts reports whether a part of that assurance is enough.
func (t *Trust) accepts(a signing.Assurance) bool {
	return a == signing.AssuranceVerified || slices.Contains(t.Accept, a)
}
