//go:build !pkcs11 || !cgo

package pkcs11

import (
	"crypto"
	"errors"
	"io"
)

// Key is a key in a security module. Here there is none.
type Key struct{}

// Open says that this program cannot.
func Open(c Config) (*Key, error) {
	if _, err := c.id(); err != nil {
		return nil, err
	}
	return nil, errRefused.Because(errors.New("this program was built without PKCS #11; build it with: CGO_ENABLED=1 go build -tags pkcs11 ./cmd/handslag"))
}

// Public implements crypto.Signer.
func (*Key) Public() crypto.PublicKey { return nil }

// Sign implements crypto.Signer.
func (*Key) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errUnavailable
}
