package stack

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/handslag/handslag/dev/loopback"
	"github.com/handslag/handslag/dev/supervisor"
	"github.com/handslag/handslag/dev/temporalserver"
)

// TemporalOptions are what differs between the Temporal servers of stacks.
type TemporalOptions struct {
	Dir, LogFile string // of the database, and of what the server says
	Port, UIPort int
	Fresh        bool
}

func (o TemporalOptions) server() temporalserver.Options {
	return temporalserver.Options{
		Dir: o.Dir, LogFile: o.LogFile, Port: o.Port, UIPort: o.UIPort,
		Namespace: Namespace, Retention: retention, SearchAttributes: searchAttributes(), Fresh: o.Fresh,
	}
}

// ServeTemporal runs a stack's Temporal in this process until ctx ends.
func ServeTemporal(ctx context.Context, o TemporalOptions) error {
	server, err := temporalserver.Start(ctx, o.server())
	if err != nil {
		return err
	}
	<-ctx.Done()
	return server.Stop()
}

// startTemporalApart runs Temporal in a process of its own.
func (s *Stack) startTemporalApart(ctx context.Context, t TemporalOptions, o Options) error {
	log, err := o.Home.LogFile("temporal-process")
	if err != nil {
		return err
	}
	free, err := loopback.Free(ctx, 2)
	if err != nil {
		return err
	}
	for i, port := range []*int{&t.Port, &t.UIPort} {
		if *port == 0 {
			*port = free[i]
		}
	}
	s.Temporal = &temporalserver.Server{Address: loopback.Address(t.Port), UI: "http://" + loopback.Address(t.UIPort)}
	s.TemporalChild, err = s.Processes.Start(ctx, supervisor.Process{
		Name: "temporal", LogFile: log,
		Command: append(o.TemporalCommand, "--dir="+t.Dir, "--log-file="+t.LogFile, "--fresh="+strconv.FormatBool(t.Fresh),
			"--port="+strconv.Itoa(t.Port), "--ui-port="+strconv.Itoa(t.UIPort)),
		// The web UI is what the server starts last.
		Ready: func(ctx context.Context) error { return answers(ctx, s.Temporal.UI) },
	})
	if err != nil {
		return fmt.Errorf("start Temporal: %w", err)
	}
	return nil
}

func answers(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	return answer.Body.Close()
}
