package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/tsa"
)

// seals measures what it costs to append the evidence and to seal (PAdES B-T,
// key P-256, timestamp from the simulated authority over HTTP), with the hash
// state stored at upload, beside one SHA-256 pass over the same file.
func (b *Bench) seals(ctx context.Context) error {
	fmt.Fprintf(b.Out, "\nAppend the evidence and seal (B-T, P-256), beside one SHA-256 pass over the same file; medians of 5\n"+
		"  %10s %12s %12s %8s %16s\n", "file", "SHA-256", "seal", "ratio", "allocated")
	dir, err := os.MkdirTemp("", "handslag-bench-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the system cleans its folder too
	for _, size := range []int64{100_000, 10_000_000, 100_000_000} {
		if err := b.seal(ctx, filepath.Join(dir, "file.pdf"), size); err != nil {
			return fmt.Errorf("seal %d bytes: %w", size, err)
		}
	}
	return nil
}

func (b *Bench) seal(ctx context.Context, path string, size int64) error {
	if err := writePDF(path, size); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // read only
	info, err := f.Stat()
	if err != nil {
		return err
	}
	var stored pdf.HashState
	if _, err := io.Copy(&stored, f); err != nil { // as at upload
		return err
	}
	var hashed, sealed []time.Duration
	var grown uint64
	for range 5 {
		took, err := timeHash(f)
		if err != nil {
			return err
		}
		hashed = append(hashed, took)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		err = b.sealOnce(ctx, pdf.Revision{Source: f, Size: info.Size(), Hash: stored.Clone()})
		sealed = append(sealed, time.Since(began))
		if err != nil {
			return err
		}
		runtime.ReadMemStats(&after)
		grown = max(grown, after.TotalAlloc-before.TotalAlloc)
	}
	slices.Sort(hashed)
	slices.Sort(sealed)
	fmt.Fprintf(b.Out, "  %7.1f MB %9.2f ms %9.2f ms %8.3f %13.2f MB\n", float64(info.Size())/1e6,
		ms(hashed[2]), ms(sealed[2]), float64(sealed[2])/float64(hashed[2]), float64(grown)/1e6)
	return nil
}

func (b *Bench) sealOnce(ctx context.Context, revision pdf.Revision) error {
	seal := b.Installation.World.Certificates.Seal()
	page, err := os.ReadFile(b.PDF) // any page will do
	if err != nil {
		return err
	}
	evidence := bytes.Repeat([]byte("evidence "), 2000)
	tail, err := pdf.Append(revision, pdf.Additions{
		Pages: page, Time: time.Now(),
		Files: []pdf.Attachment{{Name: "evidence.txt", MIMEType: "text/plain", Relationship: "Data", Data: evidence}},
	})
	if err != nil {
		return fmt.Errorf("append: %w", err)
	}
	_, err = pdf.Seal(ctx, revision.Extend(tail), pdf.SealOptions{
		Key: seal.Key, Chain: append([]*x509.Certificate{seal.Certificate}, seal.Chain...), Time: time.Now(),
		Timestamper: &tsa.Client{URLs: []string{b.Installation.World.TSA}, HTTP: http.DefaultClient},
	})
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
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

// writePDF writes a PDF of one page with an image of random bytes, such as a
// scan has.
func writePDF(path string, size int64) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var at int64
	var offsets []int64
	write := func(format string, args ...any) {
		if err == nil {
			var n int
			n, err = fmt.Fprintf(f, format, args...)
			at += int64(n)
		}
	}
	object := func(format string, args ...any) {
		offsets = append(offsets, at)
		write("%d 0 obj\n", len(offsets))
		write(format, args...)
	}
	write("%%PDF-1.7\n%%\xe2\xe3\xcf\xd3\n")
	object("<< /Type /Catalog /Pages 2 0 R >>\nendobj\n")
	object("<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n")
	object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /XObject << /Im 4 0 R >> >> >>\nendobj\n")
	width := size / 1000
	object("<< /Type /XObject /Subtype /Image /Width %d /Height 1000 /ColorSpace /DeviceGray /BitsPerComponent 8 /Length %d >>\nstream\n", width, width*1000)
	if err == nil {
		var n int64
		n, err = io.CopyN(f, rand.Reader, width*1000)
		at += n
	}
	write("\nendstream\nendobj\n")
	xref := at
	write("xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, o := range offsets {
		write("%010d 00000 n \n", o)
	}
	write("trailer\n<< /Size %d /Root 1 0 R /ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>] >>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, xref)
	return err
}
