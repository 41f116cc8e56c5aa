package signicat

import (
	"crypto/x509"
	"net/url"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

// The defaults of [Config].
const (
	defaultMaxDocument     = 25 << 20
	defaultOrderLife       = 15 * time.Minute
	maxOrderLife           = 30 * time.Minute
	defaultDueIn           = 24 * time.Hour
	maxDueIn               = 30 * 24 * time.Hour
	defaultCollectEvery    = 5 * time.Second
	defaultSettling        = time.Minute
	defaultTransferTimeout = 2 * time.Minute
	defaultHeader          = "X-Signicat-Signature"
)

// Config is one account. A wrong one is refused by [New].
type Config struct {
	// BaseURL is the API's address, https://api.signicat.com/sign, and TokenURL
	// that of its tokens, https://api.signicat.com/auth/open/connect/token. Test
	// and production have the same: the credentials make the difference.
	BaseURL, TokenURL string
	// ClientID and ClientSecret are an API client with the permission "Signature
	// API". With wrong ones every call is refused.
	ClientID     string
	ClientSecret signing.Private
	// ServerRoots is whom we trust for the connection; nil is the system's.
	ServerRoots *x509.CertPool
	// SenderDisplayName is shown to the person as the sender; it may be empty.
	SenderDisplayName string
	// SendIdentityProviders sends an empty list of them. The API's schema asks for
	// the member and its page on Norwegian BankID leaves it out.
	SendIdentityProviders bool
	// MaxDocument is the largest document that is sent, in bytes; 0 is 25 MiB. The
	// limit is not documented; above it the upload is refused.
	MaxDocument int64
	// OrderLife is how long a person has, at most 30 minutes; 0 is 15.
	OrderLife time.Duration
	// DueIn is how long Signicat keeps a session and its results, from an hour
	// over OrderLife to 30 days; 0 is a day. If we are away for longer than that,
	// what was signed is lost.
	DueIn time.Duration
	// CollectEvery is the pace of polling; 0 is 5 s. The limits of the API are not
	// documented.
	CollectEvery time.Duration
	// Settling is how long after a lost start a session may still appear; 0 is a
	// minute. With too short a time a person may get two.
	Settling time.Duration
	// ConnectTimeout limits each of three tries to connect, RequestTimeout a call,
	// TransferTimeout one that carries a document; 0 is 3 s, 15 s and 2 min.
	ConnectTimeout, RequestTimeout, TransferTimeout time.Duration
	Webhook                                         Webhook
	// Clock tells the time.
	Clock func() time.Time
}

// Webhook says how the events that reach us are told from a stranger's. How
// Signicat signs them is not documented, so all of it is a setting.
type Webhook struct {
	// Secret is the key of HMAC-SHA256 over the body, as hex or base64, with or
	// without "sha256=" before it. Empty compares nothing.
	Secret signing.Private
	// Header holds the signature; "" is X-Signicat-Signature.
	Header string
	// Required refuses events without a signature. They are hints all the same.
	Required bool
}

func (c Config) withDefaults() Config {
	orDuration := func(v *time.Duration, otherwise time.Duration) {
		if *v == 0 {
			*v = otherwise
		}
	}
	orDuration(&c.OrderLife, defaultOrderLife)
	orDuration(&c.DueIn, defaultDueIn)
	orDuration(&c.CollectEvery, defaultCollectEvery)
	orDuration(&c.Settling, defaultSettling)
	orDuration(&c.TransferTimeout, defaultTransferTimeout)
	if c.MaxDocument == 0 {
		c.MaxDocument = defaultMaxDocument
	}
	if c.Webhook.Header == "" {
		c.Webhook.Header = defaultHeader
	}
	return c
}

// check refuses what cannot work, by field. Defaults are in place.
func (c Config) check() error {
	wrong := func(field, why string) error {
		return fault.New(fault.Invalid, "signicat_config", "The Signicat account is not set up right: %s %s.", field, why).
			In(field, "invalid", "%s", why).From(name, "")
	}
	for field, address := range map[string]string{"baseURL": c.BaseURL, "tokenURL": c.TokenURL} {
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return wrong(field, "must be an https address")
		}
	}
	switch {
	case c.ClientID == "" || c.ClientSecret == "":
		return wrong("clientSecret", "and clientID must be set")
	case c.OrderLife < time.Minute || c.OrderLife > maxOrderLife:
		return wrong("orderLife", "must be 1 to 30 minutes")
	case c.DueIn < c.OrderLife+time.Hour || c.DueIn > maxDueIn:
		return wrong("dueIn", "must be from an hour over orderLife to 30 days")
	case c.MaxDocument < 0 || c.CollectEvery < 0 || c.Settling < 0 || c.ConnectTimeout < 0 || c.RequestTimeout < 0 || c.TransferTimeout < 0:
		return wrong("requestTimeout", "and the other limits must not be negative")
	case c.Webhook.Required && c.Webhook.Secret == "":
		return wrong("webhook.secret", "must be set where signatures are required")
	case c.Clock == nil:
		return wrong("clock", "must be set")
	}
	return nil
}
