package pdf

import (
	"errors"
	"fmt"
	"io"
)

// blocks reads a source in aligned blocks and keeps the last few, so that a file
// in an object store costs few requests and no memory in proportion to its size.
type blocks struct {
	src  io.ReaderAt
	size int64
	ring [blockCount]block
	next int
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
	off := pos &^ (blockSize - 1)
	for i := range b.ring {
		if len(b.ring[i].data) > 0 && b.ring[i].off == off {
			return b.ring[i].data, off, nil
		}
	}
	n := min(blockSize, b.size-off)
	if pos >= b.size || n <= 0 {
		return nil, 0, truncated()
	}
	// A fresh slice each time: a lexer may still hold the one that is evicted.
	data := make([]byte, n)
	if got, err := b.src.ReadAt(data, off); int64(got) < n {
		if errors.Is(err, io.EOF) {
			return nil, 0, truncated()
		}
		return nil, 0, fmt.Errorf("read %d bytes at %d: %w", n, off, err)
	}
	b.ring[b.next] = block{off, data}
	b.next = (b.next + 1) % blockCount
	return data, off, nil
}
