//go:build !pkcs11 || !cgo

package seals_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/seals"
)

// TestProgramWithoutModules says how to get one with them.
func TestProgramWithoutModules(t *testing.T) {
	w := newWorld(t)
	_, err := w.open(one(seals.KeySettings{PKCS11: &seals.PKCS11Settings{
		Module: "/usr/lib/softhsm/libsofthsm2.so", Token: "seal", Label: "seal",
		Certificates: w.write("seal.pem", certificates(w.seal(p256(t), nil).cert)),
	}}))
	require.ErrorContains(t, err, "CGO_ENABLED=1 go build -tags pkcs11 ./cmd/handslag")
}
