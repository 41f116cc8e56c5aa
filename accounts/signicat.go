package accounts

import (
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"github.com/handslag/handslag/providers/signicat"
	"github.com/handslag/handslag/settings"
)

// SignicatSettings are an API client at Signicat.
type SignicatSettings struct {
	// BaseURL and TokenURL are empty for Signicat's own, which are the same for
	// tests: the client makes the difference.
	BaseURL      string          `yaml:"baseURL"`
	TokenURL     string          `yaml:"tokenURL"`
	ClientID     string          `yaml:"clientID"`
	ClientSecret settings.Secret `yaml:"clientSecret"`
	Connection   `yaml:",inline"`
	// SenderDisplayName is shown to the person as the sender; it may be empty.
	SenderDisplayName string `yaml:"senderDisplayName"`
	// SendIdentityProviders sends an empty list of them, as the API's schema asks.
	SendIdentityProviders bool `yaml:"sendIdentityProviders"`
	// MaxDocument is the largest document that is sent, in bytes; 0 is 25 MiB.
	MaxDocument int64 `yaml:"maxDocument"`
	// OrderLife is how long a person has, at most 30 minutes; 0 is 15.
	OrderLife time.Duration `yaml:"orderLife"`
	// DueIn is how long Signicat keeps a session and its results; 0 is a day.
	DueIn time.Duration `yaml:"dueIn"`
	// CollectEvery is the pace of polling; 0 is 5 s.
	CollectEvery time.Duration `yaml:"collectEvery"`
	// Settling is how long after a lost start a session may still appear; 0 is a
	// minute.
	Settling time.Duration `yaml:"settling"`
	// TransferTimeout limits a call that carries a document; 0 is 2 minutes.
	TransferTimeout time.Duration    `yaml:"transferTimeout"`
	Webhook         SignicatWebhooks `yaml:"webhook"`
}

// SignicatWebhooks say how events are told from a stranger's.
type SignicatWebhooks struct {
	// Secret is the key of HMAC-SHA256 over the body; without it nothing is compared.
	Secret settings.Secret `yaml:"secret"`
	// Header holds the signature; empty is X-Signicat-Signature.
	Header string `yaml:"header"`
	// Required refuses events without a signature.
	Required bool `yaml:"required"`
}

func (*SignicatSettings) provider() string { return signicatName }

func (s *SignicatSettings) files() []*string {
	return []*string{&s.ClientSecret.File, &s.Webhook.Secret.File, &s.ServerRoots}
}

func (s *SignicatSettings) check() error { return s.Connection.check() }

func (*SignicatSettings) certificates(Options) ([]*x509.Certificate, error) { return nil, nil }

// ofTests reports whether a client is of a sandbox: Signicat makes ids such as
// sandbox-misty-angle-164, whose beginning tells.
func ofTests(clientID string) bool {
	return strings.HasPrefix(clientID, "sandbox-") || strings.HasPrefix(clientID, "dev-")
}

func (s *SignicatSettings) open(env string, o Options) (adapter, error) {
	if env == live && ofTests(s.ClientID) {
		return nil, fmt.Errorf("clientID: is of a sandbox, by its beginning; this account is to be live")
	}
	const base, token = "https://api.signicat.com/sign", "https://api.signicat.com/auth/open/connect/token" //nolint:gosec // addresses
	baseURL, err := address("baseURL", env, s.BaseURL, map[string]string{live: base, test: base})
	if err != nil {
		return nil, err
	}
	tokenURL, err := address("tokenURL", env, s.TokenURL, map[string]string{live: token, test: token})
	if err != nil {
		return nil, err
	}
	clientSecret, err := secret("clientSecret", s.ClientSecret, o)
	if err != nil {
		return nil, err
	}
	webhook, err := optional("webhook.secret", s.Webhook.Secret, o)
	if err != nil {
		return nil, err
	}
	roots, err := s.roots(env)
	if err != nil {
		return nil, err
	}
	return opened(signicat.New(signicat.Config{
		BaseURL: baseURL, TokenURL: tokenURL, ClientID: s.ClientID, ClientSecret: clientSecret, ServerRoots: roots,
		SenderDisplayName: s.SenderDisplayName, SendIdentityProviders: s.SendIdentityProviders, MaxDocument: s.MaxDocument,
		OrderLife: s.OrderLife, DueIn: s.DueIn, CollectEvery: s.CollectEvery, Settling: s.Settling,
		ConnectTimeout: s.ConnectTimeout, RequestTimeout: s.requestTimeout(), TransferTimeout: s.TransferTimeout,
		Webhook: signicat.Webhook{Secret: webhook, Header: s.Webhook.Header, Required: s.Webhook.Required},
		Clock:   o.Clock,
	}))
}
