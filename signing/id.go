package signing

import (
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"io"
	"regexp"
	"time"
)

// The ids of things. Each is a prefix and 26 characters that sort by time of
// creation; none carries personal data, so all may appear in logs, keys and URLs.
type (
	CollectionID  string // col_…
	DocumentID    string // doc_…
	ParticipantID string // par_…
	AttemptID     string // att_…
	// TenantID names a customer of the installation; an operator chooses it.
	TenantID string
)

// The prefixes of ids.
const (
	CollectionPrefix  = "col"
	DocumentPrefix    = "doc"
	ParticipantPrefix = "par"
	AttemptPrefix     = "att"
)

var (
	// Crockford's alphabet in lower case: S3 keys and URLs stay readable, and no
	// letter is mistaken for a digit.
	idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)
	idPattern  = regexp.MustCompile(`^(col|doc|par|att)_[0-9a-hjkmnp-tv-z]{26}$`)
	tenantForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)
)

// NewID makes an id of 48 bits of time in milliseconds and 80 bits of entropy.
// It fails only when entropy cannot be read.
func NewID(prefix string, at time.Time, entropy io.Reader) (string, error) {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], uint64(at.UnixMilli())<<16)
	if _, err := io.ReadFull(entropy, raw[6:]); err != nil {
		return "", fmt.Errorf("read entropy for an id: %w", err)
	}
	return prefix + "_" + idEncoding.EncodeToString(raw[:]), nil
}

// ValidID reports whether s is an id with the given prefix. An id that is not
// valid must never reach a storage key.
func ValidID(prefix, s string) bool {
	return idPattern.MatchString(s) && len(s) > len(prefix) && s[:len(prefix)+1] == prefix+"_"
}

// ValidTenant reports whether s can name a tenant: 1 to 40 lower-case letters,
// digits and hyphens.
func ValidTenant(s string) bool { return tenantForm.MatchString(s) }
