package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"

	"github.com/handslag/handslag/worker"
)

// healthCommand is for health checks in images that have no shell.
type healthCommand struct {
	URL    healthURL    `cmd:"" name:"url" help:"Ask an address; healthy if it answers 2xx."`
	Worker healthWorker `cmd:"" help:"Ask Temporal (TEMPORAL_*) whether this machine's worker polls."`
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
	Timeout time.Duration `default:"8s" help:"How long an answer may take."`
}

// Run asks once.
func (c *healthWorker) Run(ctx context.Context) error {
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
