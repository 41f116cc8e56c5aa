package pdf

import (
	"io"

	"github.com/handslag/handslag/fault"
)

// Revision is a document at the end of one of its revisions. Hash is the state
// after its last byte; only [Seal] needs it.
type Revision struct {
	Source io.ReaderAt
	Size   int64
	Hash   *HashState
}

// Extend returns r with tail after it. Neither is copied or changed, and
// neither may change while the result is in use.
func (r Revision) Extend(tail []byte) Revision {
	next := Revision{Source: &joined{r.Source, r.Size, tail}, Size: r.Size + int64(len(tail))}
	if r.Hash != nil {
		next.Hash = r.Hash.Clone()
		_, _ = next.Hash.Write(tail) // never fails
	}
	return next
}

func (r Revision) hash() (*HashState, error) {
	if r.Hash == nil || r.Hash.Len() != r.Size {
		return nil, fault.New(fault.Corrupt, "pdf_hash_state", "The stored hash state does not belong to this revision of the document.")
	}
	return r.Hash.Clone(), nil
}

// joined is a source followed by bytes in memory.
type joined struct {
	head io.ReaderAt
	size int64
	tail []byte
}

func (j *joined) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	if off < j.size {
		want := min(int64(len(p)), j.size-off)
		got, err := j.head.ReadAt(p[:want], off)
		n = got
		if int64(got) < want {
			return n, err
		}
		off = j.size
	}
	if n == len(p) {
		return n, nil
	}
	if off-j.size > int64(len(j.tail)) {
		return n, io.EOF
	}
	n += copy(p[n:], j.tail[off-j.size:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
