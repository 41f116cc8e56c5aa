package sbab

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/oauth"
	"github.com/handslag/handslag/providers/wire"
	"github.com/handslag/handslag/signing"
)

const (
	name = "sbab"
	// orderLife is that of a BankID order, which SBAB's signings are.
	orderLife = 3 * time.Minute
	// maxBody is far above the largest answer.
	maxBody = 64 << 10
)

// Client is one account at SBAB. It may be used from many goroutines.
type Client struct {
	config Config
	wire   *wire.Caller
	tokens *oauth.Source
	starts *starts
}

var _ providers.Provider = (*Client)(nil)

// New returns a client. It does not connect.
func New(config Config) (*Client, error) {
	if err := config.complete(); err != nil {
		return nil, err
	}
	caller := wire.New(wire.Options{
		TLS:            &tls.Config{RootCAs: config.Roots, MinVersion: tls.VersionTLS12},
		ConnectTimeout: config.ConnectTimeout, RequestTimeout: config.RequestTimeout, MaxBody: maxBody,
	})
	return &Client{
		config: config, wire: caller, starts: newStarts(config.AddressBlock, config.PhoneBlock),
		tokens: oauth.New(oauth.Options{
			URL: config.TokenURL, ClientID: config.ClientID, ClientSecret: config.ClientSecret, Caller: caller, Clock: config.Clock,
		}),
	}, nil
}

// Close drops idle connections. The client stays usable.
func (c *Client) Close() { c.wire.Close() }

// Format implements fmt.Formatter: no secret of the account prints under any verb.
func (c *Client) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, "{sbab client}") }

// Name implements providers.Provider.
func (c *Client) Name() string { return name }

// Capabilities implements providers.Provider.
func (c *Client) Capabilities() providers.Capabilities {
	return providers.Capabilities{
		Methods: []signing.Method{signing.MethodBankIDSEProcess}, Assurance: signing.AssuranceAttestedProcess,
		QR: providers.QRRelay, Phone: true, CollectEvery: c.config.CollectEvery, OrderLife: orderLife,
	}
}

// call makes a call for a participant. A token that is not accepted is replaced
// once: the call that bore it did nothing. Where there is no answer, its error is
// a *wire.Error or a *tokenError.
func (c *Client) call(ctx context.Context, path string, participant providers.OrderRef, address string) (reply, error) {
	body, err := json.Marshal(struct {
		ParticipantID providers.OrderRef `json:"participant_id"`
	}{participant})
	if err != nil {
		return reply{}, fmt.Errorf("encode %s: %w", path, err)
	}
	header := http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json, application/problem+json"}}
	if address != "" {
		header.Set(c.config.EndUserIPHeader, address)
	}
	for replaced := false; ; replaced = true {
		bearer, err := c.bearer(ctx)
		if err != nil {
			return reply{}, err
		}
		header.Set("Authorization", "Bearer "+bearer.Reveal())
		got, err := c.wire.Do(ctx, wire.Call{Name: path, Method: http.MethodPost, URL: c.config.BaseURL + path, Header: header, Body: body})
		if err != nil || got.Status != http.StatusUnauthorized || replaced || c.config.SandboxKey != "" {
			return reply{got}, err
		}
		c.tokens.Refused(bearer)
	}
}

// bearer returns what our calls are authorised with: a token, or in the sandbox
// the key itself.
func (c *Client) bearer(ctx context.Context) (signing.Private, error) {
	if c.config.SandboxKey != "" {
		return c.config.SandboxKey, nil
	}
	token, err := c.tokens.Token(ctx)
	if err != nil {
		return "", &tokenError{err}
	}
	return token, nil
}

// invalid is a request that SBAB would not take. The text never quotes it.
func invalid(pointer, code, message string) error {
	return fault.New(fault.Invalid, "sbab_order_invalid", "The order is not one that SBAB takes: %s", message).
		In(pointer, code, "%s", message).From(name, "")
}

// participantID is what an id may look like: SBAB's are UUIDs.
var participantID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// Start implements providers.Provider. Texts and documents are not SBAB's
// business, and are not sent. A Conflict says when to try again.
func (c *Client) Start(ctx context.Context, r providers.StartRequest) (providers.Order, error) {
	path, address, err := c.check(r)
	if err != nil {
		return providers.Order{}, err
	}
	ref := providers.OrderRef(r.ProviderParticipant)
	began := c.starts.begin(ref, beginning{phone: r.Channel == signing.ChannelPhone, address: address}, c.config.Clock())
	got, err := c.call(ctx, path, ref, address)
	at := c.config.Clock()
	switch {
	case err != nil:
		err = unanswered(err)
	case !got.ok():
		err = got.startFault(func() time.Duration { return began.conflict(at) })
	}
	if err != nil {
		if k := fault.KindOf(err); k != fault.Uncertain && k != fault.Conflict {
			began.undo()
		}
		return providers.Order{}, err
	}
	began.taken()
	order := providers.Order{Ref: ref, StartedAt: at}
	if r.Channel == signing.ChannelPhone {
		return order, nil // whatever the body: nothing in it is needed
	}
	var started struct {
		AutoStartToken signing.Private `json:"autostart_token"`
		QR             signing.Private `json:"qr_string"`
	}
	if err := json.Unmarshal(got.Body, &started); err != nil || started.AutoStartToken == "" {
		return providers.Order{}, errUnreadable
	}
	order.AutoStartToken, order.RelayedQR = started.AutoStartToken, started.QR
	return order, nil
}

func (c *Client) check(r providers.StartRequest) (path, address string, err error) {
	if r.Method != signing.MethodBankIDSEProcess {
		return "", "", invalid("/method", "unsupported", "SBAB signs nothing but what belongs to its own processes.")
	}
	if !participantID.MatchString(r.ProviderParticipant) {
		return "", "", invalid("/providerParticipant", "required", "The id that SBAB's process gave the participant must be given.")
	}
	switch r.Channel {
	case signing.ChannelPhone:
		return "start/phone", "", nil
	case signing.ChannelQR, signing.ChannelSameDevice:
	default:
		return "", "", invalid("/channel", "unsupported", "The channel is not one of SBAB's.")
	}
	if c.config.EndUserIPHeader == "" {
		return "start", "", nil
	}
	address = textOf(r.EndUser.IP)
	if address == "" {
		return "", "", invalid("/endUser/ip", "required", "The address of the person's device must be given.")
	}
	return "start", address, nil
}

func textOf(ip netip.Addr) string {
	if !ip.IsValid() || ip.IsUnspecified() {
		return ""
	}
	return ip.Unmap().WithZone("").String()
}

// Collect implements providers.Provider. providers.PendingMessage words the hint
// for the person.
func (c *Client) Collect(ctx context.Context, ref providers.OrderRef) (providers.Answer, error) {
	got, err := c.call(ctx, "collect", ref, "")
	if err != nil {
		return providers.Answer{}, unanswered(err)
	}
	if !got.ok() {
		return providers.Answer{}, got.collectFault()
	}
	a, err := decodeAnswer(got.Body)
	if err != nil {
		return providers.Answer{}, errUnreadable.Because(err)
	}
	if a.terminal() {
		c.starts.ended(ref)
	}
	return providers.Answer{Raw: got.Body, Terminal: a.terminal(), Hint: a.hint(), RelayedQR: a.QR}, nil
}

// Cancel implements providers.Provider. While SBAB blocks the person it is a
// Conflict.
func (c *Client) Cancel(ctx context.Context, ref providers.OrderRef) error {
	got, err := c.call(ctx, "cancel", ref, "")
	if err != nil {
		return unanswered(err)
	}
	if !got.ok() {
		return got.cancelFault(func() time.Duration { return c.starts.wait(ref, c.config.Clock()) })
	}
	c.starts.ended(ref)
	return nil
}
