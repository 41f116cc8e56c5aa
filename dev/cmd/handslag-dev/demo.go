package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/handslag/handslag/dev/demo"
	"github.com/handslag/handslag/dev/home"
	"github.com/handslag/handslag/dev/installation"
	"github.com/handslag/handslag/dev/owner"
)

type demoCommand struct {
	State   string   `default:".handslag/demo" help:"Folder for the state of demos." type:"path"`
	Product string   `default:"bin/handslag" help:"The product's binary." type:"path"`
	Out     string   `default:"out" help:"Folder for the signed documents." type:"path"`
	Nordic  bool     `help:"Two Swedes and two Norwegians sign two documents, instead of two Swedes one."`
	PDF     []string `arg:"" optional:"" help:"The documents to sign; a sample contract when there are none." type:"existingfile"`
}

// Run is the command: a contract, people who sign it, and sealed and verified
// results.
func (d *demoCommand) Run(ctx context.Context) error {
	if len(d.PDF) == 0 {
		d.PDF = []string{filepath.Join("dev", "demo", "hyresavtal.pdf")}
		if d.Nordic {
			d.PDF = append(d.PDF, filepath.Join("dev", "demo", "bilaga.pdf"))
		}
	}
	h, err := home.OpenScratch(d.State, time.Now)
	if err != nil {
		return err
	}
	began := time.Now()
	say := func(format string, args ...any) {
		fmt.Printf("%6.2f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	say("start       Temporal, S3, simulated providers with their persons and timestamps, the API and a worker")
	in, err := start(ctx, h, installation.Options{World: filepath.Join(d.State, "world"), Product: d.Product})
	if err != nil {
		return closing(err, h) // and its logs stay, to look at
	}
	say("ready       API %s, Temporal UI %s, worker is process %d", in.API, in.Temporal.UI, in.Worker.PID())
	err = d.sign(ctx, in, say)
	if stopped := in.Stop(); err == nil {
		err = stopped
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "The logs are in", h.LogDir())
		return closing(err, h)
	}
	say("done")
	return h.Remove()
}

func (d *demoCommand) sign(ctx context.Context, in *installation.Installation, say func(string, ...any)) error {
	signers := demo.People()
	if d.Nordic {
		signers = demo.Neighbours()
	}
	run := demo.Demo{
		Owner: owner.New(in.API, in.APIKey), App: in.World.App(), Signers: signers, PDFs: d.PDF, Out: d.Out,
		Say: say, Patience: 2 * time.Minute,
	}
	results, err := run.Run(ctx)
	if err != nil {
		return err
	}
	trust := filepath.Join(d.Out, "trust")
	if err := copyTrust(in.Trust, trust); err != nil {
		return err
	}
	for _, files := range results {
		for i := range files {
			files[i] = relative(files[i])
		}
		say("verify      offline: %s verify --trust %s %s\n", relative(d.Product), relative(trust), strings.Join(files, " "))
		verify := exec.CommandContext(ctx, d.Product, append([]string{"verify", "--trust", relative(trust)}, files...)...)
		verify.Stdout, verify.Stderr = os.Stdout, os.Stderr
		verify.Env = []string{} // it needs nothing but the files and the anchors
		if err := verify.Run(); err != nil {
			return fmt.Errorf("verify %s: %w", files[0], err)
		}
		fmt.Println()
	}
	return nil
}

// copyTrust writes the trust anchors beside the results.
func copyTrust(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return fmt.Errorf("make folder for trust anchors: %w", err)
	}
	files, err := filepath.Glob(filepath.Join(from, "*.pem"))
	if err != nil || len(files) == 0 {
		return errors.Join(errors.New("the simulated world has no trust anchors"), err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read trust anchor: %w", err)
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(file)), b, 0o644); err != nil {
			return fmt.Errorf("write trust anchor: %w", err)
		}
	}
	return nil
}

// relative shortens a path for the console.
func relative(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	short, err := filepath.Rel(wd, path)
	if err != nil || len(short) > len(path) {
		return path
	}
	return short
}
