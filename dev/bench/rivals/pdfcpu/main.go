// Command pdfcpu validates one file with pdfcpu, to be measured beside other
// programs. It does not sign, and has no verdict on a signature with roots of
// one's own. Arguments and answer: see ../README.md.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"

	"github.com/handslag/handslag/dev/bench/rivals/answer"
)

func main() {
	began := time.Now()
	api.DisableConfigDir()
	c := model.NewDefaultConfiguration()
	c.Optimize, c.Offline = false, true
	if err := api.ValidateFile(os.Args[2], c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := answer.Write(began, "structure is valid"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
