package idkollen

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/wire"
	"github.com/handslag/handslag/signing"
)

const name = "idkollen"

const (
	// collectEvery is the pace of IDkollen's own clients; orderLife is BankID's.
	collectEvery = 2 * time.Second
	orderLife    = 3 * time.Minute
	statusEvery  = time.Second
	// maxBody is far above any answer: there is no signature in it.
	maxBody = 256 << 10
)

// Client is one account at IDkollen. It may be used from many goroutines, and
// has to be one client for all of them, since it keeps the account's pace.
type Client struct {
	config Config // without the keys
	keys   func() keys
	base   string // with a slash at its end
	wire   *wire.Caller
	budget *budget
}

// keys are kept behind a function: fmt does not ask unexported fields how they
// want to be printed, and prints no result of a function.
type keys struct{ authorization, callback string }

var (
	_ providers.Provider   = (*Client)(nil)
	_ providers.PushReader = (*Client)(nil)
)

// New returns a client. It does not connect.
func New(config Config) (*Client, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	if config.StatusEvery == 0 {
		config.StatusEvery = statusEvery
	}
	if config.RateLimitStatus == 0 {
		config.RateLimitStatus = http.StatusTooManyRequests
	}
	kept := keys{
		authorization: "Basic " + base64.StdEncoding.EncodeToString([]byte(config.AccountID+":"+config.SecretKey.Reveal())),
		callback:      config.CallbackKey.Reveal(),
	}
	config.SecretKey, config.CallbackKey = "", ""
	return &Client{
		config: config, keys: func() keys { return kept }, base: strings.TrimSuffix(config.BaseURL, "/") + "/v3/bankid-se/",
		wire: wire.New(wire.Options{
			TLS:            &tls.Config{RootCAs: config.ServerRoots, MinVersion: tls.VersionTLS12},
			ConnectTimeout: config.ConnectTimeout, RequestTimeout: config.RequestTimeout, MaxBody: maxBody,
		}),
		budget: newBudget(config.StatusEvery, config.StatusPerAccount, config.Clock),
	}, nil
}

// Close drops idle connections. The client stays usable.
func (c *Client) Close() { c.wire.Close() }

// Name implements providers.Provider.
func (c *Client) Name() string { return name }

// Capabilities implements providers.Provider. Assurance is that of a signature;
// an identification yields signing.AssuranceIdentified.
func (c *Client) Capabilities() providers.Capabilities {
	return providers.Capabilities{
		Methods:   []signing.Method{signing.MethodBankIDSE, signing.MethodBankIDSEIdentify},
		Assurance: signing.AssuranceAttested, Level: signing.LevelAES, BindsText: true, BindsDigest: true, QR: providers.QRCompute, Phone: true,
		LooksUpSignatories: c.config.CompanySignatory,
		Pushes:             c.config.CallbackURL != "", CollectEvery: max(collectEvery, c.config.StatusEvery), OrderLife: orderLife,
	}
}

// Start implements providers.Provider.
func (c *Client) Start(ctx context.Context, r providers.StartRequest) (providers.Order, error) {
	path, body, err := c.order(r)
	if err != nil {
		return providers.Order{}, err
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return providers.Order{}, errUnreachable.Because(fmt.Errorf("encode %s: %w", path, err))
	}
	got, err := c.call(ctx, path, http.MethodPost, path, encoded)
	at := c.config.Clock()
	if err != nil {
		return providers.Order{}, unanswered(err)
	}
	if !success(got) {
		return providers.Order{}, startFault(got)
	}
	var made struct {
		ID             string          `json:"id"`
		AutoStartToken signing.Private `json:"autoStartToken"`
		QRStartToken   signing.Private `json:"qrStartToken"`
		QRStartSecret  signing.Private `json:"qrStartSecret"`
	}
	if err := json.Unmarshal(got.Body, &made); err != nil {
		return providers.Order{}, errUnreadable
	}
	if !idForm.MatchString(made.ID) || r.Channel != signing.ChannelPhone && (made.AutoStartToken == "" || made.QRStartToken == "" || made.QRStartSecret == "") {
		return providers.Order{}, errUnreadable
	}
	return providers.Order{
		Ref: reference{kindOf(r.Method), made.ID}.String(), StartedAt: at,
		AutoStartToken: made.AutoStartToken, QRToken: made.QRStartToken, QRSecret: made.QRStartSecret,
	}, nil
}

// Collect implements providers.Provider. providers.PendingMessage words the hint
// for the person: it is BankID's.
func (c *Client) Collect(ctx context.Context, ref providers.OrderRef) (providers.Answer, error) {
	order, ok := parseReference(ref)
	if !ok {
		return providers.Answer{}, providers.ErrResultLost.From(name, "")
	}
	if wait := c.budget.take(order.id); wait > 0 {
		return providers.Answer{}, errPaced.After(wait)
	}
	got, err := c.call(ctx, "status", http.MethodGet, order.path(), nil)
	c.budget.answered(order.id)
	if err != nil {
		return providers.Answer{}, unanswered(err)
	}
	if !success(got) {
		return providers.Answer{}, c.collectFault(got)
	}
	a, err := decodeAnswer(got.Body)
	if err != nil {
		return providers.Answer{}, errUnreadable.Because(err)
	}
	// It will be told again: an answer that got lost between two calls of ours is
	// not taken for the end of this one.
	if !strings.EqualFold(a.ID, order.id) {
		return providers.Answer{}, errUnreadable.Because(errOtherOrder)
	}
	switch a.Status {
	case statusCompleted, statusFailed:
		return providers.Answer{Raw: got.Body, Terminal: true}, nil
	case statusPending:
		return providers.Answer{Raw: got.Body, Hint: wire.Word(a.HintCode)}, nil
	}
	// A status that we do not know may be on its way to one that we do.
	return providers.Answer{Raw: got.Body, Hint: wire.Word(a.Status)}, nil
}

// Cancel implements providers.Provider.
func (c *Client) Cancel(ctx context.Context, ref providers.OrderRef) error {
	order, ok := parseReference(ref)
	if !ok {
		return errOrderEnded
	}
	got, err := c.call(ctx, "cancel", http.MethodDelete, order.path(), nil)
	if err != nil {
		return unanswered(err)
	}
	if !success(got) {
		return cancelFault(got)
	}
	return nil
}

// call makes a call, which errors name by what it is for.
func (c *Client) call(ctx context.Context, what, method, path string, body []byte) (wire.Reply, error) {
	header := http.Header{"Authorization": {c.keys().authorization}, "Accept": {"application/json"}}
	if body != nil {
		header.Set("Content-Type", "application/json")
	}
	return c.wire.Do(ctx, wire.Call{Name: what, Method: method, URL: c.base + path, Header: header, Body: body})
}

func success(r wire.Reply) bool { return r.Status >= 200 && r.Status <= 299 }

// The kinds of order. Each has a path of its own for its status, so that the
// kind has to be kept in the reference; that of a signature is IDkollen's id.
const (
	kindSign = "sign"
	kindAuth = "auth"
)

type reference struct{ kind, id string }

// idForm is what an id looks like: it becomes a part of a path.
var idForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func kindOf(m signing.Method) string {
	if m == signing.MethodBankIDSEIdentify {
		return kindAuth
	}
	return kindSign
}

// String returns the reference as callers know it.
func (r reference) String() providers.OrderRef {
	if r.kind == kindSign {
		return providers.OrderRef(r.id)
	}
	return providers.OrderRef(r.kind + "/" + r.id)
}

func (r reference) path() string { return r.kind + "/" + r.id }

func parseReference(ref providers.OrderRef) (reference, bool) {
	id, identifies := strings.CutPrefix(string(ref), kindAuth+"/")
	r := reference{kindSign, id}
	if identifies {
		r.kind = kindAuth
	}
	return r, idForm.MatchString(id)
}
