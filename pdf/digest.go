package pdf

import (
	"context"
	"crypto"
	"hash"
	"io"
	"slices"
)

// digestAll hashes what every signature covers in one pass over the file for
// each digest algorithm in use. At each signature's gap the running state is
// cloned; the clone goes on with the short rest behind the gap, the state with
// everything.
func digestAll(ctx context.Context, src io.ReaderAt, all []*signature) error {
	byHash := map[crypto.Hash][]*signature{}
	for _, s := range all {
		if s.problem == nil && s.cms != nil {
			byHash[s.hash] = append(byHash[s.hash], s)
		}
	}
	buf := make([]byte, 256<<10)
	for algorithm, signatures := range byHash {
		slices.SortFunc(signatures, func(a, b *signature) int {
			return int(min(1, max(-1, a.covers.gapStart-b.covers.gapStart)))
		})
		main, done := algorithm.New(), int64(0)
		for _, s := range signatures {
			if err := feed(ctx, main, src, done, s.covers.gapStart, buf); err != nil {
				return err
			}
			done = s.covers.gapStart
			branch, err := main.(hash.Cloner).Clone()
			if err != nil {
				return err
			}
			if err := feed(ctx, branch, src, s.covers.gapEnd, s.covers.end, buf); err != nil {
				return err
			}
			s.digest = branch.Sum(nil)
		}
	}
	return nil
}

func feed(ctx context.Context, h hash.Hash, src io.ReaderAt, from, to int64, buf []byte) error {
	for from < to {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := buf[:min(int64(len(buf)), to-from)]
		if err := readFull(src, b, from); err != nil {
			return err
		}
		h.Write(b)
		from += int64(len(b))
	}
	return nil
}
