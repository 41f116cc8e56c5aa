package installation

import (
	"fmt"
	"path/filepath"
)

// Accounts are the settings of our accounts in this world, for a product that
// finds the world's certificates in a folder.
func (w *World) Accounts(certificates string) []byte {
	return fmt.Appendf(nil, `default:
  accounts: [bankid]
accounts:
  bankid:
    environment: simulator
    bankid:
      baseURL: %q
      serverRoots: %q
      credentials:
        pem: {certificates: %q, key: %q}
`, w.BankID, filepath.Join(certificates, "server-root.pem"), filepath.Join(certificates, "rp.pem"), filepath.Join(certificates, "rp.key"))
}
