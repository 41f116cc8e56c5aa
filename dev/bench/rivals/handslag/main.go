// Command handslag signs or verifies one file with package pdf, to be measured
// beside other programs. Arguments and answer: see ../README.md.
package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/handslag/handslag/dev/bench/rivals/answer"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/tsa"
)

func main() {
	run := verify
	if os.Args[1] == "sign" {
		run = sign
	}
	if err := answer.Twice(func() (string, error) { return run(context.Background(), os.Args[2:]) }); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// sign writes the signed document as a new file.
func sign(ctx context.Context, args []string) (said string, err error) {
	in, err := os.Open(args[0])
	if err != nil {
		return "", err
	}
	defer in.Close() //nolint:errcheck // read only
	key, chain, err := identity(args[4])
	if err != nil {
		return "", err
	}
	out, err := os.Create(args[1])
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	state := &pdf.HashState{}
	size, err := io.CopyBuffer(io.MultiWriter(state, struct{ io.Writer }{out}), struct{ io.Reader }{in}, make([]byte, 1<<20))
	if err != nil {
		return "", err
	}
	tail, err := pdf.Seal(ctx, pdf.Revision{Source: in, Size: size, Hash: state}, pdf.SealOptions{
		Key: key, Chain: chain, Time: time.Now(), Level: pdf.LevelT, Timestamper: &tsa.Client{URLs: []string{args[2]}, HTTP: http.DefaultClient},
	})
	if err != nil {
		return "", err
	}
	_, err = out.Write(tail)
	return "B-T", err
}

func verify(ctx context.Context, args []string) (string, error) {
	in, err := os.Open(args[0])
	if err != nil {
		return "", err
	}
	defer in.Close() //nolint:errcheck // read only
	info, err := in.Stat()
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(args[1])
	if err != nil {
		return "", err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	v, err := pdf.Verify(ctx, in, info.Size(), pdf.Trust{Seal: roots, Timestamp: roots, Now: time.Now()})
	if err != nil {
		return "", err
	}
	return string(v.Indication), nil
}

// identity reads a key and its certificates.
func identity(path string) (crypto.Signer, []*x509.Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	var key crypto.Signer
	var chain []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, nil, err
			}
			chain = append(chain, c)
			continue
		}
		k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, nil, err
		}
		key, _ = k.(crypto.Signer)
	}
	if key == nil || len(chain) == 0 {
		return nil, nil, errors.New("no key or no certificate in " + path)
	}
	return key, chain, nil
}
