package api

import (
	"bufio"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"strings"

	"github.com/handslag/handslag/signing"
)

// The prefixes of tokens, so that a token that leaks can be recognised.
const (
	keyPrefix  = "hsk_"
	linkPrefix = "hsl_"
)

// Keys is the set of API keys, by digest. The zero value lets nobody in.
type Keys struct{ entries []keyEntry }

type keyEntry struct {
	tenant signing.TenantID
	digest signing.Digest
}

// ParseKeys reads lines of a tenant and the SHA-256 digest in hex of a key,
// "hsk_" included, with white space between. Empty lines and those that start
// with # are left out. A tenant may have several keys, to rotate them.
func ParseKeys(r io.Reader) (Keys, error) {
	var k Keys
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) != 2 || !signing.ValidTenant(fields[0]) {
			return Keys{}, fmt.Errorf("API keys, line %d: want a tenant and a SHA-256 digest, such as: acme %s", n, signing.Digest{})
		}
		digest, err := signing.ParseDigest(fields[1])
		if err != nil {
			return Keys{}, fmt.Errorf("API keys, line %d: %w", n, err)
		}
		k.entries = append(k.entries, keyEntry{signing.TenantID(fields[0]), digest})
	}
	if err := lines.Err(); err != nil {
		return Keys{}, fmt.Errorf("read API keys: %w", err)
	}
	return k, nil
}

// tenant returns whose key a token is. It compares digests, all of them, so that
// its time tells nothing about a key.
func (k Keys) tenant(token string) (tenant signing.TenantID, ok bool) {
	digest := sha256.Sum256([]byte(token))
	for _, e := range k.entries {
		if subtle.ConstantTimeCompare(digest[:], e.digest[:]) == 1 {
			tenant, ok = e.tenant, true
		}
	}
	return tenant, ok
}
