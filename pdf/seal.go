package pdf

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/pdf/cms"
	"github.com/handslag/handslag/pdf/revocation"
)

// Timestamper gets a timestamp token (RFC 3161) over a SHA-256 digest. The
// token it returns has been checked: status, imprint, nonce, signature. It may
// be asked again for the same seal. When no authority answers, its error is the
// fault of kind Unavailable; a seal then fails rather than go without.
//
// One that also has TokenSize() int, the size of the largest token it has seen,
// saves a second question when tokens are larger than usual.
type Timestamper interface {
	Timestamp(ctx context.Context, sha256Digest []byte) ([]byte, error)
}

// RevocationSource gets a proof of the status of a certificate that issuer
// issued. The proof has been checked and says that the certificate is good. For
// one that is revoked the error is the fault certificate_revoked, and the proof of
// that comes with it. It is asked from several goroutines. When no proof can be had its error is a fault of kind
// Unavailable; a seal then fails rather than go without.
type RevocationSource interface {
	Revocation(ctx context.Context, certificate, issuer *x509.Certificate) (revocation.Proof, error)
}

// SealOptions say who seals, and when.
type SealOptions struct {
	Key   crypto.Signer
	Chain []*x509.Certificate // the key's own first
	PSS   bool                // an RSA key signs by RSASSA-PSS
	Time  time.Time           // claimed, as /M
	// Name, Reason and Location are shown by readers; empty ones are left out.
	Name, Reason, Location string
	// Level is B-T when it is empty and there is a Timestamper, B-B without.
	Level Level
	// Timestamper is needed from B-T on.
	Timestamper Timestamper
	// Revocation is needed from B-LT on.
	Revocation RevocationSource
	// Known completes chains: certificates of authorities that neither Chain nor a
	// timestamp carries, and all roots. Nothing is asked of whom they do not vouch for.
	Known []*x509.Certificate
	// Rand is the entropy of the signature; nil is crypto/rand.
	Rand   io.Reader
	Limits Limits
}

// Seal returns the tail that adds a PAdES baseline signature (ETSI EN 319 142-1)
// over the whole document: an incremental update with an invisible signature
// field; for B-LT a second one with the proofs of status of every certificate;
// for B-LTA a third one with a timestamp over it all. Only the tail is hashed;
// the state in rev stands for the rest, as long as it keeps the digest that goes
// with the key.
//
// What a level needs and cannot be had is a fault: no other level is made
// instead.
//
// Faults: pdf_locked when an earlier signature forbids another one,
// pdf_hash_state when the state does not belong to rev, certificate_revoked
// and seal_status_unproven, what the reader finds, and what key, timestamper and
// revocation source return.
func Seal(ctx context.Context, rev Revision, o SealOptions) ([]byte, error) {
	level, err := o.level()
	if err != nil {
		return nil, err
	}
	g, err := startGrowth(rev, o.Limits)
	if err != nil {
		return nil, err
	}
	if o.Rand == nil {
		o.Rand = rand.Reader //nolint:forbidigo // the documented default
	}
	if level == LevelB {
		o.Timestamper = nil
	}
	token, over, err := g.sign(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("seal document: %w", err)
	}
	if !level.lasts() {
		return g.tail, nil
	}
	stamp, err := readStamp(token, over)
	if err != nil {
		return nil, fmt.Errorf("read the seal's timestamp: %w", err)
	}
	c := newCustody(o.Revocation, slices.Concat(o.Known, o.Chain)...)
	c.carry(stamp.carried...)
	c.prove(o.Chain[0], stamp.time)
	c.prove(stamp.signer, stamp.time)
	if level == LevelLTA {
		err = g.archive(ctx, c, o.Timestamper)
	} else {
		err = g.keep(ctx, c)
	}
	if err != nil {
		return nil, err
	}
	return g.tail, nil
}

// level is the level asked for, which is never lowered silently.
func (o SealOptions) level() (Level, error) {
	l := o.Level
	switch l {
	case "":
		if l = LevelB; o.Timestamper != nil {
			l = LevelT
		}
	case LevelB, LevelT, LevelLT, LevelLTA:
	default:
		return "", fault.New(fault.Internal, "seal_level", "The level that the seal should have is none of PAdES.")
	}
	if l != LevelB && o.Timestamper == nil {
		return "", fault.New(fault.Internal, "seal_level", "A seal of level %s needs a timestamp authority, and none is given.", l)
	}
	if l.lasts() && o.Revocation == nil {
		return "", fault.New(fault.Internal, "seal_level", "A seal of level %s needs proofs of its certificates' status, and nothing is given that gets them.", l)
	}
	return l, nil
}

// lasts reports whether the document carries what its check will need.
func (l Level) lasts() bool { return l == LevelLT || l == LevelLTA }

// growth is a document that grows by one update after another.
type growth struct {
	rev  Revision
	file *File // of rev
	tail []byte
}

func startGrowth(rev Revision, limits Limits) (*growth, error) {
	f, err := openForUpdate(rev, limits)
	if err != nil {
		return nil, err
	}
	if _, err := rev.hash(); err != nil {
		return nil, err
	}
	return &growth{rev: rev, file: f}, nil
}

// add takes an update and the document as it reads with it.
func (g *growth) add(tail []byte, after *File) {
	g.rev, g.file, g.tail = g.rev.Extend(tail), after, slices.Concat(g.tail, tail)
}

// sign adds a signature and returns its timestamp token and what that is over.
func (g *growth) sign(ctx context.Context, o SealOptions) (token, over []byte, err error) {
	signer := cms.Signer{Key: o.Key, Chain: o.Chain, PSS: o.PSS, Rand: o.Rand}
	algorithm, err := signer.Digest()
	if err != nil {
		return nil, nil, err
	}
	form, err := g.file.unlockedForm()
	if err != nil {
		return nil, nil, err
	}
	before, err := g.rev.hashed(ctx, algorithm)
	if err != nil {
		return nil, nil, err
	}
	var stamp cms.TimestampFunc
	if o.Timestamper != nil {
		stamp = func(ctx context.Context, digest []byte) ([]byte, error) {
			var err error
			over = digest
			token, err = o.Timestamper.Timestamp(ctx, digest)
			return token, err
		}
	}
	slot := slot{field: form.freeName("Signature"), head: "<</Type /Sig\n/Filter /Adobe.PPKLite\n/SubFilter /ETSI.CAdES.detached", rest: o.shown()}
	err = g.fill(slot, o.estimate(), func(p *prepared) ([]byte, error) {
		return cms.Sign(ctx, signer, cms.Content{Digest: p.digest(before, algorithm)}, stamp)
	})
	return token, over, err
}

const (
	attributesRoom = 2 << 10 // signed attributes and the frame of a SignedData
	tokenRoom      = 8 << 10 // a token with a chain of three RSA-4096 certificates
)

// estimate is the size of the signature in bytes of DER.
func (o SealOptions) estimate() int {
	n := attributesRoom
	for i, c := range o.Chain {
		n += len(c.Raw)
		if i == 0 { // its issuer is named twice; no signature is larger than its key
			n += 2*len(c.RawIssuer) + len(c.RawSubjectPublicKeyInfo)
		}
	}
	if o.Timestamper != nil {
		n += tokenSize(o.Timestamper)
	}
	return n
}

func tokenSize(t Timestamper) int {
	if s, ok := t.(interface{ TokenSize() int }); ok {
		return max(tokenRoom, s.TokenSize()+slack)
	}
	return tokenRoom
}

// shown are the entries that readers show.
func (o SealOptions) shown() []byte {
	b := appendObject([]byte("\n/M "), date(o.Time))
	for _, e := range []struct {
		key   Name
		value string
	}{{"Name", o.Name}, {"Reason", o.Reason}, {"Location", o.Location}} {
		if e.value != "" {
			b = append(b, '\n')
			b = appendName(b, e.key)
			b = append(b, ' ')
			b = appendObject(b, text(e.value))
		}
	}
	return b
}
