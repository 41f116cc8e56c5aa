package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/handslag/handslag/pdf"
)

// Rival is a program that signs or verifies one file; see rivals/README.md.
type Rival struct {
	Name    string
	Command []string
	// Signs and Verifies say what it can; Checks, what its "verify" is instead.
	Signs, Verifies bool
	Checks          string
}

// Compare measures programs beside each other: processes of their own, on the
// same files, in turn, so that what else the machine does meets all of them.
type Compare struct {
	Rivals []Rival
	Folder string // where the files go for a while; "" is the system's
	Out    io.Writer

	authorities *authorities
	dir         string
}

const comparedKey = "RSA-3072"

// compared is what one program did to one file.
type compared struct {
	warm, cold time.Duration // the second of two runs; starting the program, and the first
	peak       int64         // bytes resident
	said       string
}

// Run measures and writes the tables, in Markdown.
func (c *Compare) Run(ctx context.Context) (err error) {
	if c.dir, err = os.MkdirTemp(c.Folder, "handslag-compare-"); err != nil {
		return err
	}
	defer os.RemoveAll(c.dir) //nolint:errcheck // the system cleans its folder too
	if c.authorities, err = newAuthorities(); err != nil {
		return err
	}
	defer c.authorities.server.Close()
	if err := c.identity(ctx); err != nil {
		return err
	}
	files, err := c.files()
	if err != nil {
		return err
	}
	signing := slices.DeleteFunc(slices.Clone(c.Rivals), func(r Rival) bool { return !r.Signs })
	if err := c.table(ctx, "Sign (B-T, "+comparedKey+", from file to new file)", signing, files, c.sign); err != nil {
		return err
	}
	for i, f := range files {
		if files[i], err = c.signed(ctx, f); err != nil {
			return err
		}
	}
	verifying := slices.DeleteFunc(slices.Clone(c.Rivals), func(r Rival) bool { return !r.Verifies && r.Checks == "" })
	return c.table(ctx, "Verify (one signature of ours, B-LT, "+comparedKey+", offline)", verifying, files, c.verify)
}

// input is a file under its name in the tables.
type input struct{ name, path string }

func (c *Compare) files() ([]input, error) {
	at := func(name string) string { return filepath.Join(c.dir, name+".pdf") }
	for name, size := range map[string]int64{"small": 93_000, "10": 10_000_000, "100": 100_000_000} {
		if err := writeScan(at(name), size); err != nil {
			return nil, err
		}
	}
	return []input{
		{"93 KB", at("small")},
		{"10 MB", at("10")},
		{"100 MB", at("100")},
		{"22,500 objects", at("report")},
	}, writeReport(at("report"), reportPages)
}

// identity writes who signs, in the two forms that programs read.
func (c *Compare) identity(ctx context.Context) error {
	id := c.authorities.seals[comparedKey]
	text, err := id.KeyPEM()
	if err != nil {
		return err
	}
	// @signpdf reads only certificates with RSA all the way: it gets one of its own.
	plain := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Measured"},
		NotBefore: time.Now().AddDate(0, 0, -1), NotAfter: time.Now().AddDate(1, 0, 0),
	}
	own, err := x509.CreateCertificate(rand.Reader, plain, plain, id.Key.Public(), id.Key)
	if err != nil {
		return err
	}
	alone := append(slices.Clone(text), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: own})...)
	if err := os.WriteFile(c.at("seal.pem"), append(text, id.CertificatePEM()...), 0o600); err != nil {
		return err
	}
	var roots []byte
	for _, root := range c.authorities.roots() {
		roots = append(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw})...)
	}
	if err := os.WriteFile(c.at("roots.pem"), roots, 0o600); err != nil {
		return err
	}
	export := exec.CommandContext(ctx, "openssl", "pkcs12", "-export", "-out", c.at("seal.p12"),
		"-passout", "pass:measured", "-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "SHA1")
	export.Stdin = bytes.NewReader(alone)
	if said, err := export.CombinedOutput(); err != nil {
		return fmt.Errorf("openssl pkcs12: %w: %s", err, said)
	}
	return nil
}

func (c *Compare) at(name string) string { return filepath.Join(c.dir, name) }

func (c *Compare) sign(ctx context.Context, r Rival, f input) (compared, error) {
	out := c.at("out.pdf")
	defer os.Remove(out) //nolint:errcheck // the folder goes with it
	return run(ctx, r, "sign", f.path, out, c.authorities.server.URL+"/tsa", c.at("roots.pem"), c.at("seal.pem"))
}

func (c *Compare) verify(ctx context.Context, r Rival, f input) (compared, error) {
	return run(ctx, r, "verify", f.path, c.at("roots.pem"))
}

// signed is the file with a seal that needs nobody to be asked.
func (c *Compare) signed(ctx context.Context, f input) (input, error) {
	b, err := os.ReadFile(f.path)
	if err != nil {
		return f, err
	}
	state := &pdf.HashState{}
	_, _ = state.Write(b) // never fails
	tail, err := pdf.Seal(ctx, pdf.Revision{Source: bytes.NewReader(b), Size: int64(len(b)), Hash: state}, c.authorities.options(comparedKey, pdf.LevelLT))
	if err != nil {
		return f, err
	}
	return f, os.WriteFile(f.path, append(b, tail...), 0o600)
}

func run(ctx context.Context, r Rival, args ...string) (compared, error) {
	cmd := exec.CommandContext(ctx, r.Command[0], slices.Concat(r.Command[1:], args)...)
	var said, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &complaints
	cmd.Env = append(os.Environ(), "SSL_CERT_FILE=/dev/null", "SSL_CERT_DIR=/nonexistent", "REQUESTS_CA_BUNDLE=/dev/null")
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return compared{}, fmt.Errorf("%s %s: %w: %s", r.Name, args[0], err, complaints.String())
	}
	wall := time.Since(began)
	var answer struct {
		Milliseconds float64 `json:"ms"`
		Peak         int64   `json:"peak"` // what wait4 says of a child counts its parent's too
		Said         string  `json:"said"`
	}
	if err := json.Unmarshal(said.Bytes(), &answer); err != nil {
		return compared{}, fmt.Errorf("%s said %q: %w", r.Name, said.String(), err)
	}
	warm := time.Duration(answer.Milliseconds * float64(time.Millisecond))
	return compared{warm, wall - warm, answer.Peak << 10, answer.Said}, nil
}

const comparedRounds = 3

func (c *Compare) table(ctx context.Context, title string, rivals []Rival, files []input, do func(context.Context, Rival, input) (compared, error)) error {
	results := map[string][]compared{}
	for range comparedRounds {
		for _, f := range files {
			for _, r := range rivals {
				one, err := do(ctx, r, f)
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if err != nil {
					one.said = "fails: " + complaint(err)
				}
				results[r.Name+f.name] = append(results[r.Name+f.name], one)
			}
		}
	}
	fmt.Fprintf(c.Out, "\n### %s\n\n| program |", title)
	for _, f := range files {
		fmt.Fprintf(c.Out, " %s |", f.name)
	}
	fmt.Fprintf(c.Out, " what it says |\n|---|%s---|\n", strings.Repeat("---|", len(files)))
	for _, r := range rivals {
		fmt.Fprintf(c.Out, "| %s |", r.Name)
		said := map[string]bool{}
		for _, f := range files {
			all := results[r.Name+f.name]
			slices.SortFunc(all, func(a, b compared) int { return int(a.warm - b.warm) })
			middle := all[len(all)/2]
			said[middle.said] = true
			if middle.warm == 0 {
				fmt.Fprintf(c.Out, " fails |")
				continue
			}
			fmt.Fprintf(c.Out, " %s, %d MB |", spoken(middle), middle.peak>>20)
		}
		fmt.Fprintf(c.Out, " %s |\n", strings.TrimSpace(r.Checks+" "+strings.Join(sorted(said), "; ")))
	}
	return nil
}

func spoken(one compared) string {
	return fmt.Sprintf("%s (%s)", short(one.warm), short(one.cold))
}

func short(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

func sorted(set map[string]bool) []string {
	var all []string
	for s := range set {
		all = append(all, s)
	}
	slices.Sort(all)
	return all
}

// complaint is the line of what a program complained of that names the error.
func complaint(err error) string {
	text := err.Error()
	for line := range strings.Lines(text) {
		if strings.Contains(line, "Error") {
			text = line
		}
	}
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line[:min(len(line), 120)]
}

// Machine says on what it is measured, and what else it was doing.
func Machine() string {
	load := "unknown"
	if said, err := os.ReadFile("/proc/loadavg"); err == nil {
		load, _, _ = strings.Cut(string(said), " ")
	}
	model := runtime.GOARCH
	info, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(info)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
			}
		}
	}
	return fmt.Sprintf("%d × %s, %s, with a load of %s before it began", runtime.NumCPU(), model, runtime.Version(), load)
}
