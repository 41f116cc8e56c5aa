package bankid

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/handslag/handslag/bankidsig"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/wire"
	"github.com/handslag/handslag/signing"
)

const name = "bankid"

const (
	// collectEvery is BankID's pace for a live order, and orderLife its total
	// life; both are documented.
	collectEvery = 2 * time.Second
	orderLife    = 3 * time.Minute
)

// Client is one relying party at BankID. It may be used from many goroutines.
type Client struct {
	config       Config
	base         string // with a slash at its end
	wire         *wire.Caller
	relyingParty string // as signatures name us
}

var _ providers.Provider = (*Client)(nil)

// New returns a client. It does not connect.
func New(config Config) (*Client, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(config.Credentials.Certificate[0])
	if err != nil {
		return nil, fmt.Errorf("parse relying party certificate: %w", err)
	}
	relyingParty, err := bankidsig.RelyingPartyName(certificate)
	if err != nil {
		return nil, fmt.Errorf("name relying party: %w", err)
	}
	return &Client{
		config: config, relyingParty: relyingParty, base: strings.TrimSuffix(config.BaseURL, "/") + "/",
		wire: caller(config),
	}, nil
}

// Close drops idle connections. The client stays usable.
func (c *Client) Close() { c.wire.Close() }

// Name implements providers.Provider.
func (c *Client) Name() string { return name }

// Capabilities implements providers.Provider. The assurance is that of a signature;
// an identification yields signing.AssuranceIdentified.
func (c *Client) Capabilities() providers.Capabilities {
	return providers.Capabilities{
		Methods:   []signing.Method{signing.MethodBankIDSE, signing.MethodBankIDSEIdentify},
		Assurance: signing.AssuranceVerified, Level: signing.LevelAES, BindsText: true, BindsDigest: true, QR: providers.QRCompute, Phone: true,
		CollectEvery: collectEvery, OrderLife: orderLife,
	}
}

// Start implements providers.Provider. Every limit that BankID states is checked
// first, so that a refusal names the field.
func (c *Client) Start(ctx context.Context, r providers.StartRequest) (providers.Order, error) {
	path, body, err := c.order(r)
	if err != nil {
		return providers.Order{}, err
	}
	got, err := c.call(ctx, path, body)
	at := c.config.Clock()
	if err != nil {
		return providers.Order{}, unanswered(err)
	}
	if got.Status != http.StatusOK {
		return providers.Order{}, got.startFault()
	}
	var order struct {
		OrderRef       string          `json:"orderRef"`
		AutoStartToken signing.Private `json:"autoStartToken"`
		QRStartToken   signing.Private `json:"qrStartToken"`
		QRStartSecret  signing.Private `json:"qrStartSecret"`
	}
	if err := json.Unmarshal(got.Body, &order); err != nil {
		return providers.Order{}, errUnreadable
	}
	if order.OrderRef == "" || r.Channel != signing.ChannelPhone && (order.AutoStartToken == "" || order.QRStartToken == "" || order.QRStartSecret == "") {
		return providers.Order{}, errUnreadable
	}
	return providers.Order{
		Ref: providers.OrderRef(order.OrderRef), StartedAt: at,
		AutoStartToken: order.AutoStartToken, QRToken: order.QRStartToken, QRSecret: order.QRStartSecret,
	}, nil
}

type orderRef struct {
	OrderRef providers.OrderRef `json:"orderRef"`
}

// Collect implements providers.Provider. providers.PendingMessage words the hint
// for the person.
func (c *Client) Collect(ctx context.Context, ref providers.OrderRef) (providers.Answer, error) {
	got, err := c.call(ctx, "collect", orderRef{ref})
	if err != nil {
		return providers.Answer{}, unanswered(err)
	}
	if got.Status != http.StatusOK {
		return providers.Answer{}, got.collectFault()
	}
	a, err := decodeAnswer(got.Body)
	if err != nil {
		return providers.Answer{}, errUnreadable.Because(err)
	}
	return providers.Answer{Raw: got.Body, Terminal: a.Status != statusPending, Hint: wire.Word(a.HintCode)}, nil
}

// Cancel implements providers.Provider.
func (c *Client) Cancel(ctx context.Context, ref providers.OrderRef) error {
	got, err := c.call(ctx, "cancel", orderRef{ref})
	if err != nil {
		return unanswered(err)
	}
	if got.Status != http.StatusOK {
		return got.cancelFault()
	}
	return nil // the body is {} or empty
}
