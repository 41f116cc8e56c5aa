package accounts

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// hosts are those whose world is known; a name that ends in a longer one is of
// that one's. Signicat and Qrona have the same hosts for tests.
func hosts() []struct{ suffix, world string } {
	return []struct{ suffix, world string }{
		{"test.bankid.com", test},
		{"bankid.com", live},
		{"stgapi.idkollen.se", test},
		{"idkollen.se", live},
		{"developer.sbab.se", test},
		{"sbab.se", live},
		{"qrona.se", either},
		{"signicat.com", either},
	}
}

// either is live or test, and certainly no simulator.
const either = "live or test"

// hostWorld is the world of an address, or "" where that is not known.
func hostWorld(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "" // the adapter refuses it
	}
	name := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	for _, h := range hosts() {
		if name == h.suffix || strings.HasSuffix(name, "."+h.suffix) {
			return h.world
		}
	}
	return ""
}

// hostInWorld refuses an address that is known to be of another environment.
func hostInWorld(field, env, address string) error {
	world := hostWorld(address)
	if world == "" || world == env || world == either && env != simulated {
		return nil
	}
	return fmt.Errorf("%s: is of the environment %s, and this account is to be %s", field, world, env)
}

// address is the given one, or the provider's own of the environment.
func address(field, env, given string, own map[string]string) (string, error) {
	if given == "" && own[env] == "" {
		return "", fmt.Errorf("%s: is missing; there is none of the provider's own for the environment %s", field, env)
	}
	if given == "" {
		return own[env], nil
	}
	return given, hostInWorld(field, env, given)
}

// certificateWorld tells certificates of BankID's test environment (issued by
// "Testbank A RP CA v1 for BankID Test", under "Test BankID SSL Root CA v1 Test")
// and of the simulator by the names in them; "" is not known.
func certificateWorld(c *x509.Certificate) string {
	for _, name := range slices.Concat(texts(c.Subject), texts(c.Issuer)) {
		switch {
		case strings.Contains(name, "BankID Test"), strings.Contains(name, "Test BankID"), strings.Contains(name, "Test av BankID"):
			return test
		case strings.HasPrefix(name, "Simulated "):
			return simulated
		}
	}
	return ""
}

func texts(n pkix.Name) []string {
	var all []string
	for _, a := range n.Names {
		if s, ok := a.Value.(string); ok {
			all = append(all, s)
		}
	}
	return all
}

// inWorld refuses certificates that are known to be of another environment.
func inWorld(env string, chain []*x509.Certificate) error {
	for _, c := range chain {
		if world := certificateWorld(c); world != "" && world != env {
			return fmt.Errorf("the certificate %q is of the environment %s, and this account is to be %s", c.Subject.CommonName, world, env)
		}
	}
	return nil
}

// fits reports whether a key is the certificate's.
func fits(key any, c *x509.Certificate) bool {
	signer, ok := key.(crypto.Signer)
	if !ok {
		return false
	}
	public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(c.PublicKey)
}

// opened keeps an adapter that could not be made from looking like one.
func opened[T adapter](made T, err error) (adapter, error) {
	if err != nil {
		return nil, err
	}
	return made, nil
}
