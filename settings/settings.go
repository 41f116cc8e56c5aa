// Package settings reads what an operator has written: settings files, and the
// secrets, keys and certificates that they name.
//
// # The idea
//
// A settings file is YAML (or JSON) and says where secrets are, never what they
// are. It is read strictly: a field that nobody knows is a mistake of whoever
// wrote it, and found at once. No error quotes a line of the file, since someone
// may have put a secret there all the same.
//
// Files with secrets are refused where others can read them.
package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/goccy/go-yaml"
)

// Secret says where a secret is: in an environment variable or in a file whose
// last line break does not count. The zero value is the empty secret.
type Secret struct {
	Env  string `yaml:"env"`
	File string `yaml:"file"`
}

// Given reports whether it says anything.
func (s Secret) Given() bool { return s != Secret{} }

// Read reads the secret from where it is.
func (s Secret) Read(getenv func(string) string) (string, error) {
	switch {
	case s.Env != "" && s.File != "":
		return "", errors.New("env and file are both given")
	case s.Env != "":
		v := getenv(s.Env)
		if v == "" {
			return "", fmt.Errorf("the environment variable %s is not set", s.Env)
		}
		return v, nil
	case s.File != "":
		b, err := ReadPrivate(s.File)
		if err != nil {
			return "", err
		}
		return strings.TrimRight(string(b), "\r\n"), nil
	}
	return "", nil
}

// Decode reads a settings file into a struct with yaml tags. Its errors name the
// line and quote nothing.
func Decode(file string, into any) error {
	b, err := ReadFile(file)
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalWithOptions(b, into, yaml.Strict()); err != nil {
		return fmt.Errorf("%s: %s", file, position(err))
	}
	return nil
}

func position(err error) string {
	var y yaml.Error
	if errors.As(err, &y) && y.GetToken() != nil && y.GetToken().Position != nil {
		return fmt.Sprintf("line %d: %s", y.GetToken().Position.Line, y.GetMessage())
	}
	return "is not YAML"
}

// Relative makes file names relative to the folder of the settings file that has
// them. Empty and absolute ones stay.
func Relative(file string, names ...*string) {
	for _, name := range names {
		if *name != "" && !filepath.IsAbs(*name) {
			*name = filepath.Join(filepath.Dir(file), *name)
		}
	}
}

const maxFile = 1 << 20 // settings, certificates and keys are a few KB

// ReadFile reads a file of at most 1 MB.
func ReadFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case info.Size() > maxFile || info.IsDir():
		return nil, fmt.Errorf("%s is no file of at most 1 MB", name)
	}
	return os.ReadFile(name)
}

// ReadPrivate reads a file that nobody else may read. What the owner is root for
// may be readable by a group, since that is how orchestrators hand secrets to a
// process that is not root; PostgreSQL has the same rule for its key.
func ReadPrivate(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if runtime.GOOS != "windows" { // its permission bits say nothing
		forbidden := fs.FileMode(0o077)
		if ownedByRoot(info) {
			forbidden = 0o027
		}
		if mode := info.Mode().Perm(); mode&forbidden != 0 {
			return nil, fmt.Errorf("%s can be read or changed by others (mode %04o); run: chmod 600 %s", name, mode, name)
		}
	}
	return ReadFile(name)
}
