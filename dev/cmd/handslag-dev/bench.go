package main

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/handslag/handslag/dev/bench"
	"github.com/handslag/handslag/dev/home"
	"github.com/handslag/handslag/dev/installation"
)

type benchCommand struct {
	State   string `default:".handslag/demo" help:"Folder for the state of the run." type:"path"`
	Product string `default:"bin/handslag" help:"The product's binary." type:"path"`
	PDF     string `default:"dev/demo/hyresavtal.pdf" help:"The document to sign." type:"existingfile"`
	// Documents needs no installation, and no product.
	Documents bool   `help:"Measure the PDF engine only; takes about a minute."`
	Folder    string `help:"Where files of up to 1 GB go for a while." type:"existingdir"`
}

// Run is the command.
func (b *benchCommand) Run(ctx context.Context) error {
	if b.Documents {
		return (&bench.Documents{Page: b.PDF, Folder: b.Folder, Out: os.Stdout}).Run(ctx)
	}
	h, err := home.OpenScratch(b.State, time.Now)
	if err != nil {
		return err
	}
	in, err := start(ctx, h, installation.Options{World: filepath.Join(b.State, "world"), Product: b.Product})
	if err != nil {
		return closing(err, h)
	}
	run := bench.Bench{Installation: in, PDF: b.PDF, Out: os.Stdout}
	err = run.Run(ctx)
	if stopped := in.Stop(); err == nil {
		err = stopped
	}
	if err != nil {
		return closing(err, h)
	}
	return h.Remove()
}
