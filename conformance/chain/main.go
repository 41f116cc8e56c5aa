// Command chain has EU DSS and pyHanko judge documents that several people have
// signed one after the other, and that are sealed: every signature in each must
// be good, nothing may be missing, and a judge that says so of a spoilt document
// too is found out. run.sh prepares the judges and the documents.
//
// The folder has the documents, a file "list" with a line "SIGNATURES TAB NAME"
// for each, and the roots in trust/.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// document is one that the judges look at.
type document struct {
	path       string
	signatures int // the seal among them; document timestamps are not
	spoilt     bool
}

// answer is what a judge says of a document.
type answer struct {
	File       string `json:"file"`
	Error      string `json:"error"`
	Signatures []struct {
		Field      string `json:"field"`
		Kind       string `json:"kind"`
		Level      string `json:"level"`
		Indication string `json:"indication"`
		Sub        string `json:"sub"`
		Changes    string `json:"changes"`
		Why        string `json:"why"`
	} `json:"signatures"`
}

func main() {
	dir := flag.String("dir", "", "the folder")
	python := flag.String("pyhanko", "", "the Python that has pyHanko")
	classes := flag.String("eudss", "", "the class path of the EU DSS judge")
	flag.Parse()
	if err := run(context.Background(), *dir, *python, *classes); err != nil {
		fmt.Fprintln(os.Stderr, "chain:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir, python, classes string) error {
	documents, err := read(dir)
	if err != nil {
		return err
	}
	roots, err := filepath.Glob(filepath.Join(dir, "trust", "*.pem"))
	if err != nil || len(roots) == 0 {
		return errors.Join(errors.New("there are no roots"), err)
	}
	judges := map[string][]string{}
	if python != "" {
		judges["pyhanko"] = append([]string{python, filepath.Join("conformance", "pades", "pyhanko_judge.py")}, roots...)
	}
	if classes != "" {
		judges["eudss"] = append([]string{"java", "-Xmx1g", "-cp", classes, "com.handslag.eudss.Judge"}, roots...)
	}
	for name, command := range judges {
		answers, err := ask(ctx, command, documents)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		good := 0
		for _, d := range documents {
			n, err := d.judged(answers[d.path])
			if err != nil {
				return fmt.Errorf("%s disagrees about %s: %w", name, filepath.Base(d.path), err)
			}
			good += n
		}
		fmt.Printf("chain: %s: %d signatures and timestamps are good\n", name, good)
	}
	return nil
}

// read reads the list, and spoils a copy of each document.
func read(dir string) ([]document, error) {
	list, err := os.ReadFile(filepath.Join(dir, "list"))
	if err != nil {
		return nil, err
	}
	var all []document
	for line := range strings.Lines(string(list)) {
		count, name, ok := strings.Cut(strings.TrimSpace(line), "\t")
		n, err := strconv.Atoi(count)
		if !ok || err != nil {
			return nil, fmt.Errorf("the list has the line %q", line)
		}
		sound := document{path: filepath.Join(dir, name), signatures: n}
		b, err := os.ReadFile(sound.path)
		if err != nil {
			return nil, err
		}
		b[10] ^= 1 // in the comment that follows the header
		spoilt := document{path: sound.path + ".spoilt", signatures: n, spoilt: true}
		if err := os.WriteFile(spoilt.path, b, 0o600); err != nil {
			return nil, err
		}
		all = append(all, sound, spoilt)
	}
	if len(all) == 0 {
		return nil, errors.New("the list is empty")
	}
	return all, nil
}

// ask runs a judge that reads lines "LEVEL TAB PATH" and answers in JSON. At
// B-LTA it fetches nothing: the document holds all that is needed.
func ask(ctx context.Context, command []string, documents []document) (map[string]answer, error) {
	var asked, complaints bytes.Buffer
	for _, d := range documents {
		fmt.Fprintf(&asked, "B-LTA\t%s\n", d.path)
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdin, cmd.Stderr = &asked, &complaints
	cmd.Env = append(os.Environ(), "SSL_CERT_FILE=/dev/null", "SSL_CERT_DIR=/nonexistent", "REQUESTS_CA_BUNDLE=/dev/null")
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

// judged counts what is good in a sound document, and nothing in a spoilt one.
func (d document) judged(a answer) (int, error) {
	if d.spoilt {
		for _, s := range a.Signatures {
			if s.Indication == "TOTAL-PASSED" && s.Changes == "" {
				return 0, fmt.Errorf("a changed byte went unseen by %s", s.Field)
			}
		}
		return 0, nil
	}
	if a.Error != "" {
		return 0, errors.New(a.Error)
	}
	kinds := map[string]int{}
	for _, s := range a.Signatures {
		kinds[s.Kind]++
		if s.Indication != "TOTAL-PASSED" || s.Changes != "" {
			return 0, fmt.Errorf("%s %s: %s %s %s %s", s.Kind, s.Field, s.Indication, s.Sub, s.Changes, s.Why)
		}
	}
	if kinds["signature"] != d.signatures || kinds["timestamp"] == 0 {
		return 0, fmt.Errorf("it has %v, and not %d signatures", kinds, d.signatures)
	}
	return len(a.Signatures), nil
}
