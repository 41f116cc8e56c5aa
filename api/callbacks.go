package api

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/handslag/handslag/api/gen"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/workflows"
)

const (
	// maxCallback is far above what any provider sends.
	maxCallback = 64 << 10
	// callbackTime is how long a provider waits for the answer, at most. What is
	// not done by then is done by polling.
	callbackTime = 5 * time.Second
	// strangerBurst and strangerPace are how many calls that are not proven to be a
	// provider's an address may make at once, and how soon another.
	strangerBurst = 60
	strangerPace  = time.Second
	// unprovenHints is how many of them may lead to a look at one attempt.
	unprovenHints = 3

	callbacksInMemory = 8192
)

// callbacks is what a server remembers of providers' calls, so that those which
// are repeated or made by strangers cost nothing. Nothing depends on it: another
// server, or this one after a restart, remembers nothing.
type callbacks struct {
	done     *lru.Cache[string, struct{}]           // pushes that were taken, by account and key
	unproven *lru.Cache[signing.AttemptID, int]     // looks that pushes of unknown origin led to
	visits   *lru.Cache[netip.Addr, *strangerVisit] // of those who prove nothing
	mu       sync.Mutex                             // guards what unproven and visits hold
}

// strangerVisit is a bucket of calls, as full as it was at a time.
type strangerVisit struct {
	left float64
	at   time.Time
}

func newCallbacks() (*callbacks, error) {
	c := &callbacks{}
	var errs [3]error
	c.done, errs[0] = lru.New[string, struct{}](callbacksInMemory)
	c.unproven, errs[1] = lru.New[signing.AttemptID, int](callbacksInMemory)
	c.visits, errs[2] = lru.New[netip.Addr, *strangerVisit](callbacksInMemory)
	return c, errors.Join(errs[:]...)
}

// ReceiveCallback answers POST /v1/callbacks/{provider}/{account}. What the call
// says of an order is not believed and not kept: at most it makes the workflow ask
// the provider. An account that wants proof looks the same from outside as one
// that there is none of.
func (s *Server) ReceiveCallback(ctx context.Context, r gen.ReceiveCallbackRequestObject) (gen.ReceiveCallbackResponseObject, error) {
	var header http.Header
	if g, ok := ctx.(*gin.Context); ok {
		header = g.Request.Header
	}
	ctx, who := asCaller(ctx)
	ctx, stop := context.WithTimeout(ctx, callbackTime)
	defer stop()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, bodyFault(err)
	}
	push, err := s.config.Callbacks.ReadPush(r.Provider, r.Account, header, body)
	if (err != nil || !push.Authentic) && !s.callbacks.admit(who.ip, s.config.Clock()) {
		return nil, errCallbacks
	}
	switch fault.KindOf(err) {
	case fault.Invalid: // it is about something else
		return gen.ReceiveCallback204Response{}, nil
	default:
		if err != nil {
			return nil, errCallback
		}
	}
	return gen.ReceiveCallback204Response{}, s.hint(ctx, signing.AccountRef{Provider: r.Provider, Account: r.Account}, push)
}

// hint has the workflow look at the order that a push means, if there is any that
// was made at the account that was called: whoever can sign for one account says
// nothing of another's orders.
func (s *Server) hint(ctx context.Context, called signing.AccountRef, push providers.Push) error {
	key := called.Provider + "/" + called.Account + "/" + push.Key
	if !push.Authentic {
		key += "/unproven" // which must not stand in the way of the provider's own
	}
	if s.callbacks.done.Contains(key) {
		return nil
	}
	holder, err := s.config.Orders.FindOrder(ctx, called, refsOf(push)...)
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return nil // and not remembered: it may have come before we know of the order
	case err != nil:
		return err
	case !push.Authentic && !s.callbacks.lookOnce(holder.Attempt):
		return nil
	}
	err = s.config.Orchestrator.Hint(ctx, holder.Collection, key, workflows.Hint{Attempt: holder.Attempt})
	if err != nil && !isOver(err) {
		return err
	}
	s.callbacks.done.Add(key, struct{}{})
	return nil
}

func refsOf(push providers.Push) []string {
	var refs []string
	if push.Attempt != "" {
		refs = append(refs, string(push.Attempt))
	}
	for _, ref := range push.Orders {
		refs = append(refs, string(ref))
	}
	return refs
}

// admit takes one call from the bucket of an address, which is that of its network
// with IPv6: a caller there has as many addresses as they please.
func (c *callbacks) admit(from netip.Addr, now time.Time) bool {
	if network, err := from.Prefix(64); err == nil && from.Is6() {
		from = network.Addr()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	visit, ok := c.visits.Get(from)
	if !ok {
		visit = &strangerVisit{strangerBurst, now}
		c.visits.Add(from, visit)
	}
	visit.left = min(strangerBurst, visit.left+float64(max(0, now.Sub(visit.at)))/float64(strangerPace))
	visit.at = now
	if visit.left < 1 {
		return false
	}
	visit.left--
	return true
}

// lookOnce takes one of the looks at an attempt that pushes of unknown origin may
// lead to.
func (c *callbacks) lookOnce(id signing.AttemptID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, _ := c.unproven.Get(id)
	if n >= unprovenHints {
		return false
	}
	c.unproven.Add(id, n+1)
	return true
}

// remember notes whose an order is, for a provider that calls us back about it.
// Without the note its calls are of no use, and the order is polled as ever; so
// nothing that goes wrong here stops anybody from signing.
func (s *Server) remember(ctx context.Context, spec signing.Spec, offers []Offer, started workflows.StartedAttempt) {
	a := started.Attempt
	pushes := keep(offersFor(signing.Participant{Provider: a.Provider}, offers), func(c providers.Capabilities) bool { return c.Pushes })
	if len(pushes) == 0 || !a.Live() || started.Order.Ref == "" || started.Order.Account == "" {
		return
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), rememberTime)
	defer stop()
	holder := signing.Holder{Tenant: spec.Tenant, Collection: spec.ID, Participant: a.Participant, Attempt: a.ID}
	if err := s.config.Orders.PutOrder(ctx, signing.AccountRef{Provider: a.Provider, Account: started.Order.Account}, string(started.Order.Ref), holder); err != nil {
		s.config.Log.LogAttrs(ctx, slog.LevelWarn, "an order's calls will not be understood",
			slog.String("attempt", string(a.ID)), slog.Any("error", err))
	}
}

// rememberTime is what a person waits longer at most.
const rememberTime = 2 * time.Second
