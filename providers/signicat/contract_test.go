package signicat_test

import (
	"context"
	"testing"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/providers/providertest"
	"github.com/handslag/handslag/providers/signicat"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/simulator/faults"
	simulated "github.com/handslag/handslag/simulator/signicat"
)

func TestContract(t *testing.T) { providertest.Run(t, subject) }

func subject(t *testing.T) providertest.Subject { return newWorld(t).subject() }

func (w *world) subject() providertest.Subject {
	once := func(f faults.Fault) func() { return func() { w.fault(f) } }
	return providertest.Subject{
		Provider: w.client(nil), Request: request, People: w.people, Clock: w.clock.Now, Advance: w.clock.Advance,
		Sign: w.sign,
		Refuse: func(ctx context.Context, _ signing.PersonalNumber, o providers.Order) error {
			_, err := w.act(ctx, o, "reject", simulated.Act{Reason: "Nei takk"}, "rejected")
			return err
		},
		LoseStart:   once(faults.Fault{Kind: faults.CutAfter, Endpoint: simulated.EndpointCreate}),
		DropStart:   once(faults.Fault{Kind: faults.CutBefore, Endpoint: simulated.EndpointCreate}),
		LoseCollect: once(faults.Fault{Kind: faults.CutAfter, Endpoint: simulated.EndpointGet, TerminalOnly: true}),
		LoseCancel:  once(faults.Fault{Kind: faults.CutAfter, Endpoint: simulated.EndpointDelete}),
		Down:        once(faults.Fault{Kind: faults.Maintenance}),
		Elsewhere: func(t *testing.T) providers.Provider {
			return w.client(func(c *signicat.Config) { c.BaseURL, c.TokenURL = nowhere(t), nowhere(t) })
		},
		Push: w.push,
	}
}
