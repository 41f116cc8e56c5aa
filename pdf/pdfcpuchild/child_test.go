package pdfcpuchild_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
	"github.com/handslag/handslag/pdf/pdfcpuchild"
)

// TestMain lets the test binary be its own child, as the product's binary is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "pdfcpu-child" {
		os.Exit(pdfcpuchild.Main(os.Stdin, os.Stdout, os.Args[2:]))
	}
	os.Exit(m.Run())
}

func child(t *testing.T) *pdfcpuchild.Child {
	self, err := os.Executable()
	require.NoError(t, err)
	c := pdfcpuchild.New(self, "pdfcpu-child")
	c.Timeout = time.Minute // the race detector makes it slow on a busy machine
	return c
}

func page(people int) pdfcpuchild.Page {
	p := pdfcpuchild.Page{
		Language: "sv", Title: "Signeringsbevis",
		Lead:   "Den här sidan visar vem som har signerat, när och hur. Den lades till sist, och hela filen är sedan förseglad mot ändringar.",
		QR:     &pdfcpuchild.QR{URL: "https://sign.example.com/verify/col_01JD8Q4Z7M3N5P6R8S9TABCDEF", Caption: "Kontrollera dokumentet"},
		Footer: "Handslag · Samling col_01JD8Q4Z7M3N5P6R8S9TABCDEF", PageOf: "Sida %d av %d",
		Sections: []pdfcpuchild.Section{
			{Heading: "Dokument", Items: []pdfcpuchild.Item{{
				Title: "Hyresavtal för lägenhet 1203, Storgatan 12 i Jönköping",
				Lines: []pdfcpuchild.Line{
					{Label: "SHA-256", Text: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", Mono: true},
					{Label: "Omfattning", Text: "3 sidor, 93 412 byte"},
				},
			}}},
		},
	}
	signed := pdfcpuchild.Section{Heading: "Signerat av"}
	for range people {
		signed.Items = append(signed.Items, pdfcpuchild.Item{
			Title: "Åsa Öhrström-Łukasiewicz", Badge: "Kontrollerad signatur",
			Lines: []pdfcpuchild.Line{
				{Label: "Personnummer", Text: "19800101-••••"},
				{Label: "Metod", Text: "BankID på mobil, underskrift av texten och dokumentens kontrollsummor"},
				{Label: "Tid", Text: "2026-11-22 12:00:00 UTC (13:00:00 i Sverige, UTC+1)"},
			},
		})
	}
	p.Sections = append(p.Sections, signed, pdfcpuchild.Section{
		Heading: "Händelselogg och bevis",
		Text:    "Det fullständiga beviset, med varje signatur och BankID:s svar, ligger bifogat i den här filen och i samlingens arkiv.",
		Items: []pdfcpuchild.Item{{Title: "Loggens slut", Lines: []pdfcpuchild.Line{
			{Label: "SHA-256", Text: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", Mono: true},
		}}},
	})
	return p
}

func TestEvidencePage(t *testing.T) {
	for _, tt := range []struct {
		name   string
		people int
		pages  int
	}{{"one page", 2, 1}, {"flows on", 24, 3}} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := child(t).EvidencePage(context.Background(), page(tt.people))
			require.NoError(t, err)
			if dir := os.Getenv("HANDSLAG_KEEP_PAGES"); dir != "" {
				require.NoError(t, os.WriteFile(filepath.Join(dir, strings.ReplaceAll(tt.name, " ", "-")+".pdf"), out, 0o600))
			}
			r, err := pdf.Check(strings.NewReader(string(out)), int64(len(out)), pdf.Limits{})
			require.NoError(t, err)
			require.Equal(t, tt.pages, r.Pages)
		})
	}
}

func write(t *testing.T, b []byte) string {
	path := filepath.Join(t.TempDir(), "in.pdf")
	require.NoError(t, os.WriteFile(path, b, 0o600))
	return path
}

func TestSecondOpinion(t *testing.T) {
	c := child(t)
	o, err := c.SecondOpinion(context.Background(), write(t, pdftest.Pages(3).Table()))
	require.NoError(t, err)
	require.Equal(t, pdfcpuchild.Opinion{Verdict: pdfcpuchild.OK, Pages: 3}, o)

	o, err = c.SecondOpinion(context.Background(), write(t, []byte("no PDF at all")))
	require.NoError(t, err)
	require.Equal(t, pdfcpuchild.Disagrees, o.Verdict)
}

func TestSecondOpinionUnavailable(t *testing.T) {
	path := write(t, pdftest.Pages(1).Table())
	crashing := pdfcpuchild.New("/bin/sh", "-c", "kill -SEGV $$")
	o, err := crashing.SecondOpinion(context.Background(), path)
	require.NoError(t, err)
	require.Equal(t, pdfcpuchild.Opinion{Verdict: pdfcpuchild.Unavailable, Reason: "crash"}, o)

	hanging := pdfcpuchild.New("/bin/sh", "-c", "exec sleep 60")
	hanging.Timeout = 50 * time.Millisecond
	o, err = hanging.SecondOpinion(context.Background(), path)
	require.NoError(t, err)
	require.Equal(t, pdfcpuchild.Opinion{Verdict: pdfcpuchild.Unavailable, Reason: "timeout"}, o)
}

// Whatever a hostile file does to pdfcpu, the answer comes soon, and what made it
// crash or give up is no opinion.
func TestSecondOpinionOnHostileFiles(t *testing.T) {
	loop := pdftest.Pages(1)
	loop.Objects[2] = "<</Type /Pages /Kids [2 0 R] /Count 1>>"
	embedded := pdftest.Pages(1)
	embedded.Objects[5] = "<</Type /Page /Parent 2 0 R /Contents 6 0 R /Annots [20 0 R]>>"
	embedded.Objects[20] = "<</Type /Annot /Subtype /Link /Rect [0 0 9 9] /A <</S /GoToE /D [0 /Fit] /T 21 0 R>>>>"
	embedded.Objects[21] = "<</R /P /T 21 0 R>>"
	bombed := strings.Replace(string(pdftest.Pages(1).ObjStm()), "/W [1 4 2]", "/W [1 4 2] /Index [0 99999999]", 1)
	for name, tt := range map[string]struct {
		file    []byte
		verdict pdfcpuchild.Verdict // "" is any but ok
	}{
		"page tree loop":        {loop.Table(), ""},
		"huge index":            {[]byte(strings.Replace(string(pdftest.Pages(1).ObjStm()), "/Size ", "/Size 99999999", 1)), ""},
		"index beyond its data": {[]byte(bombed), ""},
		"targets without end":   {embedded.Table(), pdfcpuchild.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			o, err := child(t).SecondOpinion(context.Background(), write(t, tt.file))
			require.NoError(t, err)
			if tt.verdict != "" {
				require.Equal(t, tt.verdict, o.Verdict)
			}
			require.NotEqual(t, pdfcpuchild.OK, o.Verdict)
			require.Less(t, time.Since(start), 45*time.Second)
		})
	}
}

func TestSecondOpinionOnABomb(t *testing.T) {
	if memory < 0 {
		t.Skip("with the race detector the bomb takes long to make")
	}
	bomb := pdftest.Pages(1)
	bomb.Objects[7] = "(" + strings.Repeat("a", 65<<20) + ")" // in an object stream of 64 kB
	o, err := child(t).SecondOpinion(context.Background(), write(t, bomb.ObjStm()))
	require.NoError(t, err)
	require.Equal(t, pdfcpuchild.Unavailable, o.Verdict) // at a limit of pdfcpu's, or of the process
}

// The largest files are not read at all, one byte less is.
func TestSecondOpinionHasASizeLimit(t *testing.T) {
	path := write(t, pdftest.Pages(1).Table())
	require.NoError(t, os.Truncate(path, pdfcpuchild.MaxOpinionBytes+1))
	o, err := pdfcpuchild.New("/bin/false").SecondOpinion(context.Background(), path)
	require.NoError(t, err)
	require.Equal(t, pdfcpuchild.Opinion{Verdict: pdfcpuchild.Unavailable, Reason: "too_large"}, o)
	require.NoError(t, os.Truncate(path, pdfcpuchild.MaxOpinionBytes))
	o, err = pdfcpuchild.New("/bin/false").SecondOpinion(context.Background(), path)
	require.NoError(t, err)
	require.Equal(t, "crash", o.Reason)
}

// A child that outgrows its memory ends; the parent lives and says so.
func TestChildHasAMemoryLimit(t *testing.T) {
	if memory < 0 {
		t.Skip("the race detector needs address space without a limit")
	}
	if runtime.GOOS != "linux" {
		t.Skip("the hard limit is there on Linux only")
	}
	c := child(t)
	c.MemoryBytes = 1 << 20 // with what the runtime reserves, less than a font table takes
	_, err := c.EvidencePage(context.Background(), page(2000))
	require.Equal(t, "pdf_evidence_page", fault.CodeOf(err))
}

func TestTwoChildrenAtMost(t *testing.T) {
	dir := t.TempDir()
	c := pdfcpuchild.New("/bin/sh", "-c", "mkdir "+dir+"/$$; ls "+dir+" | wc -l >> "+dir+".count; sleep 0.1; rmdir "+dir+"/$$; echo '{}'")
	path := write(t, pdftest.Pages(1).Table())
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			_, err := c.SecondOpinion(context.Background(), path)
			require.NoError(t, err)
		})
	}
	group.Wait()
	counts, err := os.ReadFile(dir + ".count")
	require.NoError(t, err)
	fields := strings.Fields(string(counts))
	require.Len(t, fields, 6)
	for _, n := range fields {
		require.Contains(t, []string{"1", "2"}, n)
	}
}
