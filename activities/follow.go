package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"go.temporal.io/sdk/activity"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
)

const (
	// graceTime is how long after an order's life its answer is still asked for:
	// BankID keeps a completed order's answer for three minutes.
	graceTime = 3 * time.Minute
	// keepTime bounds one try of storing an answer, and otherTime how long an
	// answer that went elsewhere may take to be stored by another run.
	keepTime  = 8 * time.Second
	otherTime = 20 * time.Second
	// openTime is how long it is tried to end an order that stays open until it is
	// cancelled.
	openTime = 15 * time.Minute
)

// errPassOn ends a run of FollowAttempt so that another, on a healthy worker or
// with a fresh line to Temporal, takes the order over.
var errPassOn = fault.New(fault.Unavailable, "worker_passes_on", "The worker passes the order on.").After(time.Second)

// FollowAttempt collects an order at its provider's pace until it ends, and
// keeps the terminal answer before anybody looks at it. Its heartbeat details
// are a [Live], which the API reads.
//
// Runs of it may overlap or follow each other, when a worker dies or is cut
// off: each picks up the same order, none ever makes another. What a run cannot
// know from Temporal it finds in evidence: the first answer kept wins. Only a
// real cancellation withdraws the order; a heartbeat that Temporal did not take
// does nothing.
//
// Its input is a pointer since the input would lie on the stack of a goroutine
// that waits for minutes, of which there are thousands.
func (a *Attempts) FollowAttempt(ctx context.Context, in *FollowInput) (FollowResult, error) {
	f, err := a.follower(ctx, *in)
	if err != nil {
		return FollowResult{}, ToTemporal(err)
	}
	result, err := f.run()
	if err != nil {
		return result, ToTemporal(err)
	}
	f.unlock()
	return result, nil
}

// follower is one run of FollowAttempt.
type follower struct {
	*Attempts
	FollowInput
	provider    providers.Provider
	can         providers.Capabilities
	task        context.Context // ends when Temporal wants this run to end
	ctx         context.Context // for effects, which the end of the run must not cut
	again       bool            // an earlier run has followed the order
	live        Live
	token       []byte // by which Temporal knows this run
	told        error  // what Temporal wants of it: errWithdraw or errPassOn
	beaten      time.Time
	pause       time.Duration // before the next collect
	withdrawing bool          // the end of the task has been heard
	cancelled   bool          // the provider was told to end the order, and may have
}

func (a *Attempts) follower(task context.Context, in FollowInput) (*follower, error) {
	account, err := a.Providers.Provider(in.Tenant, in.Provider, in.Account)
	if err != nil {
		return nil, err
	}
	info := activity.GetInfo(task)
	return &follower{
		Attempts: a, FollowInput: in, provider: account, can: account.Capabilities(),
		task: task, ctx: context.WithoutCancel(task),
		live:  Live{Attempt: in.Attempt, Order: in.Order, At: a.Clock()},
		again: info.Attempt > 1, token: info.TaskToken,
	}, nil
}

// run's frame, like that of all that waits for the person, is kept small: with
// those of the SDK it decides whether a waiting order takes 16 or 32 KB of stack.
func (f *follower) run() (FollowResult, error) {
	if answer := f.carried(); answer != nil {
		return f.keep(answer)
	}
	if f.Withdraw || f.again {
		if kept, err := f.kept(); kept || err != nil {
			return FollowResult{End: FollowAnswered}, err
		}
	}
	f.beat()
	if f.Withdraw {
		return f.withdraw()
	}
	result, err := f.await()
	if !errors.Is(err, errWithdraw) {
		return result, err
	}
	// What somebody else has collected is in evidence, and not at the provider. If
	// that cannot be seen now, the provider's answer to withdraw tells.
	if kept, err := f.kept(); kept && err == nil {
		return FollowResult{End: FollowAnswered}, nil
	}
	return f.withdraw()
}

// carried is the answer that an earlier run got and could not store, if it did.
func (f *follower) carried() *StoredAnswer {
	var last Live
	if activity.HasHeartbeatDetails(f.task) && activity.GetHeartbeatDetails(f.task, &last) == nil && last.Answer != nil {
		return last.Answer
	}
	return f.Answer
}

// await collects until the order has ended, or errWithdraw says that it shall.
func (f *follower) await() (FollowResult, error) {
	f.pause = f.offset()
	for {
		if err := until(f, f.After(f.pause)); err != nil {
			return FollowResult{}, err
		}
		result, state, err := f.collect()
		if state == ended || err != nil {
			return result, err
		}
		if f.Clock().After(f.deadline()) {
			return FollowResult{}, errWithdraw // the provider has forgotten to end it, or cannot be reached
		}
	}
}

// offset spreads orders over the provider's pace: those that a worker takes over
// at once shall not be asked for in step ever after.
func (f *follower) offset() time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(f.Attempt)) // it cannot fail
	return f.can.CollectEvery * time.Duration(h.Sum32()>>16) >> 16
}

// deadline is how long the order is asked for. A provider that we send people to
// does not end orders when we want them ended: there is nothing to wait for then.
func (f *follower) deadline() time.Time {
	if f.can.Redirect {
		return f.Order.StartedAt.Add(f.can.OrderLife)
	}
	return f.Order.StartedAt.Add(f.can.OrderLife + graceTime)
}

// patience is how long it is tried to end the order from now on. One that a
// provider keeps open can be signed for all that time, and what was signed is
// there for us.
func (f *follower) patience() time.Time {
	if f.can.Redirect {
		return f.Clock().Add(openTime)
	}
	return f.deadline()
}

// orderState is what a collect found.
type orderState int

const (
	unheard orderState = iota // the provider gave no answer
	pending
	ended
)

// collect asks once how the order stands, and keeps the answer if it has ended.
func (f *follower) collect() (FollowResult, orderState, error) {
	if err := f.turn(f.withdrawing); err != nil {
		return FollowResult{}, unheard, err
	}
	var answer providers.Answer
	err := f.beatingWhile(func() (err error) {
		answer, err = f.provider.Collect(f.ctx, f.Order.Ref)
		return err
	})
	f.pause = max(f.can.CollectEvery, askedToWait(err))
	switch {
	case err == nil && answer.Terminal:
		result, err := f.keep(f.answered(answer))
		return result, ended, err
	case err == nil:
		changed := answer.Hint != f.live.Hint || answer.RelayedQR != f.live.Order.RelayedQR
		f.live.Hint, f.live.Order.RelayedQR = answer.Hint, answer.RelayedQR
		if changed || f.Clock().Sub(f.beaten) >= beatLive {
			f.beat()
		}
		return FollowResult{}, pending, nil
	case fault.KindOf(err) == fault.NotFound:
		result, err := f.gone(err)
		if result.End == FollowLost && f.cancelled {
			result = FollowResult{End: FollowCancelled}
		}
		return result, ended, err
	}
	activity.GetLogger(f.task).Warn("collect", "attempt", f.Attempt, "error", err)
	if f.Clock().Sub(f.beaten) >= beatLive {
		f.beat()
	}
	return FollowResult{}, unheard, nil
}

// answered is a terminal answer as it is kept.
func (f *follower) answered(answer providers.Answer) *StoredAnswer {
	return &StoredAnswer{
		Provider: f.Provider, Order: f.Order.Ref, StartedAt: f.Order.StartedAt, CollectedAt: f.Clock(), Raw: answer.Raw,
		Documents: f.Order.Documents,
	}
}

// keep stores a terminal answer, however long the store takes to accept it. The
// answer rides, encrypted, in the heartbeat details from before the store is
// asked: a store may hang, and this worker may die while it does.
func (f *follower) keep(answer *StoredAnswer) (FollowResult, error) {
	b, err := json.Marshal(answer)
	if err != nil {
		return FollowResult{}, fmt.Errorf("encode answer: %w", err)
	}
	f.live.Answer = answer
	for {
		f.beat()
		err := f.beatingWhile(func() error { return f.store(b) })
		if err == nil {
			return FollowResult{End: FollowAnswered}, nil
		}
		activity.GetLogger(f.task).Error("keep a provider's answer", "attempt", f.Attempt, "error", err)
		select {
		case <-f.After(time.Second):
		case <-activity.GetWorkerStopChannel(f.task):
			return FollowResult{}, errPassOn.Because(err)
		}
	}
}

// store asks the store once. The first answer kept wins.
func (f *follower) store(answer []byte) error {
	ctx, cancel := context.WithTimeout(f.ctx, keepTime)
	defer cancel()
	_, _, err := f.Evidence.AdoptEvidence(ctx, f.evidence(answerName), answer)
	return err
}

// gone settles an order that the provider no longer knows: another run of this
// activity has its answer, or it is lost.
func (f *follower) gone(cause error) (FollowResult, error) {
	for deadline := f.Clock().Add(otherTime); ; {
		kept, err := f.kept()
		switch {
		case err != nil:
			return FollowResult{}, err
		case kept:
			return FollowResult{End: FollowAnswered}, nil
		case f.Clock().After(deadline):
			return FollowResult{End: FollowLost, ProviderCode: providerCode(cause)}, nil
		}
		<-f.After(time.Second)
		f.beat()
	}
}

// withdraw ends the order, but keeps what was signed before that: it cancels
// only what a collect has just found open, and collects again when there was
// nothing to cancel.
func (f *follower) withdraw() (FollowResult, error) {
	f.withdrawing = true
	giveUp := f.patience()
	for {
		result, state, err := f.collect()
		if state == ended || err != nil {
			return result, err
		}
		if state == pending {
			err = f.provider.Cancel(f.ctx, f.Order.Ref)
			f.cancelled = err == nil || fault.KindOf(err) == fault.Uncertain
		}
		switch {
		case state == pending && err == nil:
			return FollowResult{End: FollowCancelled}, nil
		case f.Clock().After(giveUp):
			return FollowResult{End: FollowLost, ProviderCode: providerCode(err)}, nil
		case err != nil && fault.KindOf(err) != fault.NotFound:
			activity.GetLogger(f.task).Warn("cancel an order", "attempt", f.Attempt, "error", err)
		}
		if err := until(f, f.After(f.pause)); err != nil {
			return FollowResult{}, err
		}
	}
}

// kept reports whether the answer is in evidence.
func (f *follower) kept() (bool, error) {
	_, err := f.Evidence.GetEvidence(f.ctx, f.evidence(answerName))
	if err == nil || fault.KindOf(err) == fault.NotFound {
		return err == nil, nil
	}
	return false, fmt.Errorf("look for the answer: %w", err)
}

// unlock lets go of the person. It may fail: the lock ends by itself.
func (f *follower) unlock() {
	_, p, err := participant(f.ctx, f.Specs, f.AttemptRef)
	if err == nil {
		err = f.Persons.UnlockPerson(f.ctx, p.PersonalNumber, f.Attempt)
	}
	if err != nil {
		activity.GetLogger(f.task).Warn("unlock the person", "attempt", f.Attempt, "error", err)
	}
}

// providerCode is the most specific code of an error from a provider.
func providerCode(err error) string {
	if err == nil {
		return ""
	}
	var f *fault.Error
	if errors.As(err, &f) && f.ProviderCode != "" {
		return f.ProviderCode
	}
	return fault.CodeOf(err)
}
