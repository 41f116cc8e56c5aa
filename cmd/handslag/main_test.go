package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets scripts run the program as the command handslag.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"handslag": main})
}

// TestScripts runs each file of testdata: what a person types, and sees. The
// document in evidence/testdata was sealed by the demo of the first release; what
// we hand out must verify for ever.
func TestScripts(t *testing.T) {
	fixtures, err := filepath.Abs(filepath.Join("..", "..", "evidence", "testdata"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv("SEALED", filepath.Join(fixtures, "sealed"))
			e.Setenv("SEPARATE", filepath.Join(fixtures, "separate"))
			e.Setenv("MIXED", filepath.Join(fixtures, "mixed"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exitcode": exitCode, "flip": flip},
	})
}

// exitCode runs a command and wants an exit code: exitcode 2 handslag verify …
func exitCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exitcode code command…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = err.Error()[len("exit status "):]
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// flip writes a copy of a file with one byte changed: flip from to offset
func flip(ts *testscript.TestScript, _ bool, args []string) {
	b, err := os.ReadFile(args[0])
	ts.Check(err)
	b[len(b)/3] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b, 0o600))
}
