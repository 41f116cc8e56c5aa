package pdfcpuchild

import (
	"bytes"
	"encoding/binary"
	"math"
)

// The page is drawn in a colour space of its own, sRGB, so that its colours mean
// the same in every document that it becomes part of, one for print included
// (ISO 19005-3, 6.2.4.2).
type colour [3]float64

var (
	ink    = colour{0.12, 0.14, 0.18}
	muted  = colour{0.36, 0.39, 0.44}
	accent = colour{0.05, 0.35, 0.42}
	rule   = colour{0.85, 0.87, 0.89}
	pale   = colour{0.91, 0.96, 0.96}
	alarm  = colour{0.62, 0.10, 0.10}
)

// profile makes an ICC profile of sRGB (ICC.1:2001-04, version 2.4): primaries,
// white and curve of IEC 61966-2-1, adapted to the D50 that a profile is in.
func profile() []byte {
	type tag struct {
		name string
		data []byte
	}
	text := func(kind, s string) []byte { return append([]byte(kind+"\x00\x00\x00\x00"), s+"\x00"...) }
	fixed := func(v float64) []byte {
		return binary.BigEndian.AppendUint32(nil, uint32(int32(math.Round(v*65536))))
	}
	xyz := func(x, y, z float64) []byte {
		return bytes.Join([][]byte{[]byte("XYZ \x00\x00\x00\x00"), fixed(x), fixed(y), fixed(z)}, nil)
	}
	// 6.5.17: the name in ASCII, then an empty one in Unicode and one for Macintosh.
	const name = "sRGB\x00"
	desc := append([]byte("desc\x00\x00\x00\x00\x00\x00\x00\x05"+name), make([]byte, 4+4+2+1+67)...)
	tags := []tag{
		{"desc", desc},
		{"cprt", text("text", "No copyright, use freely")},
		{"wtpt", xyz(0.9642, 1, 0.8249)},
		{"rXYZ", xyz(0.4361, 0.2225, 0.0139)},
		{"gXYZ", xyz(0.3851, 0.7169, 0.0971)},
		{"bXYZ", xyz(0.1431, 0.0606, 0.7141)},
		{"rTRC", curve()},
	}
	directory := binary.BigEndian.AppendUint32(nil, uint32(len(tags)+2))
	var data []byte
	at := 128 + 4 + 12*(len(tags)+2)
	entry := func(name string, offset, size int) {
		directory = append(directory, name...)
		directory = binary.BigEndian.AppendUint32(directory, uint32(offset))
		directory = binary.BigEndian.AppendUint32(directory, uint32(size))
	}
	for _, t := range tags {
		offset := at + len(data)
		entry(t.name, offset, len(t.data))
		if t.name == "rTRC" { // the three channels share one curve
			entry("gTRC", offset, len(t.data))
			entry("bTRC", offset, len(t.data))
		}
		data = append(data, t.data...)
		data = append(data, make([]byte, -len(t.data)&3)...)
	}
	head := make([]byte, 128)
	binary.BigEndian.PutUint32(head, uint32(at+len(data)))
	copy(head[8:], "\x02\x40\x00\x00mntrRGB XYZ ")
	copy(head[24:], []byte{0x07, 0xd0, 0, 1, 0, 1}) // a date that never changes
	copy(head[36:], "acsp")
	copy(head[68:], xyz(0.9642, 1, 0.8249)[8:]) // 6.1.9: the illuminant is D50
	return bytes.Join([][]byte{head, directory, data}, nil)
}

// curve is the transfer function of sRGB, sampled (6.5.3).
func curve() []byte {
	const samples = 256
	b := binary.BigEndian.AppendUint32([]byte("curv\x00\x00\x00\x00"), samples)
	for i := range samples {
		v := float64(i) / (samples - 1)
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		b = binary.BigEndian.AppendUint16(b, uint16(math.Round(v*65535)))
	}
	return b
}
