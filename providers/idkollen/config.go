package idkollen

import (
	"crypto/x509"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

// Config is one account. A wrong one is refused by [New].
type Config struct {
	// BaseURL is https://api.idkollen.se, or https://stgapi.idkollen.se for tests.
	BaseURL string
	// AccountID and SecretKey are our credentials. With wrong ones every call is
	// answered with 401.
	AccountID string
	SecretKey signing.Private
	// ServerRoots are who may vouch for IDkollen's server; nil is the system's.
	ServerRoots *x509.CertPool
	// Environment is the world that orders are made in: live, test or simulator.
	// IDkollen's staging uses BankID's test environment, and is refused as live.
	Environment string

	// CallbackURL is where IDkollen is to call us, by HTTPS; empty is nowhere.
	// IDkollen's support has to list it, or every order is refused. It calls from
	// 13.53.114.219 and 13.48.243.11, and for tests from 13.53.56.116 and
	// 13.53.92.159, which a firewall may want to know.
	CallbackURL string
	// CallbackKey is what callbacks are signed with. IDkollen gives it on request.
	CallbackKey signing.Private
	// UnprovenCallbacks takes callbacks that are not signed, or wrongly, for hints
	// nevertheless. IDkollen does not state that it signs those for BankID. At
	// worst, a stranger then makes us ask for a status in vain, at our own pace.
	UnprovenCallbacks bool

	// RequirePIN makes the person enter the security code even where they allow
	// biometrics.
	RequirePIN bool
	// RequestAddress asks for the person's address, which is kept in the raw
	// answer alone.
	RequestAddress bool
	// CompanySignatory says that IDkollen has enabled the check of company
	// signatories; else the organisation of an order is not sent.
	CompanySignatory bool

	// StatusEvery is the least time between two status calls; 0 is a second, which
	// is IDkollen's limit. Several processes with one account do not know of each
	// other: with StatusPerAccount, multiply it by their number.
	StatusEvery time.Duration
	// StatusPerAccount counts status calls over the whole account, instead of over
	// each order. IDkollen does not say which it does; the answer to a call that
	// came too early is waited out in either case.
	StatusPerAccount bool
	// RateLimitStatus is IDkollen's answer to a status call that comes too early;
	// 0 is 429.
	RateLimitStatus int

	// ConnectTimeout limits each of three tries to connect; 0 is 3 s.
	ConnectTimeout time.Duration
	// RequestTimeout limits a whole call; 0 is 15 s. A start that is cut off by it
	// after it was sent is uncertain.
	RequestTimeout time.Duration
	// Clock tells the time.
	Clock func() time.Time
}

const (
	live    = "live"
	staging = "stgapi.idkollen.se"
)

// check refuses what cannot work, by field.
func (c *Config) check() error {
	wrong := func(field, why string) error {
		return fault.New(fault.Invalid, "idkollen_config", "The IDkollen account is not set up right: %s %s.", field, why).
			In(field, "invalid", "%s", why).From(name, "")
	}
	base, callback := address(c.BaseURL), address(c.CallbackURL)
	switch {
	case base == nil || strings.Trim(base.Path, "/") != "" || base.RawQuery != "":
		return wrong("baseURL", "must be an https address such as https://api.idkollen.se")
	case c.AccountID == "" || strings.Contains(c.AccountID, ":"):
		return wrong("accountID", "must be the account's id") // a colon would end it (RFC 7617 2)
	case c.SecretKey == "":
		return wrong("secretKey", "must be set")
	case c.Environment != live && c.Environment != "test" && c.Environment != "simulator":
		return wrong("environment", "must be live, test or simulator")
	case c.Environment == live && strings.EqualFold(base.Hostname(), staging):
		return wrong("baseURL", "is the test environment's, and this account is to be live")
	case c.CallbackURL != "" && callback == nil:
		return wrong("callbackURL", "must be an https address")
	case c.CallbackURL != "" && c.CallbackKey == "" && !c.UnprovenCallbacks:
		return wrong("callbackKey", "must be set, or unprovenCallbacks, or else every callback is refused")
	case c.StatusEvery < 0 || c.ConnectTimeout < 0 || c.RequestTimeout < 0:
		return wrong("statusEvery", "and the timeouts must not be negative")
	case c.RateLimitStatus != 0 && (c.RateLimitStatus < 400 || c.RateLimitStatus > 599 || c.RateLimitStatus == http.StatusNotFound):
		return wrong("rateLimitStatus", "must be the status of a refusal, and 404 means something else")
	case c.Clock == nil:
		return wrong("clock", "must be set")
	}
	return nil
}

// address returns a parsed https address, or nil.
func address(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return nil
	}
	return u
}
