package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/seals"
	"github.com/handslag/handslag/worker"
)

// healthCommand is for health checks in images that have no shell.
type healthCommand struct {
	URL    healthURL    `cmd:"" name:"url" help:"Ask an address; healthy if it answers 2xx."`
	Worker healthWorker `cmd:"" help:"Ask Temporal (TEMPORAL_*) whether this machine's worker polls, and whether the seals that it is set up with have expired."`
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
	sealFlags `embed:""`
	Timeout   time.Duration `default:"8s" help:"How long an answer may take."`
}

// Run asks once.
func (c *healthWorker) Run(ctx context.Context, stdout io.Writer) error {
	return errors.Join(c.terms(stdout, time.Now()), c.polling(ctx))
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
