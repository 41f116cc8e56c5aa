// Command pdfcpu validates one file with pdfcpu, to be measured beside other
// programs. It does not sign, and has no verdict on a signature with roots of
// one's own. Arguments and answer: see ../README.md.
package main

import (
	"fmt"
	"os"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"

	"github.com/handslag/handslag/dev/bench/rivals/answer"
)

func main() {
	api.DisableConfigDir()
	err := answer.Twice(func() (string, error) {
		c := model.NewDefaultConfiguration()
		c.Optimize, c.Offline = false, true
		return "structure is valid", api.ValidateFile(os.Args[2], c)
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
