package bench

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/handslag/handslag/pdf"
)

// Documents measures the PDF engine alone: what a seal, a verification and a
// check of an upload cost beside one SHA-256 pass over the same file.
type Documents struct {
	Page   string // a PDF whose page serves as evidence page
	Folder string // where files of up to 1 GB go for a while; "" is the system's
	Out    io.Writer

	authorities *authorities
	page        []byte
}

// Run measures everything; it takes about a minute.
func (d *Documents) Run(ctx context.Context) error {
	dir, err := os.MkdirTemp(d.Folder, "handslag-bench-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the system cleans its folder too
	if d.page, err = os.ReadFile(d.Page); err != nil {
		return err
	}
	if d.authorities, err = newAuthorities(); err != nil {
		return err
	}
	defer d.authorities.server.Close()
	fmt.Fprintf(d.Out, "\nThe PDF engine beside one SHA-256 pass over the same file; medians of %d, authorities on this machine over HTTP\n"+
		"  %-72s %10s %11s %7s %14s\n", rounds, "", "SHA-256", "took", "ratio", "allocated")
	path := filepath.Join(dir, "file.pdf")
	for _, size := range []int64{100_000, 10_000_000, 100_000_000, 1_000_000_000} {
		if err := writeScan(path, size); err != nil {
			return err
		}
		if err := d.scan(ctx, path, size == 100_000_000); err != nil {
			return fmt.Errorf("%d bytes: %w", size, err)
		}
	}
	for form, write := range map[string]func(string, int) error{"table": writeReport, "streams": writePackedReport} {
		if err := write(path, reportPages); err != nil {
			return err
		}
		err := d.with(path, func(f *os.File, size int64) error {
			return d.measure("check 22,500 objects, cross-reference "+form, f, size, func() error { return check(f, size) })
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *Documents) with(path string, run func(*os.File, int64) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // read only
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return run(f, info.Size())
}

// scan measures seals of one large file, and the rest where it is asked for.
func (d *Documents) scan(ctx context.Context, path string, all bool) error {
	return d.with(path, func(f *os.File, size int64) error {
		stored := &pdf.HashState{}
		if _, err := io.Copy(stored, f); err != nil { // as at upload
			return err
		}
		levels := []pdf.Level{pdf.LevelT}
		if all {
			levels = append(levels, pdf.LevelLTA)
		}
		for _, key := range measuredKeys {
			for _, level := range levels {
				o := d.authorities.options
				err := d.measure(fmt.Sprintf("append evidence and seal, %s, %s, stored hash state", key.name, level), f, size, func() error {
					return d.seal(ctx, pdf.Revision{Source: f, Size: size, Hash: stored.Clone()}, o(key.name, level))
				})
				if err != nil {
					return err
				}
			}
		}
		if !all {
			return nil
		}
		return errors.Join(d.cold(ctx, f, size), d.verify(ctx, path),
			d.measure("check of an upload", f, size, func() error { return check(f, size) }))
	})
}

// cold seals as if nothing were known of the file; copying is left aside.
func (d *Documents) cold(ctx context.Context, f *os.File, size int64) error {
	for _, key := range measuredKeys {
		err := d.measure("append evidence and seal, "+key.name+", B-LTA, from the file", f, size, func() error {
			fresh := &pdf.HashState{}
			if _, err := io.CopyBuffer(fresh, io.NewSectionReader(f, 0, size), make([]byte, 1<<20)); err != nil {
				return err
			}
			return d.seal(ctx, pdf.Revision{Source: f, Size: size, Hash: fresh}, d.authorities.options(key.name, pdf.LevelLTA))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *Documents) seal(ctx context.Context, revision pdf.Revision, o pdf.SealOptions) error {
	tail, err := pdf.Append(revision, pdf.Additions{
		Pages: d.page, Time: o.Time,
		Files: []pdf.Attachment{{Name: "evidence.txt", MIMEType: "text/plain", Relationship: "Data", Data: bytes.Repeat([]byte("evidence "), 2000)}},
	})
	if err != nil {
		return fmt.Errorf("append: %w", err)
	}
	if _, err := pdf.Seal(ctx, revision.Extend(tail), o); err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	return nil
}

// verify measures the verification of four signatures in a copy of the file;
// at B-LTA each brings proofs of status and a document timestamp.
func (d *Documents) verify(ctx context.Context, path string) error {
	trust, err := d.authorities.trust(ctx)
	if err != nil {
		return err
	}
	for _, key := range measuredKeys {
		for _, level := range []pdf.Level{pdf.LevelT, pdf.LevelLTA} {
			signed := path + ".signed"
			if err := d.sign(ctx, path, signed, key.name, level); err != nil {
				return err
			}
			err := d.with(signed, func(f *os.File, size int64) error {
				return d.measure(fmt.Sprintf("verify four signatures, %s, %s", key.name, level), f, size, func() error {
					v, err := pdf.Verify(ctx, f, size, trust)
					if err == nil && v.Indication != pdf.TotalPassed {
						err = fmt.Errorf("verification ended %s %s", v.Indication, v.SubIndication)
					}
					return err
				})
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Documents) sign(ctx context.Context, path, signed, key string, level pdf.Level) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	state := &pdf.HashState{}
	_, _ = state.Write(b) // never fails
	for range 4 {
		tail, err := pdf.Seal(ctx, pdf.Revision{Source: bytes.NewReader(b), Size: int64(len(b)), Hash: state.Clone()}, d.authorities.options(key, level))
		if err != nil {
			return err
		}
		_, _ = state.Write(tail) // never fails
		b = append(b, tail...)
	}
	return os.WriteFile(signed, b, 0o600)
}

func check(f *os.File, size int64) error {
	_, err := pdf.Check(f, size, pdf.Limits{})
	return err
}

const rounds = 5

// measure runs something in turn with a SHA-256 pass and prints the medians.
// What is allocated in all bounds what the heap can have grown by.
func (d *Documents) measure(what string, f *os.File, size int64, run func() error) error {
	var hashed, took []time.Duration
	var most uint64
	for range rounds {
		pass, err := timeHash(f)
		if err != nil {
			return err
		}
		hashed = append(hashed, pass)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		if err := run(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		took = append(took, time.Since(began))
		runtime.ReadMemStats(&after)
		most = max(most, after.TotalAlloc-before.TotalAlloc)
	}
	slices.Sort(hashed)
	slices.Sort(took)
	fmt.Fprintf(d.Out, "  %7.1f MB  %-60s %8.1f ms %8.1f ms %7.3f %11.1f MB\n", float64(size)/1e6, what,
		ms(hashed[rounds/2]), ms(took[rounds/2]), float64(took[rounds/2])/float64(hashed[rounds/2]), float64(most)/1e6)
	return nil
}

func timeHash(f *os.File) (time.Duration, error) {
	h := sha256.New()
	began := time.Now()
	_, err := io.CopyBuffer(h, io.NewSectionReader(f, 0, 1<<62), make([]byte, 1<<20))
	h.Sum(nil)
	return time.Since(began), err
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
