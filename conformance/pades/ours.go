package main

import (
	"bytes"
	"context"
	"os"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf"
	"github.com/handslag/handslag/simulator/pki"
)

// ours is package pdf as one judge among others. Below B-LT it is given the
// status of all certificates, which the others ask for.
func ours(w *world) judge {
	trust := pdf.Trust{Seal: pool(w.pki.Anchors(pki.Sealing)), Timestamp: pool(w.pki.Anchors(pki.Timestamp))}
	return judge{name: "handslag", run: each(func(ctx context.Context, s *sample) answer {
		b, err := os.ReadFile(s.path)
		if err != nil {
			return answer{Error: err.Error()}
		}
		trust := trust
		trust.Now = now()
		if s.level == "B-B" || s.level == "B-T" {
			if trust.Proofs, err = w.proofs(ctx); err != nil {
				return answer{Error: err.Error()}
			}
		}
		v, err := pdf.Verify(ctx, bytes.NewReader(b), int64(len(b)), trust)
		if err != nil {
			if e, ok := fault.As(err); ok {
				return answer{Error: e.Code}
			}
			return answer{Error: err.Error()}
		}
		var a answer
		for _, r := range v.Signatures {
			a.Signatures = append(a.Signatures, verdict{
				Field: r.Field, Kind: string(r.Kind), Level: string(r.Level),
				Indication: string(r.Indication), Sub: r.SubIndication, Why: r.Reason,
			})
		}
		return a
	})}
}
