package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/handslag/handslag/dev/home"
	"github.com/handslag/handslag/dev/stack"
)

type up struct {
	State          string `default:".handslag" help:"Folder of the state." type:"path"`
	TemporalPort   int    `default:"7233" help:"Port of Temporal."`
	TemporalUIPort int    `default:"8233" name:"temporal-ui-port" help:"Port of the Temporal UI."`
	S3Port         int    `default:"9000" name:"s3-port" help:"Port of the S3 endpoint."`
	FreshTemporal  bool   `help:"Begin without the workflows of another Temporal version; documents stay."`
}

// Run is the command.
func (u *up) Run(ctx context.Context) error {
	h, err := home.Open(u.State, time.Now)
	if err != nil {
		return err
	}
	began := time.Now()
	s, err := start(ctx, h, stack.Ports{Temporal: u.TemporalPort, TemporalUI: u.TemporalUIPort, S3: u.S3Port}, u.FreshTemporal)
	if err != nil {
		return closing(err, h)
	}
	describe(s, h)
	fmt.Printf("\nReady after %s. Ctrl-C stops it; started again, it goes on where it was.\n", time.Since(began).Round(10*time.Millisecond))

	<-ctx.Done()
	fmt.Println("\nStopping.")
	return closing(s.Stop(), h)
}

type demo struct {
	State string `default:".handslag/demo" help:"Folder for the state of demos." type:"path"`
}

// Run is the command.
func (d *demo) Run(ctx context.Context) error {
	h, err := home.OpenScratch(d.State, time.Now)
	if err != nil {
		return err
	}
	s, err := start(ctx, h, stack.Ports{}, false)
	if err != nil {
		return closing(err, h) // and its logs stay, to look at
	}
	describe(s, h)
	if err := s.Stop(); err != nil {
		return closing(err, h)
	}
	return h.Remove()
}

// closing gives the home up, and returns err first, alone if it can.
func closing(err error, h *home.Home) error {
	closed := h.Close()
	if closed == nil {
		return err
	}
	return errors.Join(err, closed)
}

func start(ctx context.Context, h *home.Home, p stack.Ports, fresh bool) (*stack.Stack, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return stack.Start(ctx, stack.Options{
		Home: h, StoreCommand: []string{self, "s3"}, Ports: p, FreshTemporal: fresh,
		Note:    func(line string) { fmt.Fprintln(os.Stderr, time.Now().Format(time.TimeOnly), line) },
		Entropy: rand.Reader,
	})
}

func describe(s *stack.Stack, h *home.Home) {
	fmt.Printf("Handslag development stack, state and logs in %s\n\n", h.Dir())
	for _, line := range [][2]string{
		{"Temporal", s.Temporal.Address + "  namespace " + stack.Namespace},
		{"Temporal UI", s.Temporal.UI},
		{"S3", s.Objects.Endpoint + "  bucket " + s.Objects.Bucket},
		{"", "access key " + s.Objects.AccessKey + ", secret key in " + h.SecretsDir() + "/s3"},
	} {
		fmt.Printf("  %-13s %s\n", line[0], line[1])
	}
}
