package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"github.com/handslag/handslag/accounts"
	"github.com/handslag/handslag/api"
	"github.com/handslag/handslag/storage"
)

const (
	reportEvery  = 30 * time.Second // how old a last success in a report may be
	reportAlways = 5 * time.Minute  // a report that is not renewed for longer is of a worker that has ended
	reportHolds  = 3 * reportAlways // to whoever reads it
	reportKept   = 24 * time.Hour   // what is older is removed by the next worker that starts
)

// reports is where workers tell how they find the accounts.
type reports interface {
	PutReport(ctx context.Context, r storage.Report) error
	DropReport(ctx context.Context, worker string) error
	Reports(ctx context.Context) ([]storage.Report, error)
}

// reporter tells the others how this worker finds the accounts: at once when a
// state has changed, and each half minute when starts have succeeded since.
type reporter struct {
	keeper *accounts.Keeper
	to     reports
	worker string
	log    *slog.Logger
	clock  func() time.Time
	told   storage.Report
}

func newReporter(keeper *accounts.Keeper, to reports, entropy io.Reader, logger *slog.Logger) (*reporter, error) {
	id := make([]byte, 8)
	if _, err := io.ReadFull(entropy, id); err != nil {
		return nil, fmt.Errorf("name this worker: %w", err)
	}
	return &reporter{keeper: keeper, to: to, worker: "w-" + hex.EncodeToString(id), log: logger, clock: time.Now}, nil
}

// run reports until ctx ends, and then takes the report back.
func (r *reporter) run(ctx context.Context) {
	r.sweep(ctx)
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		r.tell(ctx)
		select {
		case <-ctx.Done():
			ended, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
			defer cancel()
			_ = r.to.DropReport(ended, r.worker) // else it grows old
			return
		case <-r.keeper.Changed():
		case <-tick.C:
		}
	}
}

// tell puts the report where it says something new, or has to be renewed. What
// could not be put is put at the next tick.
func (r *reporter) tell(ctx context.Context) {
	report := storage.Report{Worker: r.worker, At: r.clock().UTC()}
	for _, c := range r.keeper.Conditions() {
		report.Accounts = append(report.Accounts, storage.AccountFinding{
			Account: c.Account, Provider: c.Provider, State: string(c.State), Since: c.Since.UTC(), Code: c.Code, LastSuccess: c.LastSuccess.UTC(),
		})
	}
	if slices.Equal(report.Accounts, r.told.Accounts) && report.At.Sub(r.told.At) < reportAlways {
		return
	}
	if err := r.to.PutReport(ctx, report); err != nil {
		if ctx.Err() == nil {
			r.log.Warn("the accounts' states could not be reported", "error", err)
		}
		return
	}
	r.told = report
}

// sweep removes what workers that were killed have left.
func (r *reporter) sweep(ctx context.Context) {
	old, err := r.to.Reports(ctx)
	for _, o := range old {
		if r.clock().Sub(o.At) > reportKept && err == nil {
			err = r.to.DropReport(ctx, o.Worker)
		}
	}
	if err != nil && ctx.Err() == nil {
		r.log.Warn("old reports of workers could not be removed", "error", err)
	}
}

// findings gives the workers' reports the shape that the API knows.
type findings struct{ from reports }

// Conditions implements api.Conditions.
func (f findings) Conditions(ctx context.Context, now time.Time) ([]api.Condition, error) {
	all, err := f.from.Reports(ctx)
	if err != nil {
		return nil, err
	}
	var conditions []api.Condition
	for _, report := range all {
		if now.Sub(report.At) > reportHolds {
			continue
		}
		for _, a := range report.Accounts {
			conditions = append(conditions, api.Condition{
				Account: a.Account, State: api.AccountState(a.State), Since: a.Since, Code: a.Code, LastSuccess: a.LastSuccess,
			})
		}
	}
	return conditions, nil
}
