package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
	Write    string        `help:"The file whose section on this is to be written anew." type:"existingfile"`
	Worker   []string      `help:"Settings of the worker, such as HANDSLAG_FOLLOWERS=900." placeholder:"NAME=VALUE"`
}

// following is where its section of the benchmarks begins, which ends the file.
const following = "\n# What following live orders costs\n"

// Run is the command.
func (c *followCommand) Run(ctx context.Context) error {
	machine := bench.Machine()
	m, err := c.measure(ctx)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%s\nMeasured by `make bench-follow` on %s, on %s, with a simulated BankID, Temporal and\n"+
		"S3 on the same machine. Each attempt has a collection of its own, and a person who has opened the app and takes their time.\n\n```\n%s```\n",
		following, time.Now().UTC().Format(time.DateOnly), machine, m.String())
	fmt.Print(text)
	if c.Write == "" {
		return nil
	}
	before, err := os.ReadFile(c.Write)
	if err != nil {
		return fmt.Errorf("read what was measured before: %w", err)
	}
	others, _, _ := strings.Cut(string(before), following)
	return os.WriteFile(c.Write, []byte(others+text), 0o644)
}

func (c *followCommand) measure(ctx context.Context) (bench.Following, error) {
	var m bench.Following
	h, err := home.OpenScratch(c.State, time.Now)
	if err != nil {
		return m, err
	}
	ports, err := loopback.Free(ctx, 1)
	if err != nil {
		return m, closing(err, h)
	}
	self, err := os.Executable()
	if err != nil {
		return m, closing(fmt.Errorf("find this program: %w", err), h)
	}
	collects, profiles := &bench.Collects{}, loopback.Address(ports[0])
	in, err := start(ctx, h, installation.Options{
		World: filepath.Join(c.State, "world"), Product: c.Product,
		TemporalCommand: []string{self, "temporal"}, Watch: collects.Watch,
		Environment: append(c.Worker, "HANDSLAG_PROFILE_LISTEN="+profiles),
	})
	if err != nil {
		return m, closing(err, h)
	}
	run := bench.Follow{
		Installation: in, Collects: collects, Profiles: "http://" + profiles, PDF: c.PDF, Out: os.Stderr,
		Attempts: c.Attempts, Still: c.Still, Probes: c.Probes,
	}
	m, err = run.Run(ctx)
	if stopped := in.Stop(); err == nil {
		err = stopped
	}
	if err != nil {
		return m, closing(err, h)
	}
	return m, h.Remove()
}
