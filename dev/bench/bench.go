// Package bench measures what a buyer would: how much history a collection
// costs, how long people wait, and what a seal costs beside one reading of the
// file. It measures a whole installation, as it runs, and prints what it found.
package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/handslag/handslag/dev/installation"
	"github.com/handslag/handslag/dev/owner"
	"github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/person"
)

// Bench is what a run needs.
type Bench struct {
	Installation *installation.Installation
	PDF          string // the document that people sign
	Out          io.Writer

	owner    *owner.Client
	app      *person.App
	temporal client.Client

	mu     sync.Mutex // collections are made at once
	people int
}

// Run measures everything. It takes about four minutes, three of which wait for
// a simulated person who takes their time.
func (b *Bench) Run(ctx context.Context) error {
	b.owner = owner.New(b.Installation.API, b.Installation.APIKey)
	b.app = b.Installation.World.App()
	var err error
	b.temporal, err = client.DialContext(ctx, client.Options{HostPort: b.Installation.Temporal.Address, Logger: quiet{}})
	if err != nil {
		return fmt.Errorf("connect to Temporal: %w", err)
	}
	defer b.temporal.Close()
	if _, _, err := b.one(ctx, 0); err != nil { // the first is slower: caches, connections
		return err
	}
	slow := make(chan waited, 1)
	go func() { slow <- b.waits(ctx, 170*time.Second) }()
	for _, measure := range []func(context.Context) error{b.latency, b.histories, (&Documents{Page: b.PDF, Out: b.Out}).Run} {
		if err := measure(ctx); err != nil {
			return err
		}
	}
	return b.patience(ctx, slow)
}

// waited is the history of a collection whose person held the order for a while.
type waited struct {
	events, tasks int
	err           error
}

func (b *Bench) waits(ctx context.Context, d time.Duration) waited {
	id, _, err := b.one(ctx, d)
	if err != nil {
		return waited{err: err}
	}
	events, tasks, err := b.events(ctx, id)
	return waited{events, tasks, err}
}

func (b *Bench) patience(ctx context.Context, slow <-chan waited) error {
	quick := b.waits(ctx, 3*time.Second)
	long := <-slow
	if quick.err != nil || long.err != nil {
		return fmt.Errorf("wait with the app open: %w", firstOf(quick.err, long.err))
	}
	fmt.Fprintf(b.Out, "\nHistory when the person waits with the app open (events, and beside them those of workflow tasks,\n"+
		"of which there are fewer when answers happen to arrive together)\n  3 s: %d + %d   170 s: %d + %d\n",
		quick.events, quick.tasks, long.events, long.tasks)
	return nil
}

func firstOf(errs ...error) error {
	i := slices.IndexFunc(errs, func(err error) bool { return err != nil })
	return errs[i]
}

// histories counts the events of collections with n participants.
func (b *Bench) histories(ctx context.Context) error {
	fmt.Fprintf(b.Out, "\nHistory events of a collection, from its creation to its sealed document\n  participants   events   of workflow tasks   all per participant\n")
	for _, n := range []int{1, 2, 3, 5, 10} {
		collection, people, err := b.create(ctx, n)
		if err != nil {
			return err
		}
		for i := range n {
			if _, err := b.sign(ctx, collection, i, people[i], 0); err != nil {
				return err
			}
		}
		if err := b.completed(ctx, collection.ID); err != nil {
			return err
		}
		events, tasks, err := b.events(ctx, collection.ID)
		if err != nil {
			return err
		}
		fmt.Fprintf(b.Out, "  %12d %8d %19d %21.1f\n", n, events, tasks, float64(events+tasks)/float64(n))
	}
	return nil
}

// events counts the events of a workflow, those of workflow tasks apart.
func (b *Bench) events(ctx context.Context, id string) (events, tasks int, err error) {
	history := b.temporal.GetWorkflowHistory(ctx, id, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for history.HasNext() {
		e, err := history.Next()
		if err != nil {
			return 0, 0, fmt.Errorf("read the history: %w", err)
		}
		if strings.HasPrefix(e.GetEventType().String(), "WorkflowTask") {
			tasks++
		} else {
			events++
		}
	}
	return events, tasks, nil
}

// one has one person sign one document, with the app open for a while.
func (b *Bench) one(ctx context.Context, open time.Duration) (string, times, error) {
	collection, people, err := b.create(ctx, 1)
	if err != nil {
		return "", times{}, err
	}
	t, err := b.sign(ctx, collection, 0, people[0], open)
	if err == nil {
		err = b.completed(ctx, collection.ID)
	}
	return collection.ID, t, err
}

func (b *Bench) create(ctx context.Context, n int) (owner.Collection, []bankid.Person, error) {
	pdf, err := os.ReadFile(b.PDF)
	if err != nil {
		return owner.Collection{}, nil, fmt.Errorf("read the document: %w", err)
	}
	document, err := b.owner.Upload(ctx, bytes.NewReader(pdf))
	if err != nil {
		return owner.Collection{}, nil, fmt.Errorf("upload: %w", err)
	}
	request := owner.Request{Documents: []owner.Titled{{ID: document.ID, Title: "Mätning"}}}
	var people []bankid.Person
	for range n {
		p := b.newPerson()
		if err := b.app.Register(ctx, p); err != nil {
			return owner.Collection{}, nil, fmt.Errorf("register a person: %w", err)
		}
		people = append(people, p)
		request.Participants = append(request.Participants, owner.Participant{Name: "Person", PersonalNumber: p.PersonalNumber})
	}
	collection, err := b.owner.Create(ctx, request)
	return collection, people, err
}

// newPerson makes a person with a number that nobody had before. The serials 980
// to 999 are nobody's: the tax agency keeps them for tests.
func (b *Bench) newPerson() bankid.Person {
	b.mu.Lock()
	defer b.mu.Unlock()
	day := time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, b.people/20)
	digits := fmt.Sprintf("%s%03d", day.Format("20060102"), 980+b.people%20)
	b.people++
	sum := 0
	for i, c := range digits[2:] {
		d := int(c - '0')
		if i%2 == 0 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return bankid.Person{PersonalNumber: fmt.Sprintf("%s%d", digits, (10-sum%10)%10), GivenName: "Mät", Surname: "Person"}
}

func (b *Bench) completed(ctx context.Context, id string) error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		now, err := b.owner.Collection(ctx, id)
		if err != nil {
			return fmt.Errorf("ask for the collection: %w", err)
		}
		if now.State == "completed" {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("collection %s was not sealed in time", id)
}

// quiet drops what the Temporal client logs.
type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}
