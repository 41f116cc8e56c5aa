package qrona

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"sync"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/wire"
	"github.com/handslag/handslag/signing"
)

const (
	name = "qrona"
	// orderLife is that of a BankID order, which Qrona's are.
	orderLife = 3 * time.Minute
	// maxBody is far above the largest answer.
	maxBody = 64 << 10
)

// Client is one account at Qrona. It may be used from many goroutines.
type Client struct {
	config Config
	wire   *wire.Caller
	phone  *wire.Caller // for the call that blocks
}

var (
	_ providers.Provider        = (*Client)(nil)
	_ providers.BlockingStarter = (*Client)(nil)
)

// New returns a client. It does not connect.
func New(config Config) (*Client, error) {
	if err := config.complete(); err != nil {
		return nil, err
	}
	options := wire.Options{
		TLS:            &tls.Config{RootCAs: config.Roots, MinVersion: tls.VersionTLS12},
		ConnectTimeout: config.ConnectTimeout, RequestTimeout: config.RequestTimeout, MaxBody: maxBody,
	}
	patient := options
	patient.RequestTimeout = config.CallTimeout
	return &Client{config: config, wire: wire.New(options), phone: wire.New(patient)}, nil
}

// Close drops idle connections. The client stays usable.
func (c *Client) Close() {
	c.wire.Close()
	c.phone.Close()
}

// Format implements fmt.Formatter: the account's token prints under no verb.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "{qrona client}") }

// Name implements providers.Provider.
func (c *Client) Name() string { return name }

// Capabilities implements providers.Provider.
func (c *Client) Capabilities() providers.Capabilities {
	return providers.Capabilities{
		Methods: []signing.Method{signing.MethodBankIDSEIdentify}, Assurance: signing.AssuranceIdentified,
		QR: providers.QRRelay, Phone: true, PhoneBlocks: true, CollectEvery: c.config.CollectEvery, OrderLife: orderLife,
	}
}

// call posts body to one of Qrona's calls. Where it was not answered, its error
// is a *wire.Error.
func (c *Client) call(ctx context.Context, w *wire.Caller, path string, body any) (reply, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return reply{}, fmt.Errorf("encode %s: %w", path, err)
	}
	got, err := w.Do(ctx, wire.Call{
		Name: path, Method: http.MethodPost, URL: c.config.BaseURL + path, Body: encoded,
		Header: http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + c.config.Token.Reveal()}},
	})
	return reply{got}, err
}

// invalid is a request that Qrona would not take. The text never quotes it.
func invalid(pointer, code, message string) error {
	return fault.New(fault.Invalid, "qrona_order_invalid", "The order is not one that Qrona takes: %s", message).
		In(pointer, code, "%s", message).From(name, "")
}

// check refuses what is no identification of a known person.
func check(r providers.StartRequest) error {
	if r.Method != signing.MethodBankIDSEIdentify {
		return invalid("/method", "unsupported", "Qrona identifies people and signs nothing.")
	}
	if r.Signer.IsZero() || r.Signer.Norwegian() {
		return invalid("/signer", "required", "The person must be named by Swedish personal number.")
	}
	return nil
}

type authRequest struct {
	EndUserIP      string `json:"endUserIp"`
	PersonalNumber string `json:"personalNumber,omitempty"`
}

// Start implements providers.Provider. The first text of the QR code comes with
// the first Collect.
func (c *Client) Start(ctx context.Context, r providers.StartRequest) (providers.Order, error) {
	if err := check(r); err != nil {
		return providers.Order{}, err
	}
	body := authRequest{EndUserIP: address(r.EndUser.IP)}
	switch {
	case r.Channel == signing.ChannelPhone:
		return providers.Order{}, invalid("/channel", "unsupported", "A phone call blocks; it is not made by Start.")
	case r.Channel != signing.ChannelQR && r.Channel != signing.ChannelSameDevice:
		return providers.Order{}, invalid("/channel", "unsupported", "The channel is not one of Qrona's.")
	case body.EndUserIP == "":
		return providers.Order{}, invalid("/endUser/ip", "required", "The address of the person's device must be given.")
	}
	if c.config.SendPersonalNumber {
		body.PersonalNumber = r.Signer.Reveal()
	}
	got, err := c.call(ctx, c.wire, "auth", body)
	at := c.config.Clock()
	if err != nil {
		return providers.Order{}, unanswered(err)
	}
	if !got.ok() {
		return providers.Order{}, got.startFault()
	}
	var order struct {
		OrderRef       string          `json:"orderRef"`
		AutoStartToken signing.Private `json:"autoStartToken"`
	}
	if err := json.Unmarshal(got.Body, &order); err != nil || order.OrderRef == "" || order.AutoStartToken == "" {
		return providers.Order{}, errUnreadable
	}
	return providers.Order{Ref: providers.OrderRef(order.OrderRef), StartedAt: at, AutoStartToken: order.AutoStartToken}, nil
}

func address(ip netip.Addr) string {
	if !ip.IsValid() || ip.IsUnspecified() {
		return ""
	}
	return ip.Unmap().WithZone("").String()
}

type callRequest struct {
	PersonalNumber string `json:"personalNumber"`
	CallInitiator  string `json:"callInitiator"`
}

// StartAndWait implements providers.BlockingStarter. The reference that sent
// gets is empty.
func (c *Client) StartAndWait(ctx context.Context, r providers.StartRequest, sent func(providers.OrderRef)) (providers.Answer, error) {
	if err := check(r); err != nil {
		return providers.Answer{}, err
	}
	if r.Channel != signing.ChannelPhone {
		return providers.Answer{}, invalid("/channel", "unsupported", "Only a phone call blocks.")
	}
	body := callRequest{PersonalNumber: r.Signer.Reveal()}
	switch r.CallInitiator {
	case providers.CallByUser:
		body.CallInitiator = "user"
	case providers.CallByOwner: // Qrona's word for it is an empty one
	default:
		return providers.Answer{}, invalid("/callInitiator", "required", "It must be said who called whom.")
	}
	var once sync.Once
	watched := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(info httptrace.WroteRequestInfo) {
		if info.Err == nil {
			once.Do(func() { sent("") })
		}
	}})
	got, err := c.call(watched, c.phone, "auth-and-collect", body)
	if err != nil {
		return providers.Answer{}, unanswered(err)
	}
	answer, err := got.answer(got.startFault)
	if err == nil && !answer.Terminal {
		return providers.Answer{}, errUnreadable // it was to last until the end
	}
	return answer, err
}

type orderRef struct {
	OrderRef providers.OrderRef `json:"orderRef"`
}

// Collect implements providers.Provider. providers.PendingMessage words the hint
// for the person.
func (c *Client) Collect(ctx context.Context, ref providers.OrderRef) (providers.Answer, error) {
	if ref == "" {
		return providers.Answer{}, errCallRuns
	}
	got, err := c.call(ctx, c.wire, "collect", orderRef{ref})
	if err != nil {
		return providers.Answer{}, unanswered(err)
	}
	return got.answer(got.collectFault)
}

// Cancel implements providers.Provider.
func (c *Client) Cancel(ctx context.Context, ref providers.OrderRef) error {
	if ref == "" {
		return errCallRuns
	}
	got, err := c.call(ctx, c.wire, "cancel", orderRef{ref})
	if err != nil {
		return unanswered(err)
	}
	if !got.ok() {
		return got.cancelFault()
	}
	return nil
}
