package seals

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/settings"
	"github.com/handslag/handslag/signing"
)

// Settings say which tenant is sealed with what.
type Settings struct {
	// Default names the seal of every tenant that Tenants does not list. Without
	// it the documents of such a tenant wait, unsealed, until there is one.
	Default string `yaml:"default"`
	// Tenants gives the name of a tenant's seal.
	Tenants map[signing.TenantID]string `yaml:"tenants"`
	// Seals are the seals by their names: what metrics and logs call them.
	Seals map[string]SealSettings `yaml:"seals"`
}

// SealSettings describe one seal.
type SealSettings struct {
	// Key says where key and certificates are.
	Key KeySettings `yaml:"key"`
	// Level is that of the signature: B-B, B-T, B-LT or B-LTA, which is the default.
	// A lower one is harder to verify once the seal's certificate has expired.
	Level string `yaml:"level"`
	// PSS signs with RSASSA-PSS where the key is RSA. Not every reader can verify it.
	PSS bool `yaml:"pss"`
	// Timestamps are the addresses of timestamp authorities (RFC 3161), tried in order.
	Timestamps []string `yaml:"timestamps"`
	// Known names PEM files of further certificates, which complete the chains of
	// the seal, the timestamps and the proofs of status.
	Known []string `yaml:"known"`
	// Name, Reason and Location are what readers show beside the seal; all optional.
	Name     string `yaml:"name"`
	Reason   string `yaml:"reason"`
	Location string `yaml:"location"`
}

// KeySettings name one source of a key and its certificates.
type KeySettings struct {
	PEM    *settings.PEM    `yaml:"pem"`
	PKCS12 *settings.PKCS12 `yaml:"pkcs12"`
	AWSKMS *AWSKMSSettings  `yaml:"aws-kms"`
	PKCS11 *PKCS11Settings  `yaml:"pkcs11"`
}

// AWSKMSSettings name an asymmetric signing key in AWS KMS. Credentials come from
// AWS's own default chain.
type AWSKMSSettings struct {
	Key          string        `yaml:"key"`    // ARN of the key or of an alias, or id with Region
	Region       string        `yaml:"region"` // empty: that of the ARN
	Endpoint     string        `yaml:"endpoint"`
	Certificates string        `yaml:"certificates"`
	Timeout      time.Duration `yaml:"timeout"` // of one signature with its repeats; 0 is 10 s
}

// PKCS11Settings name a key in a security module.
type PKCS11Settings struct {
	Module       string          `yaml:"module"` // the manufacturer's library
	Token        string          `yaml:"token"`  // label of the token
	Label        string          `yaml:"label"`  // of the private key: CKA_LABEL
	ID           string          `yaml:"id"`     // of the private key: CKA_ID in hexadecimal
	PIN          settings.Secret `yaml:"pin"`
	Certificates string          `yaml:"certificates"`
	Timeout      time.Duration   `yaml:"timeout"` // of one signature; 0 is 10 s
}

var errSettings = fault.New(fault.Invalid, "seal_settings", "The settings of the seals are wrong.")

func wrong(format string, args ...any) error {
	return errSettings.Because(fmt.Errorf(format, args...))
}

// ReadSettings reads a settings file (YAML or JSON). Relative file names in it
// are relative to its directory.
func ReadSettings(file string) (Settings, error) {
	var s Settings
	if err := settings.Decode(file, &s); err != nil {
		return Settings{}, wrong("%w", err)
	}
	if err := s.check(); err != nil {
		return Settings{}, wrong("%s: %w", file, err)
	}
	for name, seal := range s.Seals {
		seal.Known = slices.Clone(seal.Known)
		settings.Relative(file, seal.fileNames()...)
		s.Seals[name] = seal
	}
	return s, nil
}

// fileNames are all files that a seal is made of, to be read and to be changed.
func (s *SealSettings) fileNames() []*string {
	var names []*string
	for i := range s.Known {
		names = append(names, &s.Known[i])
	}
	if k := s.Key.PEM; k != nil {
		names = append(names, &k.Certificates, &k.Key)
	}
	if k := s.Key.PKCS12; k != nil {
		names = append(names, &k.File, &k.Passphrase.File)
	}
	if k := s.Key.AWSKMS; k != nil {
		names = append(names, &k.Certificates)
	}
	if k := s.Key.PKCS11; k != nil {
		names = append(names, &k.Certificates, &k.PIN.File)
	}
	return names
}

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// check refuses what can be told from the settings alone.
func (s *Settings) check() error {
	if len(s.Seals) == 0 {
		return errors.New("seals: there is none")
	}
	for name, seal := range s.Seals {
		if !nameForm.MatchString(name) {
			return fmt.Errorf("seals: the name %q is not of 1 to 40 lower-case letters, digits and hyphens", name)
		}
		if err := seal.check(); err != nil {
			return fmt.Errorf("seal %q: %w", name, err)
		}
	}
	if _, ok := s.Seals[s.Default]; s.Default != "" && !ok {
		return fmt.Errorf("default: there is no seal %q", s.Default)
	}
	for tenant, seal := range s.Tenants {
		if !signing.ValidTenant(string(tenant)) {
			return fmt.Errorf("tenants: %q is no tenant", tenant)
		}
		if _, ok := s.Seals[seal]; !ok {
			return fmt.Errorf("tenants: %s: there is no seal %q", tenant, seal)
		}
	}
	if s.Default == "" && len(s.Tenants) == 0 {
		return errors.New("default: no tenant has a seal; name one for all of them, or list tenants")
	}
	return nil
}

func (s *SealSettings) check() error {
	level, err := s.level()
	if err != nil {
		return err
	}
	if level != pdf.LevelB && len(s.Timestamps) == 0 {
		return fmt.Errorf("timestamps: level %s needs the address of a timestamp authority", level)
	}
	for _, url := range s.Timestamps {
		if !isHTTP(url) {
			return fmt.Errorf("timestamps: %q is no http or https address", url)
		}
	}
	return s.Key.check()
}

func (k *KeySettings) check() error {
	n := 0
	for _, given := range []bool{k.PEM != nil, k.PKCS12 != nil, k.AWSKMS != nil, k.PKCS11 != nil} {
		if given {
			n++
		}
	}
	if n != 1 {
		return fmt.Errorf("key: needs exactly one of pem, pkcs12, aws-kms and pkcs11, and has %d", n)
	}
	for _, required := range k.required() {
		if required.value == "" {
			return fmt.Errorf("key: %s is missing", required.name)
		}
	}
	if p := k.PKCS11; p != nil && p.Label == "" && p.ID == "" {
		return errors.New("key: pkcs11.label or pkcs11.id is missing")
	}
	if a := k.AWSKMS; a != nil && a.region() == "" {
		return errors.New("key: aws-kms.region is missing, and aws-kms.key is no ARN that has one")
	}
	return nil
}

type setting struct{ name, value string }

func (k *KeySettings) required() []setting {
	switch {
	case k.PEM != nil:
		return []setting{{"pem.certificates", k.PEM.Certificates}, {"pem.key", k.PEM.Key}}
	case k.PKCS12 != nil:
		return []setting{{"pkcs12.file", k.PKCS12.File}}
	case k.AWSKMS != nil:
		return []setting{{"aws-kms.key", k.AWSKMS.Key}, {"aws-kms.certificates", k.AWSKMS.Certificates}}
	default:
		return []setting{
			{"pkcs11.module", k.PKCS11.Module},
			{"pkcs11.token", k.PKCS11.Token},
			{"pkcs11.certificates", k.PKCS11.Certificates},
		}
	}
}
