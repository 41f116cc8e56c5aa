// Package stack puts the parts of a development installation together: a
// Temporal server with its web UI in this process, and an object store in a
// process beside. Tests and the demo start one on free ports in a home of its
// own; a person starts one on known ports in a home that lasts.
package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"github.com/handslag/handslag/dev/home"
	"github.com/handslag/handslag/dev/loopback"
	"github.com/handslag/handslag/dev/objectstore"
	"github.com/handslag/handslag/dev/supervisor"
	"github.com/handslag/handslag/dev/temporalserver"
	"github.com/handslag/handslag/workflows"
)

// Namespace is the Temporal namespace of the product, Bucket its bucket.
const (
	Namespace = "default"
	Bucket    = "handslag"
)

// retention keeps closed workflows in the web UI for a week.
const retention = 7 * 24 * time.Hour

// Ports of the parts on the loopback interface. Zero finds a free one.
type Ports struct {
	Temporal, TemporalUI, S3 int
}

// Named tells the ports by the names of their parts.
func (p Ports) Named() map[string]int {
	return map[string]int{"Temporal": p.Temporal, "the Temporal UI": p.TemporalUI, "S3": p.S3}
}

// Options say how to run a stack.
type Options struct {
	// Home keeps the state. It stays the caller's to close, after Stop.
	Home *home.Home
	// StoreCommand runs a program that calls [objectstore.Serve].
	StoreCommand []string
	// TemporalCommand runs a program that calls [ServeTemporal], so that what the
	// server costs can be told apart. Without it the server is in this process.
	TemporalCommand []string
	Ports           Ports
	// FreshTemporal is [temporalserver.Options.Fresh].
	FreshTemporal bool
	// Note is told what a person at the console should know, a line at a time.
	Note func(string)
	// Entropy makes the secrets.
	Entropy io.Reader
}

// Stack is a running stack.
type Stack struct {
	Temporal *temporalserver.Server
	// TemporalChild is the server's own process, if it has one.
	TemporalChild *supervisor.Child
	Objects       *objectstore.Store
	// Processes runs the store and whatever the caller adds; Stop ends all of it
	// before the Temporal server, on which it may depend.
	Processes *supervisor.Supervisor
}

// Start starts the parts and returns when all of them serve. If it fails, it
// leaves nothing running.
func Start(ctx context.Context, o Options) (*Stack, error) {
	if err := loopback.Vacant(ctx, o.Ports.Named()); err != nil {
		return nil, err
	}
	s := &Stack{Processes: supervisor.New(o.Note)}
	err := s.startObjects(ctx, o)
	if err == nil {
		err = s.startTemporal(ctx, o)
	}
	if err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Stack) startObjects(ctx context.Context, o Options) error {
	secret, err := o.Home.Secret("s3", o.Entropy)
	if err != nil {
		return err
	}
	log, err := o.Home.LogFile("s3")
	if err != nil {
		return err
	}
	s.Objects, err = objectstore.Start(ctx, s.Processes, objectstore.Options{
		Command: o.StoreCommand, Dir: o.Home.ObjectsDir(), LogFile: log,
		Port: o.Ports.S3, SecretKey: secret, Bucket: Bucket,
	})
	if err != nil {
		return fmt.Errorf("start object store: %w", err)
	}
	return nil
}

func (s *Stack) startTemporal(ctx context.Context, o Options) error {
	log, err := o.Home.LogFile("temporal")
	if err != nil {
		return err
	}
	t := TemporalOptions{
		Dir: o.Home.TemporalDir(), LogFile: log,
		Port: o.Ports.Temporal, UIPort: o.Ports.TemporalUI, Fresh: o.FreshTemporal,
	}
	if len(o.TemporalCommand) > 0 {
		return s.startTemporalApart(ctx, t, o)
	}
	s.Temporal, err = temporalserver.Start(ctx, t.server())
	return err
}

// searchAttributes are those that the product's workflows set.
func searchAttributes() map[string]enumspb.IndexedValueType {
	return map[string]enumspb.IndexedValueType{
		workflows.SearchCollection.GetName(): workflows.SearchCollection.GetValueType(),
		workflows.SearchTenant.GetName():     workflows.SearchTenant.GetValueType(),
		workflows.SearchState.GetName():      workflows.SearchState.GetValueType(),
		workflows.SearchAttention.GetName():  workflows.SearchAttention.GetValueType(),
	}
}

// Stop ends the stack in order and returns when it has ended. Its state stays
// in the home.
func (s *Stack) Stop() error {
	s.Processes.Stop()
	if s.Temporal == nil || s.TemporalChild != nil {
		return nil
	}
	return s.Temporal.Stop()
}
