// Package demo gets documents signed by simulated people, from the upload to the
// verified result, and tells the person at the console what happens.
package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/handslag/handslag/dev/owner"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/simulator/bankid"
	"github.com/handslag/handslag/simulator/person"
	"github.com/handslag/handslag/simulator/pki"
	"github.com/handslag/handslag/simulator/signicat"
)

// Signer is somebody who signs. They do not exist.
type Signer struct {
	Number, GivenName, Surname string
	Norwegian                  bool // signs the documents themselves, on a page of Signicat's
	Step                       int
}

// Swedes are people who sign with BankID, one after the other.
func Swedes(people ...bankid.Person) (all []Signer) {
	for i, p := range people {
		all = append(all, Signer{Number: p.PersonalNumber, GivenName: p.GivenName, Surname: p.Surname, Step: i + 1})
	}
	return all
}

// People are two Swedes.
func People() []Signer {
	return Swedes(
		bankid.Person{PersonalNumber: "199001012385", GivenName: "Anna", Surname: "Provberg"},
		bankid.Person{PersonalNumber: "199001022384", GivenName: "Åke", Surname: "Testström"},
	)
}

// Neighbours are two Swedes and two Norwegians, in two steps.
func Neighbours() []Signer {
	born := func(year int) string { return pki.SyntheticNIN(time.Date(year, 5, 17, 0, 0, 0, 0, time.UTC), 0) }
	people := People()
	people[1].Step = 2
	return []Signer{
		people[0],
		{Number: born(1980), GivenName: "Kari", Surname: "Prøvnes", Norwegian: true, Step: 1},
		{Number: born(1990), GivenName: "Ola", Surname: "Testvik", Norwegian: true, Step: 2},
		people[1],
	}
}

// Demo is what a run needs.
type Demo struct {
	Owner *owner.Client
	App   *person.App
	// Signers sign, each when those before them have; see [People].
	Signers []Signer
	// PDFs are the paths of the documents.
	PDFs []string
	// Out is the folder for the results.
	Out string
	// Say tells the person at the console one line.
	Say func(format string, args ...any)
	// Patience is how long each part of it may take.
	Patience time.Duration
}

// Register gives people their BankIDs, again if they have them.
func Register(ctx context.Context, app *person.App, people []Signer) error {
	for _, p := range people {
		var err error
		if p.Norwegian {
			err = app.RegisterNorwegian(ctx, signicat.Person{NIN: p.Number, GivenName: p.GivenName, Surname: p.Surname})
		} else {
			err = app.Register(ctx, bankid.Person{PersonalNumber: p.Number, GivenName: p.GivenName, Surname: p.Surname})
		}
		if err != nil {
			return fmt.Errorf("give a simulated person a BankID: %w", err)
		}
	}
	return nil
}

// Result is the path of a signed document, and, after it, that of its evidence
// PDF where it has one of its own. They are verified together.
type Result []string

// Run runs the demo and returns what became of each document.
func (d *Demo) Run(ctx context.Context) ([]Result, error) {
	if err := Register(ctx, d.App, d.Signers); err != nil {
		return nil, err
	}
	request, err := d.upload(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range d.Signers {
		participant := owner.Participant{Name: p.GivenName + " " + p.Surname, PersonalNumber: p.Number, Step: p.Step}
		if p.Norwegian {
			participant.Method, participant.Locale = "nbid-pki", "nb"
		}
		request.Participants = append(request.Participants, participant)
	}
	request.Locale = "sv"
	collection, err := d.Owner.Create(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("create the collection: %w", err)
	}
	d.Say("collection  %s is %s: %s", collection.ID, collection.State, d.order())
	for i := range d.Signers {
		if err := d.sign(ctx, collection, i); err != nil {
			return nil, err
		}
	}
	return d.results(ctx, collection)
}

// order says who signs when.
func (d *Demo) order() string {
	var names []string
	for _, p := range d.Signers {
		names = append(names, p.GivenName)
	}
	return names[0] + " signs first, then " + strings.Join(names[1:], ", then ")
}

func (d *Demo) upload(ctx context.Context) (owner.Request, error) {
	var request owner.Request
	for _, path := range d.PDFs {
		pdf, err := os.ReadFile(path)
		if err != nil {
			return request, fmt.Errorf("read the document: %w", err)
		}
		document, err := d.Owner.Upload(ctx, bytes.NewReader(pdf))
		if err != nil {
			return request, fmt.Errorf("upload %s: %w", path, err)
		}
		d.Say("upload      %s: %d pages, %d bytes, SHA-256 %s…", filepath.Base(path), document.Pages, document.Length, document.SHA256[:16])
		request.Documents = append(request.Documents, owner.Titled{ID: document.ID, Title: name(path)})
	}
	return request, nil
}

func name(path string) string { return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)) }

// sign has one person sign. When an attempt ends without a signature, as it may
// when the worker is killed, they are asked again.
func (d *Demo) sign(ctx context.Context, collection owner.Collection, i int) error {
	who := d.Signers[i].GivenName
	for try := 1; try <= 5; try++ {
		d.Say("attempt     %s starts to sign", who)
		if err := d.start(ctx, collection, i); err != nil {
			return fmt.Errorf("start an attempt: %w", err)
		}
		if err := d.play(ctx, collection, i); err != nil {
			return err
		}
		ended, err := d.ended(ctx, collection, i)
		if err != nil {
			return err
		}
		if ended.Outcome == "signed" {
			what := "BankID's signature and OCSP response are verified and stored"
			if d.Signers[i].Norwegian {
				what = "the documents came back with one signature more, which is verified and stored"
			}
			d.Say("signed      by %s; %s", who, what)
			return nil
		}
		d.Say("attempt     ended %s %s; %s is asked again", ended.Outcome, ended.Reason+ended.ProviderCode, who)
	}
	return errors.New("five attempts ended without a signature")
}

// start starts an attempt, again while it passes.
func (d *Demo) start(ctx context.Context, collection owner.Collection, i int) error {
	for deadline := time.Now().Add(d.Patience); ; {
		channel := "qr"
		if d.Signers[i].Norwegian {
			channel = "same-device"
		}
		_, err := d.Owner.Start(ctx, collection.ID, collection.Participants[i].ID, channel)
		code := fault.CodeOf(err)
		switch {
		case err == nil || code == "attempt_live" || code == "already_signed":
			return nil
		case !passes(err) || time.Now().After(deadline):
			return err
		}
		d.Say("attempt     %s; trying again", code)
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// play is the person: they scan the QR code that our API shows, or go to the page
// that it sends them to, and sign.
func (d *Demo) play(ctx context.Context, collection owner.Collection, i int) error {
	shown, said := 0, ""
	for deadline := time.Now().Add(d.Patience); time.Now().Before(deadline); {
		live, err := d.Owner.Live(ctx, collection.ID, collection.Participants[i].ID)
		if err != nil && !passes(err) {
			return fmt.Errorf("ask for the live attempt: %w", err)
		}
		if err == nil && live.State == "ended" {
			return nil
		}
		if live.Message.ID != "" && live.Message.ID != said {
			said = live.Message.ID
			d.Say("message     %s: %s", said, live.Message.Text)
		}
		if page := live.Launch.RedirectURL; page != "" && d.signOn(ctx, i, page) {
			return nil
		}
		if live.QR.Text != "" {
			if shown == 0 {
				d.Say("qr          %s…, new each second", live.QR.Text[:min(40, len(live.QR.Text))])
			}
			shown++
			if d.scanAndSign(ctx, i, live.QR.Text) {
				return nil
			}
		}
		if err := sleep(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("nothing was shown that could be signed with")
}

func (d *Demo) scanAndSign(ctx context.Context, i int, qr string) bool {
	order, err := d.App.Scan(ctx, d.Signers[i].Number, qr)
	if err != nil {
		d.Say("app         the QR code is refused: %s", fault.CodeOf(err))
		return false
	}
	d.Say("app         %s scanned the QR code and reads:\n%s", d.Signers[i].GivenName, indent(order.Text))
	if _, err := d.App.Sign(ctx, d.Signers[i].Number, order.OrderRef); err != nil {
		d.Say("app         could not sign: %s", fault.CodeOf(err))
		return false
	}
	d.Say("app         %s entered the security code", d.Signers[i].GivenName)
	return true
}

func (d *Demo) signOn(ctx context.Context, i int, page string) bool {
	who := d.Signers[i]
	d.Say("page        %s is sent to Signicat", who.GivenName)
	v, err := d.App.SignAt(ctx, page, signicat.Act{NIN: who.Number})
	if err != nil || v.Outcome != "success" {
		d.Say("page        could not sign: %s", fault.CodeOf(err)+v.Outcome)
		return false
	}
	d.Say("page        %s logged in with Norwegian BankID and signed %d documents", who.GivenName, len(v.Documents))
	return true
}

func indent(s string) string {
	return "              │ " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n              │ ")
}

// ended waits until the attempt has ended.
func (d *Demo) ended(ctx context.Context, collection owner.Collection, i int) (owner.Attempt, error) {
	for deadline := time.Now().Add(d.Patience); time.Now().Before(deadline); {
		now, err := d.Owner.Collection(ctx, collection.ID)
		if err != nil && !passes(err) {
			return owner.Attempt{}, err
		}
		if err == nil {
			attempts := now.Participants[i].Attempts
			if n := len(attempts); n > 0 && attempts[n-1].Outcome != "" {
				return attempts[n-1], nil
			}
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return owner.Attempt{}, err
		}
	}
	return owner.Attempt{}, errors.New("the attempt did not end in time")
}

// results waits for the sealed documents and writes them to files.
func (d *Demo) results(ctx context.Context, collection owner.Collection) ([]Result, error) {
	d.Say("sealing     the evidence page, the evidence files and the seal are made")
	for deadline := time.Now().Add(d.Patience); ; {
		now, err := d.Owner.Collection(ctx, collection.ID)
		if err == nil && now.State == "completed" {
			break
		}
		if err != nil && !passes(err) {
			return nil, err
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("the collection is still %s (%s)", now.State, now.NeedsAttention)
		}
		if err := sleep(ctx, 100*time.Millisecond); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(d.Out, 0o755); err != nil {
		return nil, fmt.Errorf("make the output folder: %w", err)
	}
	var results []Result
	for i, document := range collection.Documents {
		pdf, err := d.Owner.Result(ctx, collection.ID, document.ID)
		if err != nil {
			return nil, fmt.Errorf("download the result: %w", err)
		}
		if err := d.unchanged(d.PDFs[i], pdf); err != nil {
			return nil, err
		}
		result, err := d.write(nil, d.PDFs[i], "signed", pdf)
		if err == nil && document.Assembly == "separate" {
			d.Say("evidence    %s only receives signatures; its evidence is in a PDF of its own", filepath.Base(d.PDFs[i]))
			if pdf, err = d.Owner.Evidence(ctx, collection.ID, document.ID); err == nil {
				result, err = d.write(result, d.PDFs[i], "evidence", pdf)
			}
		}
		if err != nil {
			return nil, err
		}
		results = append(results, result)
	}
	return results, nil
}

// write writes a file named after the document and what it is.
func (d *Demo) write(to Result, document, what string, pdf []byte) (Result, error) {
	file := filepath.Join(d.Out, name(document)+"-"+what+".pdf")
	if err := os.WriteFile(file, pdf, 0o644); err != nil {
		return nil, fmt.Errorf("write the result: %w", err)
	}
	return append(to, file), nil
}

// unchanged checks that the result starts with every byte of the upload.
func (d *Demo) unchanged(path string, result []byte) error {
	upload, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	if !bytes.HasPrefix(result, upload) {
		return errors.New("the result does not start with the upload")
	}
	return nil
}

// passes reports whether the same call may do better a little later.
func passes(err error) bool {
	switch fault.KindOf(err) {
	case fault.Unavailable, fault.Uncertain:
		return true
	default:
		return errors.Is(err, io.ErrUnexpectedEOF)
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
