package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/handslag/handslag/dev/bench"
	"github.com/handslag/handslag/dev/home"
	"github.com/handslag/handslag/dev/installation"
	"github.com/handslag/handslag/dev/loopback"
)

type followCommand struct {
	State    string        `default:".handslag/demo" help:"Folder for the state of the run." type:"path"`
	Product  string        `default:"bin/handslag" help:"The product's binary." type:"path"`
	PDF      string        `default:"dev/demo/hyresavtal.pdf" help:"The document to sign." type:"existingfile"`
	Attempts int           `default:"1000" help:"How many are followed at the same time."`
	Still    time.Duration `default:"40s" help:"How long nothing else is done while they are."`
	Probes   int           `default:"10" help:"How many people start and sign meanwhile."`
	Worker   []string      `help:"Settings of the worker, such as HANDSLAG_FOLLOWERS=900." placeholder:"NAME=VALUE"`
}

// Run is the command.
func (c *followCommand) Run(ctx context.Context) error {
	h, err := home.OpenScratch(c.State, time.Now)
	if err != nil {
		return err
	}
	ports, err := loopback.Free(ctx, 1)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	collects, profiles := &bench.Collects{}, loopback.Address(ports[0])
	in, err := start(ctx, h, installation.Options{
		World: filepath.Join(c.State, "world"), Product: c.Product,
		TemporalCommand: []string{self, "temporal"}, Watch: collects.Watch,
		Environment: append(c.Worker, "HANDSLAG_PROFILE_LISTEN="+profiles),
	})
	if err != nil {
		return closing(err, h)
	}
	run := bench.Follow{
		Installation: in, Collects: collects, Profiles: "http://" + profiles, PDF: c.PDF, Out: os.Stderr,
		Attempts: c.Attempts, Still: c.Still, Probes: c.Probes,
	}
	measured, err := run.Run(ctx)
	if err == nil {
		fmt.Printf("On %s.\n%s", bench.Machine(), measured.String())
	}
	if stopped := in.Stop(); err == nil {
		err = stopped
	}
	if err != nil {
		return closing(err, h)
	}
	return h.Remove()
}
