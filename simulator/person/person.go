// Package person plays the person who signs, for tests and the demo: a client
// of the simulator's control API.
//
//	app := person.New("http://127.0.0.1:8444", http.DefaultClient)
//	err := app.Register(ctx, bankid.Person{PersonalNumber: "191212121212", GivenName: "Tolvan", Surname: "Tolvansson"})
//	order, err := app.Scan(ctx, "191212121212", qr)
//	order, err = app.Sign(ctx, "191212121212", order.OrderRef)
//
// A refusal is a [fault.Error] with the control API's own code, such as
// qr_stale or wrong_person.
package person

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/faults"
)

// App is the person's app. It is safe for concurrent use.
type App struct {
	base   string
	client *http.Client
}

// New returns the app of the simulator whose control API is at base.
func New(base string, client *http.Client) *App {
	return &App{base: strings.TrimSuffix(base, "/"), client: client}
}

// Register gives a person a BankID. It may be repeated.
func (a *App) Register(ctx context.Context, p bankid.Person) error {
	return a.call(ctx, http.MethodPost, "/v1/persons", p, nil)
}

type action struct {
	PersonalNumber string `json:"personalNumber"`
	QR             string `json:"qr,omitempty"`
	Token          string `json:"token,omitempty"`
	SecurityCode   string `json:"securityCode,omitempty"`
}

func (a *App) act(ctx context.Context, path string, body action) (bankid.OrderView, error) {
	var v bankid.OrderView
	err := a.call(ctx, http.MethodPost, path, body, &v)
	return v, err
}

// Scan points the app at a QR code, given as the text in it.
func (a *App) Scan(ctx context.Context, personalNumber, qr string) (bankid.OrderView, error) {
	return a.act(ctx, "/v1/scan", action{PersonalNumber: personalNumber, QR: qr})
}

// Open starts the app with an autostart token, or with a launch URL that holds one.
func (a *App) Open(ctx context.Context, personalNumber, tokenOrURL string) (bankid.OrderView, error) {
	return a.act(ctx, "/v1/open", action{PersonalNumber: personalNumber, Token: tokenOrURL})
}

// OpenPhone opens the app by hand, which finds the order of a phone call.
func (a *App) OpenPhone(ctx context.Context, personalNumber string) (bankid.OrderView, error) {
	return a.act(ctx, "/v1/open", action{PersonalNumber: personalNumber})
}

// Order returns how an order stands.
func (a *App) Order(ctx context.Context, orderRef string) (bankid.OrderView, error) {
	var v bankid.OrderView
	err := a.call(ctx, http.MethodGet, "/v1/orders/"+orderRef, nil, &v)
	return v, err
}

// Sign takes every step up to the signature, with the default security code.
func (a *App) Sign(ctx context.Context, personalNumber, orderRef string) (bankid.OrderView, error) {
	return a.SignWithCode(ctx, personalNumber, orderRef, bankid.DefaultSecurityCode)
}

// SignWithCode is [App.Sign] with a security code.
func (a *App) SignWithCode(ctx context.Context, personalNumber, orderRef, code string) (bankid.OrderView, error) {
	path := "/v1/orders/" + orderRef
	v, err := a.Order(ctx, orderRef)
	if err != nil {
		return v, err
	}
	for v.Awaits != "" && v.Awaits != "userSign" {
		v, err = a.act(ctx, path+"/confirm", action{PersonalNumber: personalNumber})
		if err != nil {
			return v, err
		}
	}
	return a.act(ctx, path+"/sign", action{PersonalNumber: personalNumber, SecurityCode: code})
}

// Cancel presses cancel in the app.
func (a *App) Cancel(ctx context.Context, personalNumber, orderRef string) error {
	_, err := a.act(ctx, "/v1/orders/"+orderRef+"/cancel", action{PersonalNumber: personalNumber})
	return err
}

// DeclineCall says that the person is in no call with the relying party.
func (a *App) DeclineCall(ctx context.Context, personalNumber, orderRef string) error {
	_, err := a.act(ctx, "/v1/orders/"+orderRef+"/decline-call", action{PersonalNumber: personalNumber})
	return err
}

// Script sets how an order goes, or with an empty reference all orders without
// a script of their own.
func (a *App) Script(ctx context.Context, orderRef string, s bankid.Script) error {
	path := "/v1/script"
	if orderRef != "" {
		path = "/v1/orders/" + orderRef + "/script"
	}
	return a.call(ctx, http.MethodPut, path, s, nil)
}

// Settings replaces the simulator's assumptions.
func (a *App) Settings(ctx context.Context, s bankid.Settings) error {
	return a.call(ctx, http.MethodPut, "/v1/settings", s, nil)
}

// Fault switches a fault of BankID on.
func (a *App) Fault(ctx context.Context, f faults.Fault) error { return a.FaultAt(ctx, "bankid", f) }

// TimestampFault switches a fault of the timestamp authority on.
func (a *App) TimestampFault(ctx context.Context, f faults.Fault) error {
	return a.FaultAt(ctx, "tsa", f)
}

// Advance moves the simulated world's clock forward.
func (a *App) Advance(ctx context.Context, d time.Duration) error {
	return a.call(ctx, http.MethodPost, "/v1/clock", map[string]string{"advance": d.String()}, nil)
}

// ResetClock takes the simulated world back to real time. Let no order be live.
func (a *App) ResetClock(ctx context.Context) error {
	return a.call(ctx, http.MethodDelete, "/v1/clock", nil, nil)
}

func (a *App) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		encoded, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encode %s %s: %w", method, path, err)
		}
		body = bytes.NewReader(encoded)
	}
	r, err := http.NewRequestWithContext(ctx, method, a.base+path, body)
	if err != nil {
		return fmt.Errorf("simulated app: %w", err)
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := a.client.Do(r)
	if err != nil {
		return fmt.Errorf("simulated app: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode >= 300 {
		return refusal(answer)
	}
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(answer.Body).Decode(out); err != nil {
		return fmt.Errorf("read answer of %s %s: %w", method, path, err)
	}
	return nil
}

func refusal(answer *http.Response) error {
	var p struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&p); err != nil || p.Code == "" {
		return fmt.Errorf("simulated app: status %d", answer.StatusCode)
	}
	kind, ok := map[int]fault.Kind{
		http.StatusBadRequest: fault.Invalid, http.StatusForbidden: fault.Forbidden,
		http.StatusNotFound: fault.NotFound, http.StatusConflict: fault.Conflict,
	}[answer.StatusCode]
	if !ok {
		kind = fault.Internal
	}
	return fault.New(kind, p.Code, "%s", p.Message)
}
