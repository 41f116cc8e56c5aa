package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/handslag/handslag/dev/installation"
	"github.com/handslag/handslag/dev/owner"
	"github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/faults"
)

// collectEvery is the pace that BankID asks for.
const collectEvery = 2 * time.Second

// life is how long orders live while they are measured. It is less than what the
// worker gives a BankID order before it withdraws it.
const life = 350 * time.Second

// Follow measures what it costs to follow many live orders at once: people who
// have opened the app and take their time. The installation is one whose
// simulated BankID Collects watches, whose Temporal is a process of its own, and
// whose worker serves profiles.
//
// Everything is as in a real installation, and in real time, but for the life of
// an order: three minutes are too short to start a thousand on a busy machine.
type Follow struct {
	Installation *installation.Installation
	Collects     *Collects
	Profiles     string // base URL of the worker's profiles
	PDF          string
	Out          io.Writer

	Attempts int           // followed at the same time
	Still    time.Duration // how long nothing else is done while they are
	Probes   int           // people who start and sign meanwhile

	bench *Bench
}

// Following is what was measured.
type Following struct {
	Attempts int
	Ramp     time.Duration // until all were started and the app was open
	Pace     Pace          // while nothing else was done
	Busy     Pace          // while others started and signed
	// Idle is the worker's memory with no collection, Made with all of them and
	// no attempt yet, Waiting with all attempts live.
	Idle, Made, Waiting Memory
	// Grown is by how many events all histories together grew while nothing else
	// was done.
	Grown  int64
	Length int64 // of one history, the longest
	Still  time.Duration
	CPU    []Share
	// Alone is how those who sign fared while nobody else had an order, and Amid
	// while all of the others had.
	Alone, Amid Probed
}

// Share is the time that a process used while nothing else was done.
type Share struct {
	Name string
	Used time.Duration
}

// Probed is how long those who start and sign at once waited, sorted.
type Probed struct {
	Start  []time.Duration // the call that starts an attempt
	Shown  []time.Duration // from the signature at BankID until our API showed it
	Sealed []time.Duration // from there until the document was sealed
}

// Run measures.
func (f *Follow) Run(ctx context.Context) (Following, error) {
	m := Following{Attempts: f.Attempts, Still: f.Still}
	f.bench = &Bench{Installation: f.Installation, PDF: f.PDF, Out: f.Out}
	f.bench.owner = owner.New(f.Installation.API, f.Installation.APIKey)
	f.bench.app = f.Installation.World.App()
	var err error
	f.bench.temporal, err = client.DialContext(ctx, client.Options{HostPort: f.Installation.Temporal.Address, Logger: quiet{}})
	if err != nil {
		return m, fmt.Errorf("connect to Temporal: %w", err)
	}
	defer f.bench.temporal.Close()
	if _, err := f.probe(ctx, 2); err != nil { // caches, connections
		return m, err
	}
	if m.Alone, err = f.probe(ctx, f.Probes); err != nil {
		return m, err
	}
	if m.Idle, err = f.memory(ctx); err != nil {
		return m, err
	}
	waiting, err := f.create(ctx)
	if err != nil {
		return m, err
	}
	if m.Made, err = f.memory(ctx); err != nil {
		return m, err
	}
	if err := f.bench.app.Script(ctx, "", bankid.Script{Life: faults.Duration(life)}); err != nil {
		return m, fmt.Errorf("let orders live for longer: %w", err)
	}
	began := time.Now()
	if err := f.start(ctx, waiting); err != nil {
		return m, err
	}
	m.Ramp = time.Since(began)
	f.say("all %d orders are live and open after %.0f s", f.Attempts, m.Ramp.Seconds())
	time.Sleep(3 * time.Second) // until what the starts left to do is done
	if err := f.measure(ctx, &m, waiting); err != nil {
		return m, err
	}
	return m, nil
}

// measure measures while all are live.
func (f *Follow) measure(ctx context.Context, m *Following, waiting []*waits) error {
	before, _, err := f.lengths(ctx, waiting)
	if err != nil {
		return err
	}
	used, err := f.cpu()
	if err != nil {
		return err
	}
	from := time.Now()
	time.Sleep(f.Still)
	to := time.Now()
	m.Still = to.Sub(from)
	m.CPU, err = f.cpu()
	if err != nil {
		return err
	}
	for i := range m.CPU {
		m.CPU[i].Used -= used[i].Used
	}
	after, longest, err := f.lengths(ctx, waiting)
	if err != nil {
		return err
	}
	m.Pace, m.Grown, m.Length = f.Collects.Pace(from, to, collectEvery), after-before, longest
	if m.Waiting, err = f.memory(ctx); err != nil {
		return err
	}
	from = time.Now()
	if m.Amid, err = f.probe(ctx, f.Probes); err != nil {
		return err
	}
	m.Busy = f.Collects.Pace(from, time.Now(), collectEvery)
	return nil
}

// waits is a person who has opened the app and takes their time.
type waits struct {
	collection owner.Collection
	person     bankid.Person
}

// starters is how many people start at the same time, and makers how many
// collections are made at the same time.
const (
	starters = 6
	makers   = 6
	tries    = 3 // of a start
)

func (f *Follow) create(ctx context.Context) ([]*waits, error) {
	f.say("make %d collections", f.Attempts)
	all := make([]*waits, f.Attempts)
	err := atOnce(len(all), makers, func(i int) error {
		collection, people, err := f.bench.create(ctx, 1)
		if err == nil {
			all[i] = &waits{collection, people[0]}
		}
		return err
	})
	return all, err
}

func (f *Follow) start(ctx context.Context, all []*waits) error {
	f.say("start an attempt in each, and open the app")
	return atOnce(len(all), starters, func(i int) error {
		w := all[i]
		live, err := f.bench.owner.Start(ctx, w.collection.ID, w.collection.Participants[0].ID, "same-device")
		for try := 1; err != nil; try++ { // as a person would, on a machine that does not keep up
			if try == tries {
				return fmt.Errorf("start attempt %d: %w", i, err)
			}
			f.say("attempt %d could not be started, and is again: %v", i, err)
			live, err = f.bench.owner.Start(ctx, w.collection.ID, w.collection.Participants[0].ID, "same-device")
		}
		if _, err := f.bench.app.Open(ctx, w.person.PersonalNumber, live.Launch.DesktopLink); err != nil {
			return fmt.Errorf("open the app: %w", err)
		}
		return nil
	})
}

// atOnce does n things, a few at the same time, until one fails.
func atOnce(n, few int, do func(int) error) error {
	next := make(chan int)
	failed := make(chan error, few)
	var group sync.WaitGroup
	for range few {
		group.Go(func() {
			for i := range next {
				if err := do(i); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	var err error
	for i := 0; i < n && err == nil; i++ {
		select {
		case next <- i:
		case err = <-failed:
		}
	}
	close(next)
	group.Wait()
	select {
	case late := <-failed:
		err = errors.Join(err, late)
	default:
	}
	return err
}

// probe has people start and sign at once, one after the other.
func (f *Follow) probe(ctx context.Context, n int) (Probed, error) {
	var p Probed
	for range n {
		collection, people, err := f.bench.create(ctx, 1)
		if err != nil {
			return p, err
		}
		t, err := f.bench.sign(ctx, collection, 0, people[0], 0)
		if err != nil {
			return p, err
		}
		signed := time.Now()
		if err := f.bench.completed(ctx, collection.ID); err != nil {
			return p, err
		}
		p.Start, p.Shown = append(p.Start, t.start), append(p.Shown, t.shown)
		p.Sealed = append(p.Sealed, time.Since(signed))
	}
	for _, took := range [][]time.Duration{p.Start, p.Shown, p.Sealed} {
		slices.Sort(took)
	}
	return p, nil
}

// lengths counts the events of all histories, and of the longest.
func (f *Follow) lengths(ctx context.Context, all []*waits) (sum, longest int64, err error) {
	for _, w := range all {
		described, err := f.bench.temporal.DescribeWorkflowExecution(ctx, w.collection.ID, "")
		if err != nil {
			return 0, 0, fmt.Errorf("describe a workflow: %w", err)
		}
		n := described.GetWorkflowExecutionInfo().GetHistoryLength()
		sum, longest = sum+n, max(longest, n)
	}
	return sum, longest, nil
}

func (f *Follow) memory(ctx context.Context) (Memory, error) {
	return memory(ctx, process{"the worker", f.Installation.Worker.PID()}, f.Profiles)
}

// cpu is what each process has used until now.
func (f *Follow) cpu() ([]Share, error) {
	var all []Share
	for _, p := range f.processes() {
		used, err := p.cpu()
		if err != nil {
			return nil, err
		}
		all = append(all, Share{p.name, used})
	}
	return all, nil
}

func (f *Follow) say(format string, args ...any) {
	fmt.Fprintf(f.Out, time.Now().Format(time.TimeOnly)+"  "+format+"\n", args...)
}
