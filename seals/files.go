package seals

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
)

// readSecretFile reads a file that nobody else may read. What the owner is root
// for may be readable by a group, since that is how orchestrators hand secrets to
// a process that is not root; PostgreSQL has the same rule for its key.
func readSecretFile(name string) ([]byte, error) {
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
	return readFile(name)
}

// read reads the secret from where it is.
func (s Secret) read(getenv func(string) string) (string, error) {
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
		b, err := readSecretFile(s.File)
		if err != nil {
			return "", err
		}
		return strings.TrimRight(string(b), "\r\n"), nil
	}
	return "", nil
}

func (p *PEMSettings) load() (crypto.Signer, []*x509.Certificate, error) {
	chain, err := ReadCertificates(p.Certificates)
	if err != nil {
		return nil, nil, err
	}
	b, err := readSecretFile(p.Key)
	if err != nil {
		return nil, nil, err
	}
	key, err := parseKey(b)
	if err != nil {
		return nil, nil, fmt.Errorf("%s %w", p.Key, err)
	}
	return key, chain, nil
}

// parseKey reads the one private key of a PEM file.
func parseKey(b []byte) (crypto.Signer, error) {
	if !bytes.Contains(b, []byte("-----BEGIN")) {
		return nil, errors.New("is not PEM; a .p12 or .pfx file is named by pkcs12.file")
	}
	var found crypto.Signer
	for {
		var block *pem.Block
		if block, b = pem.Decode(b); block == nil {
			break
		}
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue
		}
		if found != nil {
			return nil, errors.New("holds more than one private key")
		}
		// RFC 1421 4.6.1.1 and RFC 5958 3.
		if block.Headers["Proc-Type"] == "4,ENCRYPTED" || block.Type == "ENCRYPTED PRIVATE KEY" {
			return nil, errors.New("holds an encrypted key; decrypt it (openssl pkey -in … -out …) or use a PKCS #12 file")
		}
		key, err := parsePrivate(block)
		if err != nil {
			return nil, fmt.Errorf("holds a key that cannot be read: %w", err)
		}
		found = key
	}
	if found == nil {
		return nil, errors.New("holds no private key")
	}
	return found, nil
}

func parsePrivate(block *pem.Block) (crypto.Signer, error) {
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("it is of the type %q", block.Type)
	}
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a key of type %T cannot sign", key)
	}
	return signer, nil
}

func (p *PKCS12Settings) load(getenv func(string) string) (crypto.Signer, []*x509.Certificate, error) {
	passphrase, err := p.Passphrase.read(getenv)
	if err != nil {
		return nil, nil, fmt.Errorf("passphrase: %w", err)
	}
	b, err := readSecretFile(p.File)
	if err != nil {
		return nil, nil, err
	}
	key, own, above, err := pkcs12.DecodeChain(b, passphrase)
	if errors.Is(err, pkcs12.ErrIncorrectPassword) {
		return nil, nil, fmt.Errorf("%s: the passphrase is wrong", p.File)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s is no PKCS #12 file with one key and its certificate: %w", p.File, err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, nil, fmt.Errorf("%s: a key of type %T cannot sign", p.File, key)
	}
	return signer, inOrder(own, above), nil
}

// inOrder puts the certificates of a PKCS #12 file in order, which it has not
// (RFC 7292 4.2.3): each one's issuer after it. What is no part of the chain is
// left out.
func inOrder(own *x509.Certificate, others []*x509.Certificate) []*x509.Certificate {
	chain := []*x509.Certificate{own}
	for len(chain) <= len(others) {
		last := chain[len(chain)-1]
		i := slices.IndexFunc(others, func(c *x509.Certificate) bool {
			return !slices.ContainsFunc(chain, c.Equal) && last.CheckSignatureFrom(c) == nil
		})
		if i < 0 {
			break
		}
		chain = append(chain, others[i])
	}
	return chain
}
