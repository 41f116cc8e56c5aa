package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"

	"github.com/handslag/handslag/accounts"
	"github.com/handslag/handslag/api"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/seals"
	"github.com/handslag/handslag/worker"
)

// healthCommand is for health checks in images that have no shell.
type healthCommand struct {
	URL    healthURL    `cmd:"" name:"url" help:"Ask an address; healthy if it answers 2xx."`
	Worker healthWorker `cmd:"" help:"Ask Temporal (TEMPORAL_*) whether this machine's worker polls, and whether the seals and the providers' accounts that it is set up with can be used."`
}

type healthURL struct {
	URL     string        `arg:"" help:"Such as http://127.0.0.1:8080/health/ready." placeholder:"URL"`
	Timeout time.Duration `default:"4s" help:"How long an answer may take."`
}

// Run asks once.
func (c *healthURL) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL, nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", c.URL, err)
	}
	// A health check is answered by who is asked, not by where it points.
	asker := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := asker.Do(request)
	if err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // nothing of it is read
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%s answers %s", c.URL, response.Status)
	}
	return nil
}

type healthWorker struct {
	sealFlags    `embed:""`
	accountFlags `embed:""`
	shared       `embed:""`
	Timeout      time.Duration `default:"8s" help:"How long an answer may take."`
}

// Run asks once.
func (c *healthWorker) Run(ctx context.Context, stdout io.Writer) error {
	now := time.Now()
	return errors.Join(c.terms(stdout, now), c.accountTerms(stdout, now), c.refused(ctx, stdout, now), c.polling(ctx))
}

// accountTerms looks at the ends of the accounts' credentials. What it cannot read
// is no illness: a worker that runs keeps what it has read.
func (c *healthWorker) accountTerms(stdout io.Writer, now time.Time) error {
	if c.AccountsFile == "" {
		return nil
	}
	settings, err := c.accountSettings()
	if err != nil {
		fmt.Fprintln(stdout, "warning:", err)
		return nil
	}
	var expired []error
	for _, t := range accounts.ReadTerms(settings, accounts.Options{Getenv: os.Getenv, Clock: func() time.Time { return now }}) {
		switch {
		case fault.CodeOf(t.Err) == accounts.CodeExpired:
			expired = append(expired, fmt.Errorf("account %q: %w", t.Account, t.Err))
		case t.Err != nil:
			fmt.Fprintf(stdout, "warning: account %q: %v\n", t.Account, t.Err)
		case t.Until.IsZero():
		case now.After(t.Until):
			expired = append(expired, fmt.Errorf("account %q: its credentials expired on %s, by its settings", t.Account, t.Until.UTC().Format(time.DateOnly)))
		case t.Until.Sub(now) < accounts.Soon:
			fmt.Fprintf(stdout, "warning: account %q expires in %d days, on %s\n", t.Account, int(t.Days(now)), t.Until.UTC().Format(time.DateOnly))
		}
	}
	return errors.Join(expired...)
}

// refused looks at what the workers have reported of the accounts, where it is
// told where that is.
func (c *healthWorker) refused(ctx context.Context, stdout io.Writer, now time.Time) error {
	if c.AccountsFile == "" || c.KeyringFile == "" || c.S3Bucket == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	c.S3CreateBucket = false // who asks makes nothing
	ring, err := c.ring()
	if err != nil {
		return err
	}
	store, err := c.store(ctx, ring)
	if err != nil {
		return err
	}
	return refusals(ctx, findings{store}, stdout, now)
}

// refusals are the accounts that a provider refuses. One that rests is worth a
// word, and mends itself.
func refusals(ctx context.Context, from findings, stdout io.Writer, now time.Time) error {
	conditions, err := from.Conditions(ctx, now)
	if err != nil {
		return fmt.Errorf("read how the accounts do: %w", err)
	}
	found := map[string]error{}
	for _, a := range conditions {
		switch a.State {
		case api.AccountRefused:
			found[a.Account] = fmt.Errorf("account %q: the provider refuses its credentials since %s (%s)", a.Account, a.Since.UTC().Format(time.RFC3339), a.Code)
		case api.AccountResting:
			fmt.Fprintf(stdout, "warning: account %q rests since %s (%s)\n", a.Account, a.Since.UTC().Format(time.RFC3339), a.Code)
		case api.AccountOK, api.AccountUnknown:
		}
	}
	return errors.Join(slices.Collect(maps.Values(found))...)
}

// terms looks at the seals' certificates, not at their keys. What it cannot read
// is no illness: a worker that runs keeps what it has read.
func (c *healthWorker) terms(stdout io.Writer, now time.Time) error {
	if !c.given() {
		return nil
	}
	settings, err := c.settings()
	if err != nil {
		fmt.Fprintln(stdout, "warning:", err)
		return nil
	}
	var expired []error
	for _, t := range seals.ReadTerms(settings, seals.Options{Getenv: os.Getenv, Clock: func() time.Time { return now }}) {
		switch {
		case fault.CodeOf(t.Err) == seals.CodeExpired:
			expired = append(expired, fmt.Errorf("seal %q: %w", t.Seal, t.Err))
		case t.Err != nil:
			fmt.Fprintf(stdout, "warning: seal %q: %v\n", t.Seal, t.Err)
		case t.Until.Sub(now) < seals.Soon:
			fmt.Fprintf(stdout, "warning: seal %q expires in %d days, on %s\n", t.Seal, int(t.Days(now)), t.Until.UTC().Format(time.DateOnly))
		}
	}
	return errors.Join(expired...)
}

func (c *healthWorker) polling(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return fmt.Errorf("read TEMPORAL_* settings: %w", err)
	}
	temporal, err := client.DialContext(ctx, options)
	if err != nil {
		return fmt.Errorf("connect to Temporal: %w", err)
	}
	defer temporal.Close()
	host, err := os.Hostname()
	if err != nil {
		return fmt.Errorf("find this machine's name: %w", err)
	}
	return worker.Polling(ctx, temporal, host, time.Now())
}
