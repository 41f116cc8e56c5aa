//go:build pkcs11 && cgo

package pkcs11

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/ThalesGroup/crypto11"
	"github.com/miekg/pkcs11"
)

const defaultTimeout = 10 * time.Second

// Key is a key in a security module. It implements crypto.Signer and is safe for
// concurrent use.
type Key struct {
	config  Config
	id      []byte
	timeout time.Duration

	// mu is held for reading while the session is used, and for writing while it
	// is opened or closed.
	mu     sync.RWMutex
	token  *crypto11.Context // nil between a loss and the next signature
	key    crypto11.PrivateKey
	opened int // how many times; tells who comes first that the session is new
	closed bool
	// refused is why logging in is not tried again: each wrong PIN brings a token
	// closer to locking itself.
	refused error
}

// Open logs in, finds the key and signs with it once. Its faults, as those of
// [Key.Sign], are seal_key_unavailable (kind Unavailable) when the module does not
// answer, and seal_key_refused when what is configured cannot work.
func Open(c Config) (*Key, error) {
	id, err := c.id()
	if err != nil {
		return nil, err
	}
	k := &Key{config: c, id: id, timeout: c.Timeout}
	if k.timeout == 0 {
		k.timeout = defaultTimeout
	}
	switch c.Public.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey:
	default:
		return nil, errRefused.Because(fmt.Errorf("a key of type %T is not supported through PKCS #11; RSA and ECDSA are", c.Public))
	}
	if _, err := os.Stat(c.Module); err != nil {
		return nil, errRefused.Because(fmt.Errorf("find the module: %w", err))
	}
	if err := k.open(0); err != nil {
		return nil, err
	}
	if err := k.prove(); err != nil {
		_ = k.Close() // the first error says what is wrong
		return nil, err
	}
	return k, nil
}

// prove signs once: a module gives no other proof that the key is the one in the
// certificate, and may be used.
func (k *Key) prove() error {
	digest := sha256.Sum256([]byte("handslag: is this the key of the seal's certificate?"))
	signature, err := k.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return err
	}
	right := false
	switch p := k.config.Public.(type) {
	case *rsa.PublicKey:
		right = rsa.VerifyPKCS1v15(p, crypto.SHA256, digest[:], signature) == nil
	case *ecdsa.PublicKey:
		right = ecdsa.VerifyASN1(p, digest[:], signature)
	}
	if !right {
		return errRefused.Because(errors.New("the key in the module does not belong to the certificate"))
	}
	return nil
}

// open begins session number after+1, unless another caller has.
func (k *Key) open(after int) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return errUnavailable.Because(errors.New("the key has been closed"))
	}
	if k.refused != nil {
		return k.refused
	}
	if k.opened > after && k.token != nil {
		return nil
	}
	k.release()
	token, err := crypto11.Configure(&crypto11.Config{
		Path: k.config.Module, TokenLabel: k.config.Token, Pin: k.config.PIN, PoolWaitTimeout: k.timeout,
	})
	if err != nil {
		err = translate(fmt.Errorf("log in to the token %q of %s: %w", k.config.Token, k.config.Module, err))
		if errors.Is(err, errRefused) {
			k.refused = err
		}
		return err
	}
	key, err := k.find(token)
	if err != nil {
		_ = token.Close() // the first error says what is wrong
		return err
	}
	k.token, k.key = token, key
	k.opened++
	return nil
}

func (k *Key) find(token *crypto11.Context) (crypto11.PrivateKey, error) {
	keys, err := token.FindPrivateKeys(k.id, []byte(k.config.Label))
	switch {
	case err != nil:
		return nil, translate(fmt.Errorf("find the key: %w", err))
	case len(keys) == 0:
		return nil, errRefused.Because(fmt.Errorf("the token %q has no private key with label %q and id %q", k.config.Token, k.config.Label, k.config.ID))
	case len(keys) > 1:
		return nil, errRefused.Because(fmt.Errorf("the token %q has %d private keys with label %q and id %q", k.config.Token, len(keys), k.config.Label, k.config.ID))
	}
	return keys[0], nil
}

// release ends the session; the caller holds mu.
func (k *Key) release() {
	if k.token != nil {
		_ = k.token.Close() // it never fails
	}
	k.token, k.key = nil, nil
}

// Close ends the session, after the signatures that are being made.
func (k *Key) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	k.release()
	return nil
}

// Public implements crypto.Signer.
func (k *Key) Public() crypto.PublicKey { return k.config.Public }

// Sign implements crypto.Signer. It returns after the timeout even when the module
// does not: a call into C cannot be ended.
func (k *Key) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	type answer struct {
		signature []byte
		err       error
	}
	done := make(chan answer, 1)
	go func() {
		signature, err := k.sign(digest, opts)
		done <- answer{signature, err}
	}()
	// crypto.Signer knows no context; the caller's own end comes soon enough.
	ctx, cancel := context.WithTimeout(context.Background(), k.timeout)
	defer cancel()
	select {
	case a := <-done:
		return a.signature, a.err
	case <-ctx.Done():
		return nil, errUnavailable.Because(errors.New("the module does not answer"))
	}
}

func (k *Key) sign(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	signature, session, err := k.once(digest, opts)
	if err == nil {
		return signature, nil
	}
	if err := k.open(session); err != nil {
		return nil, err
	}
	if signature, _, err = k.once(digest, opts); err != nil {
		return nil, translate(fmt.Errorf("sign: %w", err))
	}
	return signature, nil
}

var errNoSession = errors.New("there is no session")

// once signs in the session that there is, and says which one that was.
func (k *Key) once(digest []byte, opts crypto.SignerOpts) ([]byte, int, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.token == nil {
		return nil, k.opened, errNoSession
	}
	signature, err := k.key.Sign(nil, digest, opts)
	return signature, k.opened, err
}

// translate tells what passes from what somebody has to mend.
func translate(err error) error {
	var code pkcs11.Error
	if errors.As(err, &code) {
		switch code {
		case pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE, pkcs11.CKR_PIN_EXPIRED, pkcs11.CKR_PIN_LOCKED,
			pkcs11.CKR_USER_PIN_NOT_INITIALIZED, pkcs11.CKR_KEY_FUNCTION_NOT_PERMITTED, pkcs11.CKR_KEY_TYPE_INCONSISTENT,
			pkcs11.CKR_MECHANISM_INVALID, pkcs11.CKR_MECHANISM_PARAM_INVALID:
			return errRefused.Because(err)
		}
	}
	return errUnavailable.Because(err)
}
