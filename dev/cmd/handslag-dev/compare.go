package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/handslag/handslag/dev/bench"
)

type compareCommand struct {
	PDF     string `default:"dev/demo/hyresavtal.pdf" help:"A document whose page serves as evidence page." type:"existingfile"`
	Folder  string `help:"Where files of up to 1 GB go for a while." type:"existingdir"`
	Rivals  string `default:"bin" help:"Folder of the measured Go programs." type:"existingdir"`
	PyHanko string `name:"pyhanko" help:"The Python that has pyHanko."`
	EUDSS   string `name:"eudss" help:"The class path of EU DSS."`
	SignPDF string `name:"signpdf" help:"Folder of signpdf.mjs with its modules."`
	Write   string `help:"The file to write." type:"path"`
}

const benchmarks = `# What sealing and verifying costs

Written by ` + "`make bench-compare`" + ` on %s, on %s. ` + "`make bench`" + ` measures the first table too, and the
product around the engine.

## The engine beside one pass

Every row in turn with one SHA-256 pass over the same file, five times; medians, and their ratio. "Append evidence and seal" is all that
makes the result of a collection out of the upload, copying aside. "Allocated" is all that was allocated meanwhile, which bounds
what the heap can have grown by. The timestamps and the proofs of status come from simulated authorities on the same machine.

` + "```" + `%s` + "```" + `

## Beside other programs

Each program as a process of its own that does its work twice, on the same files, in turn; medians of three. First the second run, as
in a server that is warm; in brackets the program started for one file, its start and the first run; then the most memory that was
resident. %s

@signpdf makes no PAdES signature (no signing-certificate attribute) and asks for no timestamp: it is measured at less work. pdfcpu
does not sign, and its validation of signatures needs roots in a folder of its own and judges no later revision: measured is its
validation of the structure. EU DSS also renders and compares pages when it verifies.
%s`

// Run is the command.
func (c *compareCommand) Run(ctx context.Context) error {
	machine := bench.Machine()
	var engine, tables bytes.Buffer
	d := bench.Documents{Page: c.PDF, Folder: c.Folder, Out: io.MultiWriter(os.Stdout, &engine)}
	if err := d.Run(ctx); err != nil {
		return err
	}
	compare := bench.Compare{Rivals: c.rivals(), Folder: c.Folder, Out: io.MultiWriter(os.Stdout, &tables)}
	if err := compare.Run(ctx); err != nil {
		return err
	}
	if c.Write == "" {
		return nil
	}
	text := fmt.Sprintf(benchmarks, time.Now().UTC().Format("2006-01-02"), machine, engine.String(),
		"Versions: this tree, pyHanko 0.38.0, EU DSS 6.4 on Java 17, @signpdf 3.3.0 on Node 20, pdfcpu 0.15.0.", tables.String())
	if before, err := os.ReadFile(c.Write); err == nil {
		if _, others, found := strings.Cut(string(before), following); found {
			text += following + others
		}
	}
	return os.WriteFile(c.Write, []byte(text), 0o644)
}

// rivals are those that are there.
func (c *compareCommand) rivals() []bench.Rival {
	all := []bench.Rival{{Name: "Handslag", Command: []string{filepath.Join(c.Rivals, "rival-handslag")}, Signs: true, Verifies: true}}
	if c.PyHanko != "" {
		script := filepath.Join("dev", "bench", "rivals", "pyhanko_measure.py")
		all = append(all, bench.Rival{Name: "pyHanko", Command: []string{c.PyHanko, script}, Signs: true, Verifies: true})
	}
	if c.EUDSS != "" {
		java := []string{"java", "-Xmx4g", "-cp", c.EUDSS, "com.handslag.eudss.Measure"}
		all = append(all, bench.Rival{Name: "EU DSS", Command: java, Signs: true, Verifies: true})
	}
	if c.SignPDF != "" {
		all = append(all, bench.Rival{Name: "@signpdf", Command: []string{"node", filepath.Join(c.SignPDF, "signpdf.mjs")}, Signs: true})
	}
	return append(all, bench.Rival{Name: "pdfcpu", Command: []string{filepath.Join(c.Rivals, "rival-pdfcpu")}, Checks: "no signature judged:"})
}
