package pdf_test

import (
	"bytes"
	"compress/lzw"
	"compress/zlib"
	"encoding/ascii85"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/pdf/internal/pdftest"
)

// packings are all ways in which structure may be packed.
var packings = map[string]struct {
	dict string
	pack func([]byte) []byte
}{
	"none":     {"", func(b []byte) []byte { return b }},
	"no names": {"/Filter [] /DecodeParms []", func(b []byte) []byte { return b }},
	"hex":      {"/Filter /ASCIIHexDecode", func(b []byte) []byte { return []byte(hex.EncodeToString(b) + ">") }},
	"hex with blanks": {"/Filter /AHx", func(b []byte) []byte {
		return []byte(strings.ReplaceAll(strings.ToUpper(hex.EncodeToString(b)), "0", "0 \n") + "\n>")
	}},
	"85":           {"/Filter [/ASCII85Decode] /DecodeParms [null]", pack85},
	"run length":   {"/Filter /RunLengthDecode", packRuns},
	"lzw, late":    {"/Filter /LZWDecode /DecodeParms <</EarlyChange 0>>", packLZW},
	"lzw":          {"/Filter [/LZW]", packEarlyLZW},
	"flate":        {"/Filter /FlateDecode", pdfDeflate},
	"85 and flate": {"/Filter [/A85 /Fl] /DecodeParms [null null]", func(b []byte) []byte { return pack85(pdfDeflate(b)) }},
	"tiff":         {"/Filter /Fl /DecodeParms <</Predictor 2 /Columns 5>>", func(b []byte) []byte { return pdfDeflate(tiff(b, 5)) }},
	"png":          {"/Filter /Fl /DecodeParms <</Predictor 15 /Columns 5>>", func(b []byte) []byte { return pdfDeflate(png(b, 5)) }},
}

func pdfDeflate(b []byte) []byte {
	var out bytes.Buffer
	z := zlib.NewWriter(&out)
	z.Write(b)
	z.Close()
	return out.Bytes()
}

func pack85(b []byte) []byte {
	var out bytes.Buffer
	e := ascii85.NewEncoder(&out)
	e.Write(b)
	e.Close()
	return append(out.Bytes(), "\n~>"...)
}

func packRuns(b []byte) []byte {
	var out []byte
	for len(b) > 0 {
		n := 1
		for n < min(len(b), 128) && b[n] == b[0] {
			n++
		}
		if n > 1 {
			out = append(out, byte(257-n), b[0])
		} else {
			out = append(out, 0, b[0])
		}
		b = b[n:]
	}
	return append(out, 128)
}

// packLZW: the library's order is PDF's with /EarlyChange 0.
func packLZW(b []byte) []byte {
	var out bytes.Buffer
	z := lzw.NewWriter(&out, lzw.MSB, 8)
	z.Write(b)
	z.Close()
	return out.Bytes()
}

// packEarlyLZW writes single bytes and clears before a code must grow, which is
// the same with or without an early change, and then lets it grow early.
func packEarlyLZW(b []byte) []byte {
	var out []byte
	var bits uint64
	count, width, free := 0, 9, 258
	put := func(code int) {
		bits, count = bits<<width|uint64(code), count+width
		for count >= 8 {
			count -= 8
			out = append(out, byte(bits>>count))
		}
	}
	table := map[string]int{}
	put(256)
	for len(b) > 0 {
		n, code := 1, int(b[0])
		for n < len(b) {
			c, ok := table[string(b[:n+1])]
			if !ok {
				break
			}
			n, code = n+1, c
		}
		put(code)
		if n < len(b) {
			table[string(b[:n+1])] = free
			free++
			if free == 1<<width && width < 12 { // the reader is one code behind: early
				width++
			}
		}
		if free == 4095 {
			put(256)
			clear(table)
			width, free = 9, 258
		}
		b = b[n:]
	}
	put(257)
	if count > 0 {
		out = append(out, byte(bits<<(8-count)))
	}
	return out
}

func tiff(b []byte, columns int) []byte {
	out := bytes.Clone(b)
	for len(out)%columns != 0 {
		out = append(out, ' ')
	}
	for row := 0; row < len(out); row += columns {
		for i := columns - 1; i > 0; i-- {
			out[row+i] -= out[row+i-1]
		}
	}
	return out
}

func png(b []byte, columns int) []byte {
	for len(b)%columns != 0 {
		b = append(b, ' ')
	}
	var out []byte
	above := make([]byte, columns)
	for i, kind := 0, 0; i < len(b); i, kind = i+columns, (kind+1)%5 {
		row := b[i : i+columns]
		out = append(out, byte(kind))
		for x, v := range row {
			var left, corner byte
			if x > 0 {
				left, corner = row[x-1], above[x-1]
			}
			switch kind {
			case 1:
				v -= left
			case 2:
				v -= above[x]
			case 3:
				v -= byte((int(left) + int(above[x])) / 2)
			case 4:
				v -= nearest(left, above[x], corner)
			}
			out = append(out, v)
		}
		above = row
	}
	return out
}

func nearest(a, b, c byte) byte {
	p := int(a) + int(b) - int(c)
	best, way := a, max(p-int(a), int(a)-p)
	for _, v := range []byte{b, c} {
		if d := max(p-int(v), int(v)-p); d < way {
			best, way = v, d
		}
	}
	return best
}

// packedDocument has its page in an object stream that is packed as said.
func packedDocument(dict string, pack func([]byte) []byte) []byte {
	d := with(map[int]string{30: "<</Long (" + strings.Repeat("abcabcabd ", 900) + ")>>"})
	return d.Packed(func(head string, index, data string) string {
		return pdftest.Stream(fmt.Sprintf("%s %s /First %d", head, dict, len(index)), string(pack([]byte(index+data))))
	})
}

func TestStructureIsUnpacked(t *testing.T) {
	for name, p := range packings {
		t.Run(name, func(t *testing.T) {
			b := packedDocument(p.dict, p.pack)
			r, err := check(b)
			require.NoError(t, err)
			require.Equal(t, 1, r.Pages)
			at := filepath.Join(t.TempDir(), "packed.pdf")
			require.NoError(t, os.WriteFile(at, b, 0o600))
			require.Contains(t, tool(t, "qpdf", "--check", at), "No syntax or stream encoding errors")
		})
	}
	_, err := check(packedDocument("/Filter /DCTDecode", func(b []byte) []byte { return b }))
	require.Equal(t, pdf.CodeUnsupported, fault.CodeOf(err))
}

// Whatever is packed comes out as it was, and damage never ends in a panic.
func TestPackingsComeBack(t *testing.T) {
	for name, p := range packings {
		if name == "tiff" || name == "png" {
			continue // they pad
		}
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				part := rapid.SliceOfN(rapid.SampledFrom([]byte("ab\x00\xff")), 0, 300).Draw(t, "part")
				want := bytes.Repeat(part, rapid.IntRange(1, 40).Draw(t, "times"))
				got, err := pdf.Unpack(p.dict, p.pack(want))
				require.NoError(t, err)
				require.True(t, bytes.Equal(want, got))
				spoilt := p.pack(want)
				if len(spoilt) > 0 {
					spoilt[rapid.IntRange(0, len(spoilt)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "by"))
				}
				if _, err := pdf.Unpack(p.dict, spoilt); err != nil {
					_, ok := fault.As(err)
					require.True(t, ok, "%v", err)
				}
			})
		})
	}
}

// FuzzUnpack: any bytes under any packing end in bytes or in a fault.
func FuzzUnpack(f *testing.F) {
	names := slices.Sorted(maps.Keys(packings))
	for i, name := range names {
		f.Add(i, packings[name].pack([]byte("a page of a contract, a page of a contract")))
	}
	f.Fuzz(func(t *testing.T, i int, b []byte) {
		if i < 0 || i >= len(names) {
			return
		}
		if _, err := pdf.Unpack(packings[names[i]].dict, b); err != nil {
			_, ok := fault.As(err)
			require.True(t, ok, "%v", err)
		}
	})
}
