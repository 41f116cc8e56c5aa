package pdf

import (
	"bufio"
	"errors"
	"io"
)

// The filters beside Flate that structure may be packed with (ISO 32000-2 7.4).
// Each reads from a source that never ends early without an error of its own.

// decoder returns what undoes a filter; nil for one that structure may not use.
func decoder(name Name, r io.Reader, parms Dict) io.Reader {
	b := bufio.NewReader(r)
	switch name {
	case "ASCIIHexDecode", "AHx":
		return &chunks{next: (&asciiHex{r: b}).next}
	case "ASCII85Decode", "A85":
		return &chunks{next: (&ascii85{r: b}).next}
	case "RunLengthDecode", "RL":
		return &chunks{next: (&runLength{r: b}).next}
	case "LZWDecode", "LZW":
		early := 1
		if parms["EarlyChange"] == Integer(0) {
			early = 0
		}
		z := &lzw{r: b, early: early}
		z.clear()
		return &chunks{next: z.next}
	}
	return nil
}

// chunks makes a reader of a function that returns some bytes at a time.
type chunks struct {
	next  func() ([]byte, error)
	ready []byte
}

// Read implements io.Reader.
func (c *chunks) Read(p []byte) (int, error) {
	for len(c.ready) == 0 {
		var err error
		if c.ready, err = c.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.ready)
	c.ready = c.ready[n:]
	return n, nil
}

// textByte returns the next byte that is no white space; io.EOF stands for a
// missing end mark too, which readers do not insist on.
func textByte(r io.ByteReader) (byte, error) {
	for {
		c, err := r.ReadByte()
		if err != nil || !isSpace(c) {
			return c, err
		}
	}
}

type asciiHex struct {
	r   io.ByteReader
	out [1]byte
}

func (a *asciiHex) next() ([]byte, error) {
	var v [2]byte
	for i := range v {
		c, err := textByte(a.r)
		if err == nil && c == '>' {
			err = io.EOF
		}
		if err != nil {
			if i == 0 || !errors.Is(err, io.EOF) {
				return nil, err
			}
			break // 7.4.2: an odd last digit is followed by 0
		}
		d, ok := hexDigit(c)
		if !ok {
			return nil, unpackError("stream", nil)
		}
		v[i] = d
	}
	a.out[0] = v[0]<<4 | v[1]
	return a.out[:], nil
}

type ascii85 struct {
	r    io.ByteReader
	out  [4]byte
	done bool
}

func (a *ascii85) next() ([]byte, error) {
	if a.done {
		return nil, io.EOF
	}
	var v uint64
	n := 0
	for n < 5 {
		c, err := textByte(a.r)
		if errors.Is(err, io.EOF) || err == nil && c == '~' {
			a.done = true
			break
		}
		if err != nil {
			return nil, err
		}
		if c == 'z' && n == 0 {
			return make([]byte, 4), nil
		}
		if c < '!' || c > 'u' {
			return nil, unpackError("stream", nil)
		}
		v = v*85 + uint64(c-'!')
		n++
	}
	if n == 0 {
		return nil, io.EOF
	}
	for range 5 - n { // 7.4.3: a group of n stands for n-1 bytes
		v = v*85 + 84
	}
	if n == 1 || v > 1<<32-1 {
		return nil, unpackError("stream", nil)
	}
	for i := range a.out {
		a.out[i] = byte(v >> (24 - 8*i))
	}
	return a.out[:n-1], nil
}

type runLength struct {
	r   io.ByteReader
	out [128]byte
}

func (a *runLength) next() ([]byte, error) {
	n, err := a.r.ReadByte()
	if err != nil {
		return nil, err
	}
	if n == 128 {
		return nil, io.EOF
	}
	count, step := int(n)+1, 1
	if n > 128 {
		count, step = 257-int(n), 0
	}
	for i := range count {
		if i == 0 || step == 1 {
			if a.out[i], err = a.r.ReadByte(); err != nil {
				return nil, unpackError("stream", err)
			}
			continue
		}
		a.out[i] = a.out[0]
	}
	return a.out[:count], nil
}

// lzw undoes LZW as PDF has it (7.4.4.2): most significant bit first, codes of 9
// to 12 bits, which grow one code early unless /EarlyChange is 0.
type lzw struct {
	r      io.ByteReader
	early  int
	bits   uint32
	count  uint
	width  uint
	free   int // the next code to be defined
	last   int // the code before; -1 after a clear
	prefix [lzwCodes]uint16
	suffix [lzwCodes]byte
	out    [lzwCodes]byte // filled from its end
}

const (
	lzwCodes = 4096
	lzwClear = 256
	lzwEnd   = 257
)

func (z *lzw) clear() { z.width, z.free, z.last = 9, lzwEnd+1, -1 }

func (z *lzw) next() ([]byte, error) {
	code, err := z.code()
	if err != nil {
		return nil, err
	}
	switch {
	case code == lzwClear:
		z.clear()
		return nil, nil
	case code == lzwEnd:
		return nil, io.EOF
	case code > z.free || code >= z.free && z.last < 0 || z.free >= lzwCodes && code >= z.free:
		return nil, unpackError("stream", nil)
	}
	// A code that is only now being defined is the one before and its own first byte.
	known := code
	at := len(z.out)
	if code == z.free {
		known = z.last
		at--
	}
	for ; known > lzwEnd; known = int(z.prefix[known]) {
		at--
		z.out[at] = z.suffix[known]
	}
	at--
	z.out[at] = byte(known)
	if code == z.free {
		z.out[len(z.out)-1] = byte(known)
	}
	if z.last >= 0 && z.free < lzwCodes {
		z.prefix[z.free], z.suffix[z.free] = uint16(z.last), byte(known)
		z.free++
		if z.free+z.early >= 1<<z.width && z.width < 12 {
			z.width++
		}
	}
	z.last = code
	return z.out[at:], nil
}

func (z *lzw) code() (int, error) {
	for z.count < z.width {
		c, err := z.r.ReadByte()
		if err != nil {
			return 0, err
		}
		z.bits, z.count = z.bits<<8|uint32(c), z.count+8
	}
	z.count -= z.width
	return int(z.bits >> z.count & (1<<z.width - 1)), nil
}

// tiffRows undoes predictor 2 of whole bytes (TIFF 6.0 section 14): each byte is
// the difference from the same colour of the pixel to the left.
type tiffRows struct {
	r    io.Reader
	unit int
	row  []byte
}

func (t *tiffRows) next() ([]byte, error) {
	if _, err := io.ReadFull(t.r, t.row); err != nil {
		return nil, err
	}
	for i := t.unit; i < len(t.row); i++ {
		t.row[i] += t.row[i-t.unit]
	}
	return t.row, nil
}
