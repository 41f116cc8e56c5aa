package bankid

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// state is everything the simulator knows.
type state struct {
	Persons  map[string]Person `json:"persons"`
	Orders   map[string]*order `json:"orders"`
	Script   Script            `json:"script"`
	Settings Settings          `json:"settings"`
}

// Settings are assumptions about behaviour that BankID does not document.
type Settings struct {
	// WrongPersonHint is what an order fails with when another person than
	// requirement.personalNumber picks it up.
	WrongPersonHint string `json:"wrongPersonHint"`
	// ConflictOnRequirement makes requirement.personalNumber count as knowing the
	// person when the order is made, so that auth and sign can answer
	// alreadyInProgress as the phone endpoints do.
	ConflictOnRequirement bool `json:"conflictOnRequirement"`
}

func newState() state {
	return state{
		Persons: map[string]Person{}, Orders: map[string]*order{},
		Settings: Settings{WrongPersonHint: failCertificate},
	}
}

// change runs fn under the lock and writes the snapshot when fn says that
// something changed, even if it also returns an error: a refused action can end
// an order. When the snapshot cannot be written nothing has happened.
func (s *Server) change(fn func(now time.Time) (changed bool, err error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed, err := fn(s.clock())
	if !changed || s.stateFile == "" {
		return err
	}
	snapshot, encodeErr := json.Marshal(s.state)
	if encodeErr == nil {
		encodeErr = writeSynced(s.stateFile, snapshot)
	}
	if encodeErr != nil {
		if restoreErr := s.restore(s.saved); restoreErr != nil {
			return errors.Join(encodeErr, restoreErr)
		}
		return fmt.Errorf("write state: %w", encodeErr)
	}
	s.saved = snapshot
	return err
}

func (s *Server) restore(snapshot []byte) error {
	st := newState()
	if len(snapshot) > 0 {
		if err := json.Unmarshal(snapshot, &st); err != nil {
			return fmt.Errorf("read state: %w", err)
		}
	}
	s.state = st
	return nil
}

func (s *Server) load() error {
	snapshot, err := os.ReadFile(s.stateFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read state: %w", err)
	}
	s.saved = bytes.Clone(snapshot)
	return s.restore(snapshot)
}

// writeSynced replaces a file so that a crash leaves the old one or the new
// one: write beside it, fsync, rename, fsync the directory.
func writeSynced(name string, content []byte) error {
	dir := filepath.Dir(name)
	f, err := os.CreateTemp(dir, filepath.Base(name)+".*") // mode 0600: it holds QR secrets
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when the rename succeeded
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// forget drops orders whose retention is over, so that the snapshot stays small.
func (s *Server) forget(now time.Time) {
	for ref, o := range s.state.Orders {
		o.settle(now)
		if o.forgotten(now) {
			delete(s.state.Orders, ref)
		}
	}
}

// liveOrderOf returns the live order that is known to be the person's, other
// than except.
func (s *Server) liveOrderOf(number string, except *order, now time.Time) *order {
	for _, o := range s.state.Orders {
		o.settle(now)
		if o != except && o.live() && o.Person == number {
			return o
		}
	}
	return nil
}
