package bankid

import (
	"crypto/tls"
	"crypto/x509"
	"net/url"
	"strings"
	"time"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/fault"
)

// Config is one relying party's account. A wrong one is refused by [New].
type Config struct {
	// BaseURL is the API's address without the last path element, such as
	// https://appapi2.bankid.com/rp/v6.0.
	BaseURL string
	// Credentials is our relying party certificate with its key. BankID answers
	// 401 or 403 to any other. Its subject must be the one that signatures name,
	// or every signature is refused as wrong_rp.
	Credentials tls.Certificate
	// ServerRoots holds the CA of BankID's API, and nothing else: test and live
	// must not be mixed. Without the right one no call is ever sent.
	ServerRoots *x509.CertPool
	// Environment is the one world whose signatures count here. An installation
	// that is live must say live; then test and simulated signatures are refused.
	Environment bankidsig.Environment
	// Anchors are the roots of BankID's signing hierarchy (another one than
	// ServerRoots), all of Environment. With wrong ones every signature is refused
	// as untrusted_root.
	Anchors bankidsig.Trust
	// RequirePIN makes the person enter the security code even where they allow
	// biometrics.
	RequirePIN bool
	// CertificatePolicies limits which kinds of BankID may sign, by policy OID,
	// such as 1.2.752.78.1.5 (mobile, live). Empty allows all. A wrong OID keeps
	// everybody from signing.
	CertificatePolicies []string
	// ReturnRisk asks for BankID's risk assessment, which is kept in the evidence
	// and decides nothing.
	ReturnRisk bool
	// StrictOCSP refuses a signature whose OCSP nonce is not bound to it, or whose
	// certificate is for identification alone. These rules are not published in
	// full, so a wrong guess of ours would lose signatures; the default is to
	// record how they turn out.
	StrictOCSP bool
	// ConnectTimeout limits each of three tries to connect; 0 is 3 s. BankID's test
	// environment lets every third first connection hang in the handshake.
	ConnectTimeout time.Duration
	// RequestTimeout limits a whole call; 0 is 15 s. What is cut off by it after it
	// was sent is an uncertain start.
	RequestTimeout time.Duration
	// Clock tells the time.
	Clock func() time.Time
}

// check refuses what cannot work, by field.
func (c *Config) check() error {
	wrong := func(field, format string, args ...any) error {
		return fault.New(fault.Invalid, "bankid_config", "The BankID account is not set up right: "+field+" "+format+".", args...).
			In(field, "invalid", format, args...).From(name, "")
	}
	base, err := url.Parse(c.BaseURL)
	switch {
	case err != nil || base.Scheme != "https" || base.Host == "" || base.RawQuery != "" || base.Fragment != "":
		return wrong("baseURL", "must be an https address such as https://appapi2.bankid.com/rp/v6.0")
	case len(c.Credentials.Certificate) == 0 || c.Credentials.PrivateKey == nil:
		return wrong("credentials", "must be a certificate with its key")
	case c.ServerRoots == nil:
		return wrong("serverRoots", "must hold the CA of BankID's API")
	case len(c.Anchors) == 0:
		return wrong("anchors", "must hold the root of BankID's signatures")
	case c.ConnectTimeout < 0 || c.RequestTimeout < 0:
		return wrong("connectTimeout", "and requestTimeout must not be negative")
	case c.Clock == nil:
		return wrong("clock", "must be set")
	}
	for _, a := range c.Anchors {
		if a.Environment != c.Environment {
			return wrong("anchors", "must be of the environment %q", c.Environment)
		}
	}
	for _, p := range c.CertificatePolicies {
		if p == "" || strings.Trim(p, "0123456789.*") != "" {
			return wrong("certificatePolicies", "must be object identifiers such as 1.2.752.78.1.5")
		}
	}
	return nil
}
