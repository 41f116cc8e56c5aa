package pki

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/handslag/handslag/fault"
)

// Reason is why a certificate was revoked: a CRLReason of RFC 5280 5.3.1.
type Reason int

// The reasons that occur here.
const (
	Unspecified          Reason = 0
	KeyCompromise        Reason = 1
	CACompromise         Reason = 2
	AffiliationChanged   Reason = 3
	Superseded           Reason = 4
	CessationOfOperation Reason = 5
)

// Record is what an authority remembers of a certificate that it issued.
type Record struct {
	Serial    *big.Int  `json:"serial"`
	NotAfter  time.Time `json:"notAfter"`
	RevokedAt time.Time `json:"revokedAt,omitzero"` // zero: not revoked
	Reason    Reason    `json:"reason,omitempty"`
}

var (
	errNotOurs = fault.New(fault.NotFound, "unknown_certificate", "No authority of the simulated world issued that certificate.")
	errRevoked = fault.New(fault.Conflict, "already_revoked", "The certificate is revoked already.")
)

const ledgerFile = "issued.json"

// ledger is what the authorities remember. A certificate that was revoked stays
// so when the world is started again.
type ledger struct {
	mu      sync.Mutex
	file    string                     // guarded by mu; "" keeps it in memory
	records map[AuthorityName][]Record // guarded by mu
}

func newLedger() *ledger { return &ledger{records: map[AuthorityName][]Record{}} }

func (l *ledger) load(file string) error {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a world made before there was a ledger
	}
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := json.Unmarshal(b, &l.records); err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	return nil
}

func (l *ledger) keep(file string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.file = file
	return l.write()
}

// write stores the ledger. The caller holds mu.
func (l *ledger) write() error {
	if l.file == "" {
		return nil
	}
	b, err := json.Marshal(l.records)
	if err != nil {
		return fmt.Errorf("encode ledger: %w", err)
	}
	if err := replace(l.file, b, 0o644); err != nil {
		return fmt.Errorf("write ledger: %w", err)
	}
	return nil
}

func (l *ledger) index(name AuthorityName, serial *big.Int) int {
	return slices.IndexFunc(l.records[name], func(r Record) bool { return r.Serial.Cmp(serial) == 0 })
}

func (l *ledger) enter(name AuthorityName, r Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.index(name, r.Serial) >= 0 {
		return nil
	}
	l.records[name] = append(l.records[name], r)
	return l.write()
}

func (l *ledger) revoke(name AuthorityName, serial *big.Int, at time.Time, reason Reason) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := l.index(name, serial)
	if i < 0 {
		return errNotOurs
	}
	if r := l.records[name][i]; !r.RevokedAt.IsZero() && !at.Before(r.RevokedAt) {
		return errRevoked
	}
	l.records[name][i].RevokedAt, l.records[name][i].Reason = at.UTC().Truncate(time.Second), reason
	return l.write()
}

func (l *ledger) find(name AuthorityName, serial *big.Int) (Record, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := l.index(name, serial)
	if i < 0 {
		return Record{}, false
	}
	return l.records[name][i], true
}

func (l *ledger) revoked(name AuthorityName) []Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Record
	for _, r := range l.records[name] {
		if !r.RevokedAt.IsZero() {
			out = append(out, r)
		}
	}
	return out
}
