// Package home owns the folder in which a development stack keeps everything it
// must not forget: the Temporal database, the objects, the generated secrets and
// the logs.
//
// One process owns a home at a time. The owner holds an advisory lock on a file
// in it; the kernel drops that lock when the process ends, however it ends, so a
// home is never left locked by a process that was killed.
//
//	lock               who owns the home; the text in it is for people
//	log/               one file per part of the stack
//	secrets/           generated once, readable by the owner alone
//	temporal/          the Temporal database and the version that made it
//	s3/                the objects of the embedded store
package home

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/handslag/handslag/fault"
)

// Home is an open, owned state folder. Close it when the stack has stopped.
type Home struct {
	dir  string
	lock *os.File
}

// Open makes the folder where it is missing and takes ownership of it. If
// another process owns it, the fault home_in_use names that process.
func Open(dir string, now func() time.Time) (*Home, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("resolve state folder: %w", err)
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return nil, fmt.Errorf("make state folder: %w", err)
	}
	lock, err := own(abs, now)
	if err != nil {
		return nil, err
	}
	h := &Home{dir: abs, lock: lock}
	for _, sub := range []string{h.LogDir(), h.SecretsDir(), h.TemporalDir(), h.ObjectsDir()} {
		if err := os.MkdirAll(sub, 0o700); err != nil {
			return nil, errors.Join(fmt.Errorf("make state folder: %w", err), h.Close())
		}
	}
	return h, nil
}

// OpenScratch makes a new home of its own under parent and removes the ones
// that earlier runs left behind there, unless somebody still owns them. The
// caller decides with [Home.Remove] whether its content outlives it.
func OpenScratch(parent string, now func() time.Time) (*Home, error) {
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, fmt.Errorf("make scratch folder: %w", err)
	}
	// A new folder is nobody's until it is locked; meanwhile no other run may sweep.
	sweeping, err := lock(filepath.Join(parent, "lock"), syscall.LOCK_EX)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sweeping.Close() }()
	if err := sweep(parent, now); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(parent, scratch+"*")
	if err != nil {
		return nil, fmt.Errorf("make scratch folder: %w", err)
	}
	return Open(dir, now)
}

// scratch begins the names of the folders that OpenScratch makes and removes.
const scratch = "run-"

func sweep(parent string, now func() time.Time) error {
	left, err := os.ReadDir(parent)
	if err != nil {
		return fmt.Errorf("list scratch folders: %w", err)
	}
	for _, entry := range left {
		if !strings.HasPrefix(entry.Name(), scratch) {
			continue
		}
		h, err := Open(filepath.Join(parent, entry.Name()), now)
		if err != nil {
			continue // in use, or not ours to remove
		}
		if err := h.Remove(); err != nil {
			return err
		}
	}
	return nil
}

// own takes the home and writes down for people who has it.
func own(dir string, now func() time.Time) (*os.File, error) {
	path := filepath.Join(dir, "lock")
	f, err := lock(path, syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		owner, _ := os.ReadFile(path) // without it the message names nobody
		return nil, inUse(dir, strings.TrimSpace(string(owner))).Because(err)
	}
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf("process %d, since %s\n", os.Getpid(), now().Format(time.DateTime))
	if err := errors.Join(f.Truncate(0), writeAt(f, text)); err != nil {
		return nil, errors.Join(fmt.Errorf("write lock of state folder: %w", err), f.Close())
	}
	return f, nil
}

// lock locks a file until it is closed. The file is never removed: somebody
// could then hold a lock on a file that is no longer in its folder, and two
// owners would not see each other.
func lock(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock of state folder: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), how); err != nil {
		return nil, errors.Join(fmt.Errorf("lock state folder: %w", err), f.Close())
	}
	return f, nil
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

func inUse(dir, owner string) *fault.Error {
	if owner == "" {
		owner = "another process"
	}
	return fault.New(fault.Conflict, "home_in_use",
		"the state folder %s is in use by %s; stop that one first, or choose another folder", dir, owner)
}

// Dir is the absolute path of the home.
func (h *Home) Dir() string { return h.dir }

// LogDir holds one log file per part of the stack.
func (h *Home) LogDir() string { return filepath.Join(h.dir, "log") }

// SecretsDir holds generated secrets; only the owner may read it.
func (h *Home) SecretsDir() string { return filepath.Join(h.dir, "secrets") }

// TemporalDir holds the Temporal database.
func (h *Home) TemporalDir() string { return filepath.Join(h.dir, "temporal") }

// ObjectsDir holds the embedded object store.
func (h *Home) ObjectsDir() string { return filepath.Join(h.dir, "s3") }

// Close gives the home up. Nothing in it changes.
func (h *Home) Close() error {
	// Closing the last descriptor drops the lock (flock(2)).
	if err := h.lock.Close(); err != nil {
		return fmt.Errorf("give up state folder: %w", err)
	}
	return nil
}

// Remove deletes the home with all that is in it, and gives it up.
func (h *Home) Remove() error {
	if err := os.RemoveAll(h.dir); err != nil {
		return errors.Join(fmt.Errorf("remove state folder: %w", err), h.Close())
	}
	return h.Close()
}
