package person

import (
	"context"
	"net/http"
	"net/url"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/simulator/faults"
	"github.com/handslag/handslag/simulator/sbab"
	"github.com/handslag/handslag/simulator/signicat"
)

// below is where a provider's part of the control API is.
func below(provider string) string {
	if provider == "bankid" {
		return "/v1"
	}
	return "/v1/" + provider
}

// FaultAt switches a fault on at bankid, idkollen, sbab, qrona, signicat, tsa,
// tsa2 or status.
func (a *App) FaultAt(ctx context.Context, provider string, f faults.Fault) error {
	return a.call(ctx, http.MethodPost, below(provider)+"/faults", f, nil)
}

// FaultsAt are the faults that are still to come.
func (a *App) FaultsAt(ctx context.Context, provider string) ([]faults.Fault, error) {
	var left []faults.Fault
	err := a.call(ctx, http.MethodGet, below(provider)+"/faults", nil, &left)
	return left, err
}

// ClearFaults switches every fault off, everywhere.
func (a *App) ClearFaults(ctx context.Context) error {
	for _, provider := range []string{"bankid", "idkollen", "sbab", "qrona", "signicat", "tsa", "tsa2", "status"} {
		if err := a.call(ctx, http.MethodDelete, below(provider)+"/faults", nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// SettingsAt replaces a provider's settings, as its package has them.
func (a *App) SettingsAt(ctx context.Context, provider string, settings any) error {
	return a.call(ctx, http.MethodPut, below(provider)+"/settings", settings, nil)
}

// Enrol makes somebody a participant of a process of SBAB's, as SBAB would on
// its own pages.
func (a *App) Enrol(ctx context.Context, p sbab.Participant) (sbab.Participant, error) {
	var made sbab.Participant
	err := a.call(ctx, http.MethodPost, "/v1/sbab/participants", p, &made)
	return made, err
}

// RegisterNorwegian gives a person a Norwegian BankID. It may be repeated.
func (a *App) RegisterNorwegian(ctx context.Context, p signicat.Person) error {
	return a.call(ctx, http.MethodPost, "/v1/signicat/persons", p, nil)
}

// Sessions are all that Signicat knows of.
func (a *App) Sessions(ctx context.Context) ([]signicat.SessionView, error) {
	var all []signicat.SessionView
	err := a.call(ctx, http.MethodGet, "/v1/signicat/sessions", nil, &all)
	return all, err
}

// SignAt signs everything on the page that a person was sent to. What comes of
// it, and where their browser goes then, is in the view.
func (a *App) SignAt(ctx context.Context, page string, act signicat.Act) (signicat.SessionView, error) {
	return a.session(ctx, page, "sign", act)
}

// RejectAt rejects on the page that a person was sent to, for good.
func (a *App) RejectAt(ctx context.Context, page string, act signicat.Act) (signicat.SessionView, error) {
	return a.session(ctx, page, "reject", act)
}

// CancelAt leaves the page that a person was sent to. They may come back to it.
func (a *App) CancelAt(ctx context.Context, page string) (signicat.SessionView, error) {
	return a.session(ctx, page, "cancel", signicat.Act{})
}

func (a *App) session(ctx context.Context, page, do string, act signicat.Act) (signicat.SessionView, error) {
	var v signicat.SessionView
	u, err := url.Parse(page)
	if err != nil || u.Query().Get("sessionId") == "" {
		return v, fault.New(fault.Invalid, "bad_page", "the address is not that of a page to sign on")
	}
	err = a.call(ctx, http.MethodPost, "/v1/signicat/sessions/"+url.PathEscape(u.Query().Get("sessionId"))+"/"+do, act, &v)
	return v, err
}
