package sbab

import (
	"crypto/x509"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

// Config is one account at SBAB. A wrong one is refused by [New].
type Config struct {
	// BaseURL is the address that calls are appended to; empty is SBAB's for
	// production, or for the sandbox with a SandboxKey.
	BaseURL string
	// TokenURL is where tokens come from; empty is /api/auth/1.0/token on the host
	// of BaseURL. SBAB publishes the path for its sandbox only. The sandbox needs none.
	TokenURL string
	// ClientID and ClientSecret are ours in production. With wrong ones every call
	// is Forbidden.
	ClientID     string
	ClientSecret signing.Private
	// SandboxKey is the personal key of a developer. With it there is no client:
	// the sandbox takes the key itself in every call. Nothing is signed there.
	SandboxKey signing.Private
	// Roots holds the CAs that SBAB's certificate may be under; nil is the system's.
	Roots *x509.CertPool
	// Environment is the world that results are marked with: live, test or
	// simulator. The sandbox is never live.
	Environment string
	// EndUserIPHeader is the request header in which SBAB expects the address of the
	// person, such as X-Forwarded-For. SBAB publishes none; empty sends none, and SBAB
	// sees all starts come from our address.
	EndUserIPHeader string
	// CollectEvery is the pace for a live signing, from 1 s to 2 s, which is how
	// often SBAB asks to change the QR code; 0 is 1 s.
	CollectEvery time.Duration
	// AddressBlock and PhoneBlock are how long SBAB blocks a person after starts from
	// two addresses, and after phone calls; 0 is the 3 minutes and the 1 minute that
	// SBAB states. They are what a refused person is told to wait.
	AddressBlock, PhoneBlock time.Duration
	// ConnectTimeout limits each of three tries to connect; 0 is 3 s.
	ConnectTimeout time.Duration
	// RequestTimeout limits each call; 0 is 15 s. What is cut off by it after it was
	// sent is an uncertain start.
	RequestTimeout time.Duration
	// Clock tells the time.
	Clock func() time.Time
}

const (
	productionURL       = "https://api.sbab.se/partner/signing/1.0"
	sandboxURL          = "https://developer.sbab.se/sandbox/partner/signing/1.0"
	tokenPath           = "/api/auth/1.0/token" //nolint:gosec // a path
	defaultCollectEvery = time.Second
	defaultAddressBlock = 3 * time.Minute
	defaultPhoneBlock   = time.Minute
)

// complete refuses what cannot work, by field, and fills in what is left out.
func (c *Config) complete() error {
	c.fill()
	wrong := func(field, format string, args ...any) error {
		return fault.New(fault.Invalid, "sbab_config", "The SBAB account is not set up right: "+field+" "+format+".", args...).
			In(field, "invalid", format, args...).From(name, "")
	}
	production := c.SandboxKey == ""
	switch {
	case !secure(c.BaseURL):
		return wrong("baseURL", "must be an https address such as %s", productionURL)
	case production && !secure(c.TokenURL):
		return wrong("tokenURL", "must be an https address")
	case production && c.ClientID == "":
		return wrong("clientID", "must be set")
	case production && c.ClientSecret == "":
		return wrong("clientSecret", "must be set")
	case !production && (c.ClientID != "" || c.ClientSecret != ""):
		return wrong("sandboxKey", "excludes a client")
	case strings.ContainsFunc(c.SandboxKey.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }):
		return wrong("sandboxKey", "must be the personal key, without spaces")
	case c.Environment != "live" && c.Environment != "test" && c.Environment != "simulator":
		return wrong("environment", "must be live, test or simulator")
	case !production && c.Environment == "live":
		return wrong("environment", "cannot be live in the sandbox")
	case strings.Trim(strings.ToLower(c.EndUserIPHeader), "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
		return wrong("endUserIPHeader", "must be the name of a header")
	case reserved(c.EndUserIPHeader):
		return wrong("endUserIPHeader", "has another meaning")
	case c.CollectEvery < time.Second || c.CollectEvery > 2*time.Second:
		return wrong("collectEvery", "must be from 1s to 2s")
	case c.AddressBlock < 0 || c.PhoneBlock < 0:
		return wrong("addressBlock", "and phoneBlock must not be negative")
	case c.ConnectTimeout < 0 || c.RequestTimeout < 0:
		return wrong("connectTimeout", "and requestTimeout must not be negative")
	case c.Clock == nil:
		return wrong("clock", "must be set")
	}
	return nil
}

func (c *Config) fill() {
	if c.BaseURL == "" && c.SandboxKey != "" {
		c.BaseURL = sandboxURL
	} else if c.BaseURL == "" {
		c.BaseURL = productionURL
	}
	c.BaseURL = strings.TrimSuffix(c.BaseURL, "/") + "/"
	if u, err := url.Parse(c.BaseURL); c.TokenURL == "" && err == nil {
		c.TokenURL = (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: tokenPath}).String()
	}
	for _, d := range []struct {
		of     *time.Duration
		stands time.Duration
	}{{&c.CollectEvery, defaultCollectEvery}, {&c.AddressBlock, defaultAddressBlock}, {&c.PhoneBlock, defaultPhoneBlock}} {
		if *d.of == 0 {
			*d.of = d.stands
		}
	}
}

func secure(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// reserved reports whether a header is one that the call itself needs.
func reserved(header string) bool {
	switch http.CanonicalHeaderKey(header) {
	case "Authorization", "Content-Type", "Content-Length", "Host", "Connection", "Transfer-Encoding", "User-Agent":
		return true
	}
	return false
}
