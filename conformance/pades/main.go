// Command pades signs a matrix of files with package pdf and has other programs
// judge each of them: EU DSS, pyHanko, pdfsig and qpdf, beside our own Verify.
// Every judge must call every signature good, but for what inabilities.go says
// that it cannot judge; and must reject the spoilt files, so that a judge that
// says yes to everything is found out. run.sh prepares the judges.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "pades:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	full := flag.Bool("full", false, "all combinations instead of all pairs")
	dir := flag.String("dir", "", "where the files go, which then stay; a temporary folder when empty")
	python := flag.String("pyhanko", "", "the Python that has pyHanko")
	classes := flag.String("eudss", "", "the class path of the EU DSS judge")
	wait := flag.Bool("wait", false, "keep the authorities up afterwards, until interrupted")
	only := flag.String("only", "", "only combinations whose name contains this")
	flag.Parse()
	if *dir == "" {
		temporary, err := os.MkdirTemp("", "handslag-pades-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temporary) //nolint:errcheck // the system cleans its folder too
		*dir = temporary
	} else if err := os.MkdirAll(*dir, 0o700); err != nil {
		return err
	}
	began := time.Now()
	w, err := newWorld(*dir)
	if err != nil {
		return err
	}
	defer w.Close()
	matrix := pairwise()
	if *full {
		matrix = product()
	}
	matrix = slices.DeleteFunc(matrix, func(c combination) bool { return !strings.Contains(c.name(), *only) })
	samples, err := sign(ctx, w, *dir, matrix)
	if err != nil {
		return err
	}
	others, err := signedByOthers(ctx, w, *dir, *python, *classes)
	if err != nil {
		return err
	}
	samples = append(samples, others...)
	fmt.Printf("pades: signed %d files, of which %d are spoilt, in %.1f s\n", len(samples), spoiltOf(samples), time.Since(began).Seconds())
	judges := []judge{ours(w), {name: "qpdf", run: each(qpdf)}}
	if _, err := exec.LookPath("pdfsig"); err == nil {
		judges = append(judges, judge{name: "pdfsig", run: each(pdfsig)})
	}
	if *python != "" {
		judges = append(judges, judge{name: "pyhanko", run: spoken(*python, filepath.Join("conformance", "pades", "pyhanko_judge.py"), w.rootFile)})
	}
	if *classes != "" {
		judges = append(judges, judge{name: "eudss", run: spoken("java", "-Xmx1g", "-cp", *classes, "com.handslag.eudss.Judge", w.rootFile)})
	}
	tallies, err := compare(ctx, judges, samples)
	if *only == "" {
		err = errors.Join(append(stale(tallies), err)...)
	}
	if *wait {
		<-ctx.Done()
	}
	return err
}

func sign(ctx context.Context, w *world, dir string, matrix []combination) ([]*sample, error) {
	files, err := uploads(ctx, dir)
	if err != nil {
		return nil, err
	}
	s := &signer{world: w, uploads: files, dir: dir}
	samples, errs := make([]*sample, len(matrix)), make([]error, len(matrix))
	var workers sync.WaitGroup
	slots := make(chan struct{}, 2)
	for i, c := range matrix {
		slots <- struct{}{}
		workers.Go(func() {
			samples[i], errs[i] = s.make(ctx, c)
			<-slots
		})
	}
	workers.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	spoilt, err := s.spoilt(ctx)
	return slices.Concat(samples, spoilt), err
}

func spoiltOf(samples []*sample) int {
	n := 0
	for _, s := range samples {
		if s.spoilt != "" {
			n++
		}
	}
	return n
}

// compare has all judges judge, two at once, and prints how often they agreed.
func compare(ctx context.Context, judges []judge, samples []*sample) (map[string]*tally, error) {
	var mu sync.Mutex
	var workers sync.WaitGroup
	var failures []error
	tallies := map[string]*tally{}
	slots := make(chan struct{}, 2)
	for _, j := range judges {
		workers.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			began := time.Now()
			samples := slices.DeleteFunc(slices.Clone(samples), func(s *sample) bool { return s.by == j.name }) // no judge in its own cause
			answers, err := j.run(ctx, samples)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failures = append(failures, fmt.Errorf("%s: %w", j.name, err))
				return
			}
			t := &tally{excused: map[string]int{}}
			for _, s := range samples {
				t.count(j.name, s, answers)
			}
			t.took = time.Since(began)
			tallies[j.name] = t
		})
	}
	workers.Wait()
	fmt.Printf("\n  %-8s %6s %11s %14s %15s %9s\n", "judge", "files", "signatures", "agree", "cannot judge", "disagree")
	for _, name := range slices.Sorted(maps.Keys(tallies)) {
		t := tallies[name]
		fmt.Printf("  %-8s %6d %11d %14d %15d %9d   %.1f s\n", name, t.files, t.agree+t.excusedTotal()+len(t.disagree), t.agree, t.excusedTotal(), len(t.disagree), t.took.Seconds())
	}
	for _, name := range slices.Sorted(maps.Keys(tallies)) {
		t := tallies[name]
		for _, why := range slices.Sorted(maps.Keys(t.excused)) {
			fmt.Printf("  %s cannot judge %d: %s\n", name, t.excused[why], why)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(tallies)) {
		for _, d := range tallies[name].disagree {
			failures = append(failures, fmt.Errorf("%s disagrees: %s", name, d))
		}
	}
	return tallies, errors.Join(failures...)
}
