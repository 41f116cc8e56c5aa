package pdfcpuchild_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/pdf/pdfcpuchild"
)

// What a page costs, the start of the child included.
func BenchmarkEvidencePage(b *testing.B) {
	self, err := os.Executable()
	require.NoError(b, err)
	c := pdfcpuchild.New(self, "pdfcpu-child")
	for _, people := range []int{2, 50} {
		for _, name := range []string{"Åsa Öhrström-Łukasiewicz", "Nguyễn Thị Hồng Phượng"} {
			p := page(people)
			for i := range p.Sections[1].Items {
				p.Sections[1].Items[i].Title = name
			}
			b.Run(fmt.Sprintf("%d people/%s", people, name), func(b *testing.B) {
				for b.Loop() {
					_, err := c.EvidencePage(context.Background(), p)
					require.NoError(b, err)
				}
			})
		}
	}
}
