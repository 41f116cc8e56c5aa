package api

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/handslag/handslag/api/gen"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// methodOrder is the order in which methods are told.
func methodOrder() []signing.Method {
	return []signing.Method{
		signing.MethodBankIDSE, signing.MethodNBIDPKI, signing.MethodBankIDSEIdentify, signing.MethodBankIDSEProcess,
	}
}

// GetProviders answers GET /v1/providers.
func (s *Server) GetProviders(ctx context.Context, _ gen.GetProvidersRequestObject) (gen.GetProvidersResponseObject, error) {
	ctx, who := asCaller(ctx)
	now := s.config.Clock()
	conditions, err := s.config.Conditions.Conditions(ctx, now)
	if err != nil {
		return nil, err
	}
	answer := gen.Providers{Routes: []gen.Route{}, Providers: []gen.Provider{}}
	at := map[string]int{} // where a provider is in the answer
	offers := s.config.Accounts.Offers(who.tenant)
	for _, method := range methodOrder() {
		if len(offers[method]) == 0 {
			continue
		}
		route := gen.Route{Method: gen.Method(method), Providers: []string{}}
		for _, o := range offers[method] {
			route.Providers = append(route.Providers, o.Provider)
			i, told := at[o.Provider]
			if !told {
				i = len(answer.Providers)
				p, err := s.provider(ctx, o, worst(o, conditions, now), now)
				if err != nil {
					return nil, err
				}
				at[o.Provider], answer.Providers = i, append(answer.Providers, p)
			}
			assurance, level := o.Capabilities.Yields(method)
			answer.Providers[i].Methods = append(answer.Providers[i].Methods, gen.ProviderMethod{
				Method: gen.Method(method), Assurance: gen.Assurance(assurance), Level: gen.Level(cmp.Or(level, signing.LevelAny)),
			})
		}
		answer.Routes = append(answer.Routes, route)
	}
	return gen.GetProviders200JSONResponse(answer), nil
}

// provider describes one, but for its methods.
func (s *Server) provider(ctx context.Context, o Offer, c Condition, now time.Time) (gen.Provider, error) {
	polled, err := s.config.Orchestrator.Polled(ctx, o.Provider, now)
	if err != nil {
		return gen.Provider{}, err
	}
	p := gen.Provider{
		Provider: o.Provider, Environment: gen.ProviderEnvironment(o.Environment),
		Methods: []gen.ProviderMethod{}, Channels: channels(o.Capabilities), Qr: qrMode(o.Capabilities.QR),
		Redirect: o.Capabilities.Redirect, ReturnsPdf: o.Capabilities.ReturnsPDF, Pushes: o.Capabilities.Pushes,
		State: gen.ProviderState(c.State), Polled: polled,
		Since: optional(c.Since), Code: optional(c.Code), LastSuccess: optional(c.LastSuccess),
	}
	if !o.Until.IsZero() {
		days := float32(math.Floor(o.Until.Sub(now).Hours()/24*10) / 10)
		p.DaysToExpiry = &days
	}
	return p, nil
}

// worst is how an account does: as the worker finds it that finds it worst, since
// that is whom a person may meet.
func worst(o Offer, all []Condition, now time.Time) Condition {
	order := []AccountState{AccountUnknown, AccountOK, AccountResting, AccountRefused}
	found := Condition{State: AccountUnknown}
	var success time.Time
	for _, c := range all {
		if c.Account != o.Account {
			continue
		}
		if c.LastSuccess.After(success) {
			success = c.LastSuccess
		}
		if slices.Index(order, c.State) > slices.Index(order, found.State) {
			found = c
		}
	}
	if o.Expired {
		found = Condition{State: AccountRefused, Code: codeAccountExpired}
		if o.Until.Before(now) { // else it is not valid yet
			found.Since = o.Until
		}
	}
	found.LastSuccess = success
	return found
}

// codeAccountExpired is the problem of an account whose certificate has expired.
const codeAccountExpired = "account_expired"

func channels(c providers.Capabilities) []gen.Channel {
	all := []gen.Channel{}
	if c.QR != providers.QRNone {
		all = append(all, gen.Channel(signing.ChannelQR), gen.Channel(signing.ChannelSameDevice))
	}
	if c.Phone {
		all = append(all, gen.Channel(signing.ChannelPhone))
	}
	return all
}

func qrMode(m providers.QRMode) gen.ProviderQr {
	switch m {
	case providers.QRCompute:
		return gen.Computed
	case providers.QRRelay:
		return gen.Relayed
	case providers.QRNone:
	}
	return gen.None
}
