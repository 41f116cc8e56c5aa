package home

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// secretSize is 256 bits: no one guesses it, and it fits any use we have.
const secretSize = 32

// Secret returns the secret of that name as hexadecimal text. The first call
// makes it from entropy and keeps it; every later one, in any later process,
// returns the same. It is on disk before it is returned, since what it protects
// would otherwise be lost with a power cut.
func (h *Home) Secret(name string, entropy io.Reader) (string, error) {
	return SecretIn(h.SecretsDir(), name, entropy)
}

// SecretIn is [Home.Secret] for any folder that only the owner may read.
func SecretIn(dir, name string, entropy io.Reader) (string, error) {
	path := filepath.Join(dir, name)
	kept, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(kept)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("read secret %s: %w", name, err)
	}
	raw := make([]byte, secretSize)
	if _, err := io.ReadFull(entropy, raw); err != nil {
		return "", fmt.Errorf("make secret %s: %w", name, err)
	}
	secret := hex.EncodeToString(raw)
	if err := WriteDurably(path, []byte(secret+"\n")); err != nil {
		return "", fmt.Errorf("keep secret %s: %w", name, err)
	}
	return secret, nil
}

// WriteDurably replaces a file so that after any crash it holds the old content
// or the new, never a part: write beside it, fsync, rename, fsync the folder
// (rename(2) orders nothing by itself).
func WriteDurably(path string, content []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = tmp.Write(content)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
