package idkollen_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/idkollen"
	"github.com/handslag/handslag/providers/providertest"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator/faults"
	simulated "github.com/handslag/handslag/simulator/idkollen"
)

func TestContract(t *testing.T) {
	t.Run("per order", func(t *testing.T) {
		providertest.Run(t, func(t *testing.T) providertest.Subject { return subject(t, false) })
	})
	t.Run("per account", func(t *testing.T) {
		providertest.Run(t, func(t *testing.T) providertest.Subject { return subject(t, true) })
	})
}

func subject(t *testing.T, perAccount bool) providertest.Subject {
	w := newWorld(t)
	if perAccount {
		w.config.StatusPerAccount = true
		w.put(http.MethodPut, "/settings", `{"perAccount":true}`)
	}
	once := func(kind faults.Kind, more string) func() { return func() { w.fault(kind, more) } }
	return providertest.Subject{
		Provider: w.client(nil), Request: request, People: w.people, Clock: w.clock.Now, Advance: w.clock.Advance,
		Sign: w.sign,
		Refuse: func(ctx context.Context, who signing.PersonalNumber, o providers.Order) error {
			ref, err := w.open(ctx, who, signing.ChannelQR, o)
			if err != nil {
				return err
			}
			return w.app.Cancel(ctx, who.Reveal(), ref)
		},
		LoseStart:   once(faults.CutAfter, `,"endpoint":"sign"`),
		LoseCollect: once(faults.CutAfter, `,"endpoint":"status","terminalOnly":true`),
		LoseCancel:  once(faults.CutAfter, `,"endpoint":"cancel"`),
		Down:        once(faults.Maintenance, ""),
		Forge: map[string]providertest.Forgery{
			"other person": {Set: once(simulated.OtherPerson, ""), Reason: signing.ReasonWrongSigner, ProviderCode: "wrong_signer"},
		},
		Elsewhere: func(t *testing.T) providers.Provider {
			return w.client(func(c *idkollen.Config) { c.BaseURL = nowhere(t) })
		},
		Push: func(context.Context, providers.Order) (http.Header, []byte, error) {
			all := w.arrived()
			if len(all) == 0 {
				return nil, nil, errNoPush
			}
			last := all[len(all)-1]
			return last.header, last.body, nil
		},
	}
}
