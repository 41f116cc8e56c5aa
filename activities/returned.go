package activities

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

const (
	// maxAdded bounds what a signature may add to a document, proofs of status
	// among it: revocation lists have megabytes.
	maxAdded = 16 << 20
	// resultTime is how long a result that is said to be there is asked for before
	// it counts as lost.
	resultTime = 2 * time.Minute
)

// codeResultMissing is of an order that is signed and has a result that the
// provider no longer has.
const codeResultMissing = "result_missing"

var errResultNotYet = fault.New(fault.Unavailable, "result_not_yet", "The provider says that the documents are signed and does not have them yet.")

// returnedFile is what a provider made of a document, as it is kept before
// anybody judges it. A file that begins with a document as it was sent is kept as
// what follows that; any other is kept whole, beside the evidence.
type returnedFile struct {
	ID       string             `json:"id"`                 // what the provider calls it
	Document signing.DocumentID `json:"document,omitempty"` // that it begins with
	Length   int64              `json:"length"`             // bytes, as is Tail
	Digest   signing.Digest     `json:"sha256"`             // zero for one that is too large to be kept
	Tail     []byte             `json:"tail,omitempty"`
}

// delivery is an order's results on their way to us.
type delivery struct {
	*Verification
	ref    AttemptRef
	from   providers.RevisionReturner
	answer StoredAnswer
	sent   []signing.ManifestDocument
	result providers.Result // which files there are
	policy signing.Policy
}

// deliver fetches what was signed, judges it, and makes the next revision of each
// document, or of none. The verdict is kept before that: whoever takes over after
// a crash makes the same of it.
func (d *delivery) deliver(ctx context.Context, p signing.Participant, asked request) (providers.Result, []signing.Current, error) {
	manifest, err := signing.ParseManifest(asked.Manifest)
	if err != nil {
		return d.result, nil, fmt.Errorf("read what was sent: %w", err)
	}
	d.sent = manifest.Documents
	verdict, known, err := d.verdict(ctx)
	if err != nil || known && verdict.Outcome != signing.OutcomeSigned {
		return verdict, nil, err
	}
	files, lost, err := d.receive(ctx)
	switch {
	case err != nil:
		return verdict, nil, err
	case known:
	case lost:
		verdict = d.result
		verdict.Outcome, verdict.ProviderCode = signing.OutcomeResultLost, codeResultMissing
	default:
		if verdict, err = d.judge(ctx, p, files); err != nil {
			return verdict, nil, err
		}
		// The collection would not count it, so nobody may sign on top of it.
		if verdict.Outcome == signing.OutcomeSigned && !d.policy.Accepts(verdict.Assurance, verdict.Level) {
			verdict = d.refusal(refused{signing.ReasonNotAccepted, codeBelowPolicy})
		}
	}
	if verdict, err = d.keep(ctx, d.ref, verdict); err != nil || verdict.Outcome != signing.OutcomeSigned {
		return verdict, nil, err
	}
	made, err := d.accept(ctx, files)
	return verdict, made, err
}

// verdict is what an earlier run has found.
func (d *delivery) verdict(ctx context.Context) (r providers.Result, known bool, err error) {
	_, err = d.get(ctx, d.ref, resultName, &r)
	if fault.KindOf(err) == fault.NotFound {
		return r, false, nil
	}
	return r, err == nil, err
}

// receive fetches each result, once, and keeps it. A run that follows another
// fetches what that has not kept. It is lost when the provider has no longer what
// it says was signed.
func (d *delivery) receive(ctx context.Context) (files []returnedFile, lost bool, err error) {
	for i, id := range d.results() {
		ref := d.ref.evidence(fmt.Sprintf("returned.%02d", i))
		b, err := d.Evidence.GetEvidence(ctx, ref)
		if fault.KindOf(err) == fault.NotFound {
			b, err = d.fetch(ctx, ref, id, files)
		}
		if fault.KindOf(err) == fault.NotFound {
			if d.Clock().Before(d.answer.CollectedAt.Add(resultTime)) {
				return nil, false, errResultNotYet.Because(err)
			}
			return files, true, nil
		}
		if err != nil {
			return nil, false, fmt.Errorf("get a result: %w", err)
		}
		var file returnedFile
		if err := json.Unmarshal(b, &file); err != nil {
			return nil, false, fmt.Errorf("decode a kept result: %w", err)
		}
		files = append(files, file)
	}
	return files, false, nil
}

// results are the ids of all files, in an order that is the same at each run.
func (d *delivery) results() []string {
	ids := slices.Clone(d.result.Unplaced)
	for _, document := range slices.Sorted(maps.Keys(d.result.Revisions)) {
		ids = append(ids, d.result.Revisions[document])
	}
	return ids
}

// fetch gets one file and keeps it, and returns the record of what is kept.
func (d *delivery) fetch(ctx context.Context, ref signing.EvidenceRef, id string, before []returnedFile) ([]byte, error) {
	content, err := d.download(ctx, id)
	if err != nil {
		return nil, err
	}
	file := d.place(id, content, before)
	if file.Document == "" && !file.Digest.IsZero() {
		if file.Digest, err = d.Returned.KeepReturned(ctx, ref, content); err != nil {
			return nil, fmt.Errorf("keep a file that was returned: %w", err)
		}
	}
	made, err := json.Marshal(file)
	if err != nil {
		return nil, fmt.Errorf("encode a result: %w", err)
	}
	kept, _, err := d.Evidence.AdoptEvidence(ctx, ref, made)
	if err != nil {
		return nil, fmt.Errorf("keep a result: %w", err)
	}
	return kept, nil
}

func (d *delivery) download(ctx context.Context, id string) ([]byte, error) {
	in, err := d.from.Revision(ctx, d.answer.Order, id)
	if err != nil {
		return nil, err
	}
	defer in.Close() //nolint:errcheck // read only
	content, err := io.ReadAll(io.LimitReader(in, d.most()+1))
	if err != nil {
		return nil, fault.New(fault.Unavailable, "result_unread", "What the provider returned did not arrive whole.").Because(err)
	}
	return content, nil
}

// most is the largest that a result can be.
func (d *delivery) most() int64 {
	most := int64(0)
	for _, s := range d.sent {
		most = max(most, s.Length)
	}
	return most + maxAdded
}

// place finds the document that a file begins with, as it was sent: the longest
// one, since a document may begin with another one. Every byte is hashed once.
func (d *delivery) place(id string, content []byte, before []returnedFile) returnedFile {
	file := returnedFile{ID: id, Length: int64(len(content))}
	if file.Length > d.most() {
		return file
	}
	candidates := slices.DeleteFunc(slices.Clone(d.sent), func(s signing.ManifestDocument) bool {
		return slices.ContainsFunc(before, func(f returnedFile) bool { return f.Document == s.ID })
	})
	slices.SortStableFunc(candidates, func(a, b signing.ManifestDocument) int { return int(a.Length - b.Length) })
	h, at := sha256.New(), int64(0)
	for _, s := range candidates {
		if s.Length > file.Length {
			break
		}
		h.Write(content[at:s.Length])
		at = s.Length
		better := file.Document == "" || int64(len(file.Tail)) > file.Length-s.Length || d.result.Revisions[s.ID] == id
		if signing.Digest(h.Sum(nil)) == s.Digest && better {
			file.Document, file.Tail = s.ID, content[s.Length:]
		}
	}
	h.Write(content[at:])
	file.Digest = signing.Digest(h.Sum(nil))
	return file
}

// accept makes the next revision of each document out of what was kept of it: what
// was sent, what came back, and what preserves that. What an earlier run has made
// stays.
func (d *delivery) accept(ctx context.Context, files []returnedFile) ([]signing.Current, error) {
	var made []signing.Current
	for i, s := range d.sent {
		of := slices.IndexFunc(files, func(f returnedFile) bool { return f.Document == s.ID })
		if of < 0 {
			return nil, errRevision.Because(errors.New("a document has no result"))
		}
		more, err := d.Evidence.GetEvidence(ctx, d.preserved(i))
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return nil, fmt.Errorf("get what preserves a signature: %w", err)
		}
		now, err := d.revise(ctx, s, slices.Concat(files[of].Tail, more))
		if err != nil {
			return nil, fmt.Errorf("make the next revision: %w", err)
		}
		made = append(made, now)
	}
	return made, nil
}

var errRevision = fault.New(fault.Corrupt, "revision_differs", "The next revision of a document is there and is another one.")

// revise makes the next revision of one document.
func (d *delivery) revise(ctx context.Context, sent signing.ManifestDocument, tail []byte) (signing.Current, error) {
	from := revisionOf(d.ref.CollectionRef, sent.ID, sent.Revision)
	next := revisionOf(d.ref.CollectionRef, sent.ID, sent.Revision+1)
	revision, err := openRevision(ctx, d.Revisions, from)
	if err != nil {
		return signing.Current{}, err
	}
	revision = revision.Extend(tail)
	err = unlessKept(ctx, d.Revisions, next, func() error { return keepRevision(ctx, d.Revisions, next, from, tail, revision) })
	if err != nil {
		return signing.Current{}, err
	}
	kept, err := d.Revisions.Revision(ctx, next)
	if err != nil {
		return signing.Current{}, fmt.Errorf("describe revision: %w", err)
	}
	if kept.Digest != revision.Hash.Sum() {
		return signing.Current{}, errRevision
	}
	return signing.Current{Document: sent.ID, Revision: next.Revision, Length: kept.Length, Digest: kept.Digest}, nil
}
