package qrona

import (
	"crypto/x509"
	"net/url"
	"strings"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

// Config is one account at Qrona. A wrong one is refused by [New].
type Config struct {
	// BaseURL is the address that calls are appended to; empty is
	// https://bankid.qrona.se.
	BaseURL string
	// Token is the private token that Qrona gave. With a wrong one every call is
	// Forbidden.
	Token signing.Private
	// Roots holds the CAs that Qrona's certificate may be under; nil is the system's.
	Roots *x509.CertPool
	// Environment is the world that results are marked with: live, test or simulator.
	Environment string
	// SendPersonalNumber names the person when an order is made, as an older
	// description of Qrona's API had it, so that nobody else can complete it. The
	// present one does not; a Qrona that refuses the member refuses every order.
	SendPersonalNumber bool
	// CollectEvery is the pace for a live order, from 1 s to 5 s; 0 is the 2 s that
	// Qrona asks for. The QR code changes no faster than this.
	CollectEvery time.Duration
	// CallTimeout limits a phone call, from more than 3 minutes (the life of a
	// BankID order) to 30; 0 is 4 minutes. A result that comes later is lost.
	CallTimeout time.Duration
	// ConnectTimeout limits each of three tries to connect; 0 is 3 s.
	ConnectTimeout time.Duration
	// RequestTimeout limits every other call; 0 is 15 s. What is cut off by it
	// after it was sent is an uncertain start.
	RequestTimeout time.Duration
	// Clock tells the time.
	Clock func() time.Time
}

const (
	defaultBaseURL      = "https://bankid.qrona.se"
	defaultCollectEvery = 2 * time.Second
	defaultCallTimeout  = 4 * time.Minute
	maxCallTimeout      = 30 * time.Minute
)

// complete refuses what cannot work, by field, and fills in what is left out.
func (c *Config) complete() error {
	wrong := func(field, format string, args ...any) error {
		return fault.New(fault.Invalid, "qrona_config", "The Qrona account is not set up right: "+field+" "+format+".", args...).
			In(field, "invalid", format, args...).From(name, "")
	}
	if c.BaseURL == "" {
		c.BaseURL = defaultBaseURL
	}
	c.BaseURL = strings.TrimSuffix(c.BaseURL, "/") + "/"
	if c.CollectEvery == 0 {
		c.CollectEvery = defaultCollectEvery
	}
	if c.CallTimeout == 0 {
		c.CallTimeout = defaultCallTimeout
	}
	base, err := url.Parse(c.BaseURL)
	switch {
	case err != nil || base.Scheme != "https" || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "":
		return wrong("baseURL", "must be an https address such as %s", defaultBaseURL)
	case c.Token == "" || strings.ContainsFunc(c.Token.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }):
		return wrong("token", "must be the private token, without spaces")
	case c.Environment != "live" && c.Environment != "test" && c.Environment != "simulator":
		return wrong("environment", "must be live, test or simulator")
	case c.CollectEvery < time.Second || c.CollectEvery > 5*time.Second:
		return wrong("collectEvery", "must be from 1s to 5s")
	case c.CallTimeout <= orderLife || c.CallTimeout > maxCallTimeout:
		return wrong("callTimeout", "must be more than %v and at most %v", orderLife, maxCallTimeout)
	case c.ConnectTimeout < 0 || c.RequestTimeout < 0:
		return wrong("connectTimeout", "and requestTimeout must not be negative")
	case c.Clock == nil:
		return wrong("clock", "must be set")
	}
	return nil
}
