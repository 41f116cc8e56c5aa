package pdf_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/elliptic"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

// large is a document with one picture-like stream of so many bytes.
func large(size int) []byte {
	data := make([]byte, size)
	rand.NewChaCha8([32]byte{1}).Read(data)
	return with(map[int]string{30: pdftest.Stream("/Type /XObject", string(data))}).Table()
}

func many(objects int) []byte { return pdftest.Pages(objects / 2).Table() }

// report is a document of so many pages, each with a content of 1.5 KB and with
// resources of its own: 7,500 pages are 22,500 objects and 14 MB.
func report(pages int) pdftest.Doc {
	d := pdftest.Pages(pages)
	for i := range pages {
		page, content, resources := 5+2*i, 6+2*i, 5+2*pages+i
		d.Objects[page] = fmt.Sprintf("<</Type /Page /Parent 2 0 R /MediaBox [0 0 595.28 841.89] /Resources %d 0 R /Contents %d 0 R>>", resources, content)
		d.Objects[resources] = "<</Font <</F1 3 0 R>> /ProcSet [/PDF /Text]>>"
		d.Objects[content] = pdftest.Stream("", strings.Repeat(fmt.Sprintf("BT /F1 18 Tf 72 700 Td (Page %d of a contract) Tj ET\n", i), 32))
	}
	return d
}

var sizes = []struct {
	name  string
	bytes int
}{{"0.1MB", 100 << 10}, {"10MB", 10 << 20}, {"100MB", 100 << 20}}

// BenchmarkHash is the floor: one SHA-256 pass.
func BenchmarkHash(b *testing.B) {
	for _, s := range sizes {
		file := large(s.bytes)
		b.Run(s.name, func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			for b.Loop() {
				sha256.Sum256(file)
			}
		})
	}
}

// BenchmarkSeal seals with the stored hash state, evidence page and files
// included; the timestamp authority is in the same process. heap-B is what a
// seal allocates in all.
func BenchmarkSeal(b *testing.B) {
	for _, key := range []string{"P-256", "RSA-3072"} {
		w := pdftest.NewWorld(b, pdftest.P256(b))
		if key == "RSA-3072" {
			w = pdftest.NewWorld(b, pdftest.RSA(b, 3072))
		}
		for _, s := range sizes {
			rev := revision(large(s.bytes))
			b.Run(fmt.Sprintf("%s/%s", key, s.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					pages, err := pdf.Append(rev, additions(w))
					require.NoError(b, err)
					_, err = pdf.Seal(context.Background(), rev.Extend(pages), options(w))
					require.NoError(b, err)
				}
			})
		}
	}
}

// BenchmarkArchive seals at B-LTA: with the stored hash state, and cold, from the
// file, with the digest that goes with the key. Authorities are in this process.
func BenchmarkArchive(b *testing.B) {
	file := large(100 << 20)
	stored := revision(file)
	for name, key := range map[string]crypto.Signer{"P-256": pdftest.P256(b), "P-384": pdftest.ECDSA(b, elliptic.P384()), "RSA-3072": pdftest.RSA(b, 3072)} {
		w := pdftest.NewNamedWorld(b, key)
		o := lasting(b, w, pdf.LevelLTA)
		b.Run("stored/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, err := pdf.Seal(context.Background(), stored, o)
				require.NoError(b, err)
			}
		})
		b.Run("cold/"+name, func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			for b.Loop() {
				_, err := pdf.Seal(context.Background(), revision(file), o)
				require.NoError(b, err)
			}
		})
	}
}

func BenchmarkCheck(b *testing.B) {
	for name, file := range map[string][]byte{"100MB": large(100 << 20), "22500-objects": report(7500).Table(), "22500-objects-packed": report(7500).ObjStm()} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			for b.Loop() {
				_, err := check(file)
				require.NoError(b, err)
			}
		})
	}
}

func BenchmarkCheckAppended(b *testing.B) {
	w := pdftest.NewWorld(b, pdftest.P256(b))
	for name, in := range map[string][]byte{"100MB": large(100 << 20), "22500-objects": many(22_500), "22500-objects-packed": pdftest.Pages(11_250).ObjStm()} {
		file := extended(b, w, extended(b, w, in, 'A'), 'S')
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			for b.Loop() {
				require.NoError(b, checkAppended(file, len(in)))
			}
		})
	}
}

func BenchmarkVerifyFour(b *testing.B) {
	w := pdftest.NewWorld(b, pdftest.P256(b))
	file := large(100 << 20)
	for range 4 {
		file = seal(b, w, file)
	}
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		require.Equal(b, pdf.TotalPassed, verify(b, w, file).Indication)
	}
}

// BenchmarkVerifyArchived: four seals of level B-LTA, each with its store and its
// document timestamp.
func BenchmarkVerifyArchived(b *testing.B) {
	w := pdftest.NewNamedWorld(b, pdftest.P256(b))
	file := large(100 << 20)
	for range 4 {
		file = sealWith(b, file, lasting(b, w, pdf.LevelLTA))
	}
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		require.Equal(b, pdf.TotalPassed, verify(b, w, file).Indication)
	}
}

// counting measures what a document costs its source.
type counting struct {
	io.ReaderAt
	bytes int64
}

func (c *counting) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.bytes += int64(n)
	return n, err
}

// A seal must read and allocate the same for a document of any size.
func TestSealCostDoesNotGrowWithTheDocument(t *testing.T) {
	w := pdftest.NewWorld(t, pdftest.P256(t))
	file := large(32 << 20)
	rev := revision(file)
	source := &counting{ReaderAt: bytes.NewReader(file)}
	rev.Source = source
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	pages, err := pdf.Append(rev, additions(w))
	require.NoError(t, err)
	_, err = pdf.Seal(context.Background(), rev.Extend(pages), options(w))
	require.NoError(t, err)
	runtime.ReadMemStats(&after)
	require.Less(t, source.bytes, int64(1<<20))
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20))
}
