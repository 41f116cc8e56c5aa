package seals

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"

	"github.com/handslag/handslag/fault"
)

// proven is a key elsewhere whose signatures are verified before they are used:
// a module with a fault must not give away its key (Boneh, DeMillo and Lipton,
// 1997), nor a document get a seal that does not hold.
type proven struct{ crypto.Signer }

var errWrongSignature = fault.New(fault.Unavailable, "seal_key_wrong", "The seal's key made a signature that does not verify.")

// Sign implements crypto.Signer.
func (p proven) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	signature, err := p.Signer.Sign(rand, digest, opts)
	if err != nil {
		return nil, err
	}
	if err := verify(p.Public(), digest, signature, opts); err != nil {
		return nil, errWrongSignature.Because(err)
	}
	return signature, nil
}

func verify(public crypto.PublicKey, digest, signature []byte, opts crypto.SignerOpts) error {
	switch k := public.(type) {
	case *rsa.PublicKey:
		if pss, ok := opts.(*rsa.PSSOptions); ok {
			return rsa.VerifyPSS(k, opts.HashFunc(), digest, signature, pss)
		}
		return rsa.VerifyPKCS1v15(k, opts.HashFunc(), digest, signature)
	case *ecdsa.PublicKey:
		if !ecdsa.VerifyASN1(k, digest, signature) {
			return errors.New("ECDSA verification error")
		}
		return nil
	case ed25519.PublicKey:
		return ed25519.VerifyWithOptions(k, digest, signature, &ed25519.Options{Hash: opts.HashFunc()})
	}
	return fmt.Errorf("no way to verify with a key of type %T", public)
}
