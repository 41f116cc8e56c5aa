// Package pkcs11 signs with keys in security modules, by their manufacturers'
// PKCS #11 libraries. Such a library is C code, so this package does something
// only in a program that was built for it: with cgo and the build tag pkcs11.
//
// The private key alone has to be in the module; whose it is, the certificate
// says, and a signature made at [Open] proves it. Sessions end when a module
// restarts or a network fails: a signature that fails is tried once more over a
// new session.
package pkcs11

import (
	"crypto"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/handslag/handslag/fault"
)

// Config names a private key.
type Config struct {
	Module string // the library
	Token  string // label
	Label  string // of the key, or
	ID     string // of the key, in hexadecimal; both may be given
	PIN    string
	// Public is what the certificate says that the key's other half is.
	Public crypto.PublicKey
	// Timeout bounds one signature; 0 is 10 s.
	Timeout time.Duration
}

func (c Config) id() ([]byte, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(strings.TrimPrefix(c.ID, "0x"), ":", ""))
	if err != nil {
		return nil, fmt.Errorf("pkcs11.id %q is not hexadecimal", c.ID)
	}
	return b, nil
}

var (
	errUnavailable = fault.New(fault.Unavailable, "seal_key_unavailable", "The seal's key cannot be reached now.").From("pkcs11", "")
	errRefused     = fault.New(fault.Internal, "seal_key_refused", "The installation may not use the seal's key.").From("pkcs11", "")
)
