package accounts

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/settings"
	"github.com/handslag/handslag/signing"
)

// Settings say which tenant signs through which accounts.
type Settings struct {
	// Default is for every tenant, where it says nothing else.
	Default UseSettings `yaml:"default"`
	// Tenants say what is different for a tenant.
	Tenants map[signing.TenantID]UseSettings `yaml:"tenants"`
	// Accounts are the accounts by their names: what metrics, logs and orders call
	// them. Another relying party or customer needs another name.
	Accounts map[string]AccountSettings `yaml:"accounts"`
}

// UseSettings say which accounts are used, and in which order.
type UseSettings struct {
	// Accounts names accounts, at most one of each provider. A tenant's stand in
	// for the default ones of the same providers.
	Accounts []string `yaml:"accounts"`
	// Routes gives, for a method, the providers in the order in which they are
	// tried. A method that it does not list has all providers that serve it, in the
	// order of [Order]; an empty list switches a method off. A tenant's take the
	// place of the default ones, method by method.
	Routes map[signing.Method][]string `yaml:"routes"`
}

// AccountSettings describe one account, at exactly one provider.
type AccountSettings struct {
	// Environment is the world that the credentials are of: live, test or simulator.
	Environment string `yaml:"environment"`
	// Expires is the day on which secrets end, such as 2027-03-01; empty where they
	// do not. Certificates say it themselves.
	Expires string `yaml:"expires"`
	// CollectsPerSecond is how often live orders are asked about at most, all
	// together, by one worker; 0 has no limit but each order's own pace.
	CollectsPerSecond float64 `yaml:"collectsPerSecond"`

	BankID   *BankIDSettings   `yaml:"bankid"`
	IDkollen *IDkollenSettings `yaml:"idkollen"`
	SBAB     *SBABSettings     `yaml:"sbab"`
	Qrona    *QronaSettings    `yaml:"qrona"`
	Signicat *SignicatSettings `yaml:"signicat"`
}

// The providers, and the installations' environments.
const (
	bankidName   = "bankid"
	idkollenName = "idkollen"
	qronaName    = "qrona"
	sbabName     = "sbab"
	signicatName = "signicat"

	live      = "live"
	test      = "test"
	simulated = "simulator"
)

// Order is the order in which the providers of a method are tried, where nothing
// else is said: who proves most first.
func Order() []string {
	return []string{bankidName, idkollenName, qronaName, sbabName, signicatName}
}

var errSettings = fault.New(fault.Invalid, "accounts_settings", "The settings of the accounts are wrong.")

func wrong(format string, args ...any) error {
	return errSettings.Because(fmt.Errorf(format, args...))
}

// ReadSettings reads a settings file (YAML or JSON). Relative file names in it
// are relative to its folder.
func ReadSettings(file string) (Settings, error) {
	var s Settings
	if err := settings.Decode(file, &s); err != nil {
		return Settings{}, wrong("%w", err)
	}
	if err := s.check(); err != nil {
		return Settings{}, wrong("%s: %w", file, err)
	}
	for _, account := range s.Accounts {
		settings.Relative(file, account.kind().files()...)
	}
	return s, nil
}

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// check refuses what can be told from the settings alone.
func (s *Settings) check() error {
	if len(s.Accounts) == 0 {
		return errors.New("accounts: there is none")
	}
	for _, name := range slices.Sorted(maps.Keys(s.Accounts)) {
		if !nameForm.MatchString(name) {
			return fmt.Errorf("accounts: the name %q is not of 1 to 40 lower-case letters, digits and hyphens", name)
		}
		account := s.Accounts[name]
		if err := account.check(); err != nil {
			return fmt.Errorf("account %q: %w", name, err)
		}
	}
	if err := s.checkUse(s.Default); err != nil {
		return fmt.Errorf("default: %w", err)
	}
	for _, tenant := range slices.Sorted(maps.Keys(s.Tenants)) {
		if !signing.ValidTenant(string(tenant)) {
			return fmt.Errorf("tenants: %q is no tenant", tenant)
		}
		if err := s.checkUse(s.Tenants[tenant]); err != nil {
			return fmt.Errorf("tenants: %s: %w", tenant, err)
		}
	}
	if len(s.Default.Accounts) == 0 && len(s.Tenants) == 0 {
		return errors.New("default: no tenant has an account; name those of all tenants, or list tenants")
	}
	return nil
}

func (s *Settings) checkUse(u UseSettings) error {
	of := map[string]string{}
	for _, name := range u.Accounts {
		account, ok := s.Accounts[name]
		if !ok {
			return fmt.Errorf("accounts: there is no account %q", name)
		}
		provider := account.provider()
		if other, ok := of[provider]; ok {
			return fmt.Errorf("accounts: %q and %q are both accounts at %s; a tenant has one", other, name, provider)
		}
		of[provider] = name
	}
	for _, method := range slices.Sorted(maps.Keys(u.Routes)) {
		switch method {
		case signing.MethodBankIDSE, signing.MethodBankIDSEIdentify, signing.MethodBankIDSEProcess, signing.MethodNBIDPKI:
		default:
			return fmt.Errorf("routes: %q is no method", method)
		}
		for i, provider := range u.Routes[method] {
			if !slices.Contains(Order(), provider) {
				return fmt.Errorf("routes: %s: %q is none of %s", method, provider, strings.Join(Order(), ", "))
			}
			if slices.Contains(u.Routes[method][:i], provider) {
				return fmt.Errorf("routes: %s: %s is named twice", method, provider)
			}
		}
	}
	return nil
}

func (a *AccountSettings) check() error {
	n := 0
	for _, given := range []bool{a.BankID != nil, a.IDkollen != nil, a.SBAB != nil, a.Qrona != nil, a.Signicat != nil} {
		if given {
			n++
		}
	}
	if n != 1 {
		return fmt.Errorf("needs exactly one of bankid, idkollen, qrona, sbab and signicat, and has %d", n)
	}
	switch a.Environment {
	case live, test, simulated:
	case "":
		return errors.New("environment: is missing; say which world the credentials are of: live, test or simulator")
	default:
		return fmt.Errorf("environment: %q is none of live, test and simulator", a.Environment)
	}
	if _, err := a.expires(); err != nil {
		return err
	}
	if a.CollectsPerSecond < 0 || a.CollectsPerSecond > maxRate {
		return fmt.Errorf("collectsPerSecond: must be from 0 to %d", maxRate)
	}
	return a.kind().check()
}

// maxRate is more than any provider takes.
const maxRate = 10_000

// expires is when secrets end; zero when that was not said.
func (a *AccountSettings) expires() (time.Time, error) {
	if a.Expires == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, a.Expires)
	if err != nil {
		return day, fmt.Errorf("expires: %q is no day such as 2027-03-01", a.Expires)
	}
	return day, nil
}

// kind is the part of the settings that is the provider's own.
func (a *AccountSettings) kind() kind {
	switch {
	case a.BankID != nil:
		return a.BankID
	case a.IDkollen != nil:
		return a.IDkollen
	case a.SBAB != nil:
		return a.SBAB
	case a.Qrona != nil:
		return a.Qrona
	default:
		return a.Signicat
	}
}

func (a *AccountSettings) provider() string { return a.kind().provider() }
