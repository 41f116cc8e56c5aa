// Package keyring holds the installation's secret keys: those that encrypt
// Temporal payloads and evidence, and the one that makes keyed hashes.
//
// A ring has any number of encryption keys, each with an id that is written
// beside what it encrypted. One of them is current and encrypts; the others
// still decrypt. To rotate, add a key, make it current, and drop the old one
// when nothing encrypted with it is left. The hash key is never rotated, since
// keyed hashes are compared over years.
package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/handslag/handslag/fault"
)

const keySize = 32 // AES-256 (FIPS 197) and HMAC-SHA-256 (RFC 2104)

// ErrUnknownKey is returned by Open when the ring lacks the key that was used.
var ErrUnknownKey = fault.New(fault.Internal, "key_unknown", "The key ring lacks a key that stored data was encrypted with.")

// ErrTampered is returned by Open when the bytes or their context were changed.
var ErrTampered = fault.New(fault.Corrupt, "ciphertext_invalid", "Stored encrypted data cannot be authenticated.")

// Ring is a key ring. It is safe for concurrent use and never prints its keys.
type Ring struct {
	current string
	aeads   map[string]cipher.AEAD
	hashKey []byte
	entropy io.Reader
}

// file is the ring's form on disk: JSON, keys in base64.
type file struct {
	Current string            `json:"current"`
	Keys    map[string][]byte `json:"keys"`
	HashKey []byte            `json:"hashKey"`
}

// Parse reads a ring from its JSON form:
//
//	{"current":"k1","keys":{"k1":"<base64 of 32 bytes>"},"hashKey":"<base64 of 32 bytes>"}
//
// entropy supplies nonces; it must be cryptographically random.
func Parse(b []byte, entropy io.Reader) (*Ring, error) {
	var f file
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, errors.New("the key ring is not the JSON it must be") // the cause could quote a key
	}
	if len(f.HashKey) != keySize {
		return nil, fmt.Errorf("the key ring's hashKey has %d bytes, not %d", len(f.HashKey), keySize)
	}
	r := &Ring{current: f.Current, aeads: map[string]cipher.AEAD{}, hashKey: f.HashKey, entropy: entropy}
	for id, key := range f.Keys {
		if len(key) != keySize || id == "" || len(id) > 255 {
			return nil, fmt.Errorf("the key ring's key %q must have a short id and %d bytes", id, keySize)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("make cipher of key %q: %w", id, err)
		}
		if r.aeads[id], err = cipher.NewGCM(block); err != nil {
			return nil, fmt.Errorf("make cipher of key %q: %w", id, err)
		}
	}
	if r.aeads[f.Current] == nil {
		return nil, fmt.Errorf("the key ring has no key %q, which it calls current", f.Current)
	}
	return r, nil
}

// Generate makes the JSON form of a new ring with one key.
func Generate(entropy io.Reader) ([]byte, error) {
	secret := make([]byte, 2*keySize)
	if _, err := io.ReadFull(entropy, secret); err != nil {
		return nil, fmt.Errorf("read entropy for a key ring: %w", err)
	}
	f := file{Current: "k1", Keys: map[string][]byte{"k1": secret[:keySize]}, HashKey: secret[keySize:]}
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode key ring: %w", err)
	}
	return append(b, '\n'), nil
}

// Seal encrypts plain with AES-256-GCM under the current key, bound to context:
// only Open with the same context yields it again. The form is one byte with
// the length of the key id, the key id, the nonce and the ciphertext.
func (r *Ring) Seal(plain []byte, context string) ([]byte, error) {
	aead := r.aeads[r.current]
	out := append([]byte{byte(len(r.current))}, r.current...)
	nonce := make([]byte, aead.NonceSize())
	if _, err := io.ReadFull(r.entropy, nonce); err != nil {
		return nil, fmt.Errorf("read entropy for a nonce: %w", err)
	}
	return aead.Seal(append(out, nonce...), nonce, plain, []byte(context)), nil
}

// Open decrypts what Seal made with the same context.
func (r *Ring) Open(sealed []byte, context string) ([]byte, error) {
	if len(sealed) == 0 || len(sealed) < 1+int(sealed[0]) {
		return nil, ErrTampered
	}
	id, rest := sealed[1:1+int(sealed[0])], sealed[1+int(sealed[0]):]
	aead := r.aeads[string(id)]
	if aead == nil {
		return nil, ErrUnknownKey
	}
	if len(rest) < aead.NonceSize() {
		return nil, ErrTampered
	}
	plain, err := aead.Open(nil, rest[:aead.NonceSize()], rest[aead.NonceSize():], []byte(context))
	if err != nil {
		return nil, ErrTampered
	}
	return plain, nil
}

// MAC returns the keyed hash of data for a purpose. Hashes for different
// purposes cannot be compared with each other.
func (r *Ring) MAC(purpose string, data []byte) [sha256.Size]byte {
	h := hmac.New(sha256.New, r.hashKey)
	fmt.Fprintf(h, "%d:%s", len(purpose), purpose)
	h.Write(data)
	return [sha256.Size]byte(h.Sum(nil))
}

// String implements fmt.Stringer and shows no key.
func (r *Ring) String() string { return "keyring" }

// GoString implements fmt.GoStringer and shows no key.
func (r *Ring) GoString() string { return "keyring" }

// LogValue implements slog.LogValuer and shows no key.
func (r *Ring) LogValue() slog.Value { return slog.StringValue("keyring") }
