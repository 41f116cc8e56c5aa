// Package attack is the workbench of an adversary: it extends PDF files by
// updates of any kind, however wrong, and signs with any key what a verifier
// should refuse. Tests of pdf use it and nothing else does.
//
// Everything is text: no reader or writer of pdf is used but [pdf.Seal], so that
// what is wrong in them is not made twice.
package attack

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Update is an incremental update. The zero value of a field is what an honest
// writer would do.
type Update struct {
	Objects map[int]string // bodies by number
	Places  map[int]int    // entries without an object: an offset somewhere in the file
	Freed   []int
	Packed  []int // of Objects: those in an object stream (stream form only)
	Holder  int   // number of that object stream; 0 is a new one
	Own     int   // number of the cross-reference stream; 0 is a new one

	Root, Info string // "9 0 R"; "" repeats the last
	ID         string // "[<..> <..>]"
	Prev       int    // 0 is the last startxref
	Size       int    // 0 is large enough
	Trailer    string // further entries
	Form       string // "table" or "stream"; "" goes on as the file did

	NoXRef, NoTrailer, NoStart bool // leave these out
	Start                      int  // startxref; 0 is true
	Last                       func(section string) string
}

// Form is how the newest section of a file is written.
func Form(b []byte) string {
	if bytes.HasPrefix(b[StartXRef(b):], []byte("xref")) {
		return "table"
	}
	return "stream"
}

// StartXRef is the number after the last startxref.
func StartXRef(b []byte) int {
	n, err := strconv.Atoi(string(bytes.Fields(b[bytes.LastIndex(b, []byte("startxref"))+9:])[0]))
	if err != nil {
		panic(err)
	}
	return n
}

func last(b []byte, pattern string) string {
	all := regexp.MustCompile(pattern).FindAllSubmatch(b, -1)
	if all == nil {
		return ""
	}
	return string(all[len(all)-1][1])
}

// Next is the first object number that nothing uses.
func Next(b []byte) int {
	size, err := strconv.Atoi(last(b, `/Size (\d+)`))
	if err != nil {
		panic(err)
	}
	return size
}

// Root is the number of the newest catalog.
func Root(b []byte) int {
	n, err := strconv.Atoi(last(b, `/Root (\d+) 0 R`))
	if err != nil {
		panic(err)
	}
	return n
}

func (u Update) complete(b []byte) Update {
	if u.Form == "" {
		u.Form = Form(b)
	}
	if u.Root == "" {
		u.Root = last(b, `/Root (\d+ \d+ R)`)
	}
	if u.Info == "" {
		u.Info = last(b, `/Info (\d+ \d+ R)`)
	}
	if u.ID == "" {
		u.ID = fmt.Sprintf("[<00112233445566778899AABBCCDDEEFF> <%032X>]", len(b))
	}
	if u.Prev == 0 {
		u.Prev = StartXRef(b)
	}
	size := Next(b)
	for n := range u.Objects {
		size = max(size, n+1)
	}
	if len(u.Packed) > 0 && u.Holder == 0 {
		u.Holder = size
	}
	size = max(size, u.Holder+1)
	if u.Form == "stream" && u.Own == 0 {
		u.Own = size
	}
	if u.Size == 0 {
		u.Size = max(size, u.Own+1)
	}
	return u
}

// On puts the update behind b.
func (u Update) On(b []byte) []byte {
	u = u.complete(b)
	out := bytes.NewBuffer(bytes.Clone(b))
	if c := b[len(b)-1]; c != '\n' && c != '\r' {
		out.WriteByte('\n')
	}
	at := maps.Clone(u.Places)
	if at == nil {
		at = map[int]int{}
	}
	plain := slices.DeleteFunc(slices.Sorted(maps.Keys(u.Objects)), func(n int) bool { return slices.Contains(u.Packed, n) })
	for _, n := range plain {
		at[n] = out.Len()
		fmt.Fprintf(out, "%d 0 obj\n%s\nendobj\n", n, u.Objects[n])
	}
	if len(u.Packed) > 0 {
		at[u.Holder] = out.Len()
		fmt.Fprintf(out, "%d 0 obj\n%s\nendobj\n", u.Holder, u.pack())
	}
	section := u.section(out.Len(), at)
	if u.Last != nil {
		section = u.Last(section)
	}
	start := out.Len()
	if u.Start != 0 {
		start = u.Start
	}
	out.WriteString(section)
	if !u.NoStart {
		fmt.Fprintf(out, "startxref\n%d\n%%%%EOF\n", start)
	}
	return out.Bytes()
}

func (u Update) pack() string {
	var index, data strings.Builder
	for _, n := range u.Packed {
		fmt.Fprintf(&index, "%d %d ", n, data.Len())
		data.WriteString(u.Objects[n] + "\n")
	}
	return Stream(fmt.Sprintf("/Type /ObjStm /N %d /First %d", len(u.Packed), index.Len()), index.String()+data.String())
}

// Stream writes a stream object's body with a true length.
func Stream(dict, data string) string {
	return fmt.Sprintf("<<%s /Length %d>>\nstream\n%s\nendstream", dict, len(data), data)
}

func (u Update) section(at int, places map[int]int) string {
	entries := fmt.Sprintf("/Size %d /Root %s /Prev %d /ID %s", u.Size, u.Root, u.Prev, u.ID)
	if u.Info != "" {
		entries += " /Info " + u.Info
	}
	entries += " " + u.Trailer
	if u.Form == "stream" {
		places[u.Own] = at
	}
	nums := slices.Sorted(maps.Keys(places))
	nums = append(append(nums, u.Freed...), u.Packed...)
	slices.Sort(nums)
	nums = slices.Compact(nums)
	if u.Form == "stream" {
		return u.stream(nums, places, entries)
	}
	var b strings.Builder
	if !u.NoXRef {
		b.WriteString("xref\n")
		for _, n := range nums {
			if slices.Contains(u.Freed, n) {
				fmt.Fprintf(&b, "%d 1\n0000000000 00001 f \n", n)
			} else {
				fmt.Fprintf(&b, "%d 1\n%010d 00000 n \n", n, places[n])
			}
		}
		if len(nums) == 0 {
			b.WriteString("0 0\n")
		}
	}
	if !u.NoTrailer {
		fmt.Fprintf(&b, "trailer\n<<%s>>\n", entries)
	}
	return b.String()
}

func (u Update) stream(nums []int, places map[int]int, entries string) string {
	var index, rows strings.Builder
	for _, n := range nums {
		fmt.Fprintf(&index, "%d 1 ", n)
		kind, second, third := byte(1), places[n], 0
		switch i := slices.Index(u.Packed, n); {
		case slices.Contains(u.Freed, n):
			kind, second, third = 0, 0, 1
		case i >= 0:
			kind, second, third = 2, u.Holder, i
		}
		row := binary.BigEndian.AppendUint64([]byte{kind}, uint64(second))
		rows.Write(binary.BigEndian.AppendUint16(row, uint16(third)))
	}
	if u.NoXRef {
		return ""
	}
	return fmt.Sprintf("%d 0 obj\n%s\nendobj\n", u.Own,
		Stream(fmt.Sprintf("/Type /XRef /W [1 8 2] /Index [%s] %s", index.String(), entries), rows.String()))
}
