package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/handslag/handslag/simulator/pki"
)

// signedByOthers has those judges sign that can.
func signedByOthers(ctx context.Context, w *world, dir, python, classes string) ([]*sample, error) {
	var all []*sample
	if python != "" {
		made, err := foreign(ctx, w, dir, "pyhanko", python, filepath.Join("conformance", "pades", "pyhanko_sign.py"))
		if err != nil {
			return nil, err
		}
		all = append(all, made...)
	}
	if classes != "" {
		made, err := foreign(ctx, w, dir, "eudss", "java", "-cp", classes, "com.handslag.eudss.Sign")
		if err != nil {
			return nil, err
		}
		all = append(all, made...)
	}
	return all, nil
}

// foreign has another program sign the same contract: "LEVEL TAB SIGNATURES TAB
// PATH" is what it answers of each file that it has written.
func foreign(ctx context.Context, w *world, dir, by, program string, args ...string) ([]*sample, error) {
	args = append(args, filepath.Join(dir, "contract.pdf"), dir, w.stamps.URLs[0], w.rootFile)
	for _, key := range []string{"rsa-3072", "p256", "rsa-2048"} {
		path := filepath.Join(dir, key+".pem")
		if err := writeIdentity(path, w.seals[key]); err != nil {
			return nil, err
		}
		args = append(args, path)
	}
	cmd := exec.CommandContext(ctx, program, args...)
	var complaints bytes.Buffer
	cmd.Stderr, cmd.Env = &complaints, secluded()
	said, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("sign with %s: %w: %s", by, err, complaints.String())
	}
	var all []*sample
	for lines := bufio.NewScanner(bytes.NewReader(said)); lines.Scan(); {
		words := strings.Split(lines.Text(), "\t")
		if len(words) != 3 {
			return nil, fmt.Errorf("sign with %s: it said %q", by, lines.Text())
		}
		n, err := strconv.Atoi(words[1])
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(filepath.Base(words[2]), ".pdf")
		all = append(all, &sample{name: name, path: words[2], level: words[0], form: "table", by: by, signatures: n})
	}
	return all, nil
}

func writeIdentity(path string, id pki.Identity) error {
	text, err := id.KeyPEM()
	if err != nil {
		return err
	}
	for _, c := range chain(id) {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return os.WriteFile(path, text, 0o600)
}
