package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
)

// verdict is what a judge says of one signature.
type verdict struct {
	Field      string `json:"field"`
	Kind       string `json:"kind"`  // signature or timestamp
	Level      string `json:"level"` // "" when the judge names none
	Indication string `json:"indication"`
	Sub        string `json:"sub"`
	Changes    string `json:"changes"` // that were made since, and that no sound writer makes
	Why        string `json:"why"`
}

func (v verdict) good() bool { return v.Indication == "TOTAL-PASSED" && v.Changes == "" }

func (v verdict) String() string {
	var words []string
	for _, w := range []string{v.Indication, v.Sub, v.Level, v.Changes, v.Why} {
		if w != "" {
			words = append(words, w)
		}
	}
	return strings.Join(words, ", ")
}

// answer is what a judge says of one file.
type answer struct {
	File       string    `json:"file"`
	Signatures []verdict `json:"signatures"`
	Error      string    `json:"error"` // the judge refuses the whole file
}

// judge is a program that has an opinion about signed files.
type judge struct {
	name string
	run  func(context.Context, []*sample) (map[string]answer, error)
}

// secluded is the environment of a program that opens no connection but to the
// simulated authorities: it is spared the reading of the machine's own roots,
// which costs pyHanko more than a signature each time.
func secluded() []string {
	return append(os.Environ(), "SSL_CERT_FILE=/dev/null", "SSL_CERT_DIR=/nonexistent", "REQUESTS_CA_BUNDLE=/dev/null")
}

// spoken runs a program that reads lines "LEVEL TAB PATH" and answers in JSON.
func spoken(program string, args ...string) func(context.Context, []*sample) (map[string]answer, error) {
	return func(ctx context.Context, all []*sample) (map[string]answer, error) {
		var asked, complaints bytes.Buffer
		for _, s := range all {
			fmt.Fprintf(&asked, "%s\t%s\n", s.level, s.path)
		}
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Stdin, cmd.Stderr, cmd.Env = &asked, &complaints, secluded()
		said, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("%w: %s", err, complaints.String())
		}
		answers := map[string]answer{}
		lines := bufio.NewScanner(bytes.NewReader(said))
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var a answer
			if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
				return nil, fmt.Errorf("answered %q: %w", lines.Text(), err)
			}
			answers[a.File] = a
		}
		return answers, lines.Err()
	}
}

// each asks about one file at a time, two at once.
func each(ask func(context.Context, *sample) answer) func(context.Context, []*sample) (map[string]answer, error) {
	return func(ctx context.Context, all []*sample) (map[string]answer, error) {
		var mu sync.Mutex
		answers := map[string]answer{}
		work := make(chan *sample)
		var workers sync.WaitGroup
		for range 2 {
			workers.Go(func() {
				for s := range work {
					a := ask(ctx, s)
					mu.Lock()
					answers[s.path] = a
					mu.Unlock()
				}
			})
		}
		for _, s := range all {
			work <- s
		}
		close(work)
		workers.Wait()
		return answers, ctx.Err()
	}
}

// qpdf judges the structure only.
func qpdf(ctx context.Context, s *sample) answer {
	said, err := exec.CommandContext(ctx, "qpdf", "--check", s.path).CombinedOutput()
	if err != nil {
		return answer{Error: strings.TrimSpace(string(said))}
	}
	return answer{}
}

var (
	signatureHead = regexp.MustCompile(`(?m)^Signature #\d+:$`)
	signatureLine = regexp.MustCompile(`(?m)^  - (Signature Validation|Signature Field Name|Signature Type): (.*)$`)
)

// pdfsig judges digest and signature value; the certificates would need a
// database of NSS, and it knows no rules on what may follow a signature.
func pdfsig(ctx context.Context, s *sample) answer {
	out, err := exec.CommandContext(ctx, "pdfsig", "-nocert", s.path).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return answer{Error: err.Error()}
	}
	said := string(out)
	var a answer
	heads := signatureHead.FindAllStringIndex(said, -1)
	for i, head := range heads {
		end := len(said)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		v := verdict{Kind: "signature", Indication: "TOTAL-FAILED"}
		for _, m := range signatureLine.FindAllStringSubmatch(said[head[1]:end], -1) {
			switch m[1] {
			case "Signature Field Name":
				v.Field = m[2]
			case "Signature Type":
				if m[2] == "unknown" { // as it says of ETSI.RFC3161
					v.Kind = "timestamp"
				}
			default:
				v.Why = m[2]
				if m[2] == "Signature is Valid." {
					v.Indication, v.Why = "TOTAL-PASSED", ""
				}
			}
		}
		a.Signatures = append(a.Signatures, v)
	}
	if len(heads) == 0 {
		a.Error = strings.TrimSpace(said)
	}
	return a
}
