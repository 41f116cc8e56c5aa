package pdf

import (
	"errors"
	"fmt"
	"io"
)

// blocks reads a source in aligned blocks and keeps the last few, so that a file
// in an object store costs few requests and no memory in proportion to its size.
type blocks struct {
	src   io.ReaderAt
	size  int64
	ring  [blockCount]block
	next  int
	names names  // of the lexers over it
	own   []byte // when set, the only block: at most one lexer may be over it
}

type block struct {
	off  int64
	data []byte
}

const (
	blockSize  = 16 << 10
	blockCount = 16
)

// at returns the block that holds pos, and where the block begins.
func (b *blocks) at(pos int64) ([]byte, int64, error) {
	if b.own != nil {
		data, err := b.read(b.own, pos, pos)
		return data, pos, err
	}
	off := pos &^ (blockSize - 1)
	for i := range b.ring {
		if len(b.ring[i].data) > 0 && b.ring[i].off == off {
			return b.ring[i].data, off, nil
		}
	}
	// A fresh slice each time: a lexer may still hold the one that is evicted.
	data, err := b.read(make([]byte, blockSize), off, pos)
	if err != nil {
		return nil, 0, err
	}
	b.ring[b.next] = block{off, data}
	b.next = (b.next + 1) % blockCount
	return data, off, nil
}

// read fills buf from off on, as far as the source goes, which must be past pos.
func (b *blocks) read(buf []byte, off, pos int64) ([]byte, error) {
	n := min(int64(len(buf)), b.size-off)
	if pos >= b.size || n <= 0 {
		return nil, truncated()
	}
	buf = buf[:n]
	if got, err := b.src.ReadAt(buf, off); int64(got) < n {
		if errors.Is(err, io.EOF) {
			return nil, truncated()
		}
		return nil, fmt.Errorf("read %d bytes at %d: %w", n, off, err)
	}
	return buf, nil
}
