package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/handslag/handslag/api/gen"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/workflows"
)

const (
	defaultDeadline = 14 * 24 * time.Hour
	// maxDeadline keeps a collection from outliving the people who know of it.
	maxDeadline = 366 * 24 * time.Hour
	// purposeIDs is for the ids of participants; see draft.
	purposeIDs = "api-participant-ids"
)

// CreateCollection answers POST /v1/collections.
//
// What the request can be refused for is refused first, so that a key is claimed
// only by a request that can succeed. From the claim on, a repeat of the request
// makes the very same spec, and so finishes what was left undone. What was begun
// stays so, though the accounts have changed or the deadline has passed since.
func (s *Server) CreateCollection(ctx context.Context, r gen.CreateCollectionRequestObject) (gen.CreateCollectionResponseObject, error) {
	ctx, who := asCaller(ctx)
	key := value(r.Params.IdempotencyKey)
	draft, repeated, err := s.draft(ctx, who.tenant, key, *r.Body)
	if err != nil {
		return nil, err
	}
	// Asked for once: whom the workflow is given are those that were found able.
	offers := s.config.Accounts.Offers(who.tenant)
	spec, err := s.specOf(ctx, draft, *r.Body, offers)
	switch {
	case err != nil && repeated:
		return s.createdBefore(ctx, draft, err)
	case err != nil:
		return nil, err
	}
	if key != "" && !repeated {
		if draft, err = s.claimCollection(ctx, draft, key, *r.Body); err != nil {
			return nil, err
		}
		if spec, err = s.specOf(ctx, draft, *r.Body, offers); err != nil {
			return nil, err
		}
	}
	input := workflows.CollectionInput{Spec: spec}
	input.Routes, input.Own = routesOf(spec, offers)
	if err := s.config.Records.PutSpec(ctx, spec); err != nil {
		return nil, err
	}
	if err := s.config.Orchestrator.Start(ctx, input); err != nil {
		return nil, err
	}
	return created(spec)
}

// createdBefore answers a repeat that could not be carried out any more, because of
// why: with the collection, where it was begun, and else with why.
func (s *Server) createdBefore(ctx context.Context, d draft, why error) (gen.CreateCollectionResponseObject, error) {
	_, err := s.view(ctx, d.tenant, string(d.id))
	if fault.KindOf(err) == fault.NotFound {
		return nil, why
	}
	if err != nil {
		return nil, err
	}
	spec, err := s.spec(ctx, d.tenant, string(d.id))
	if err != nil {
		return nil, err
	}
	return created(spec)
}

// created answers with a collection as it began.
func created(spec signing.Spec) (gen.CreateCollectionResponseObject, error) {
	collection, err := signing.New(spec)
	if err != nil {
		return nil, err
	}
	return gen.CreateCollection201JSONResponse{
		Body:    presentCollection(collection.View()),
		Headers: gen.CreateCollection201ResponseHeaders{Location: "/v1/collections/" + string(spec.ID)},
	}, nil
}

// draft is what a spec has besides the request. Everything else follows from the
// two, so that equal drafts and requests make equal specs.
type draft struct {
	tenant signing.TenantID
	id     signing.CollectionID
	at     time.Time
}

// draft returns a new draft, or the one that the key stands for already.
func (s *Server) draft(ctx context.Context, tenant signing.TenantID, key string, body gen.CollectionRequest) (d draft, repeated bool, err error) {
	at := s.config.Clock().UTC().Truncate(time.Millisecond)
	id, err := signing.NewID(signing.CollectionPrefix, at, s.config.Entropy)
	d = draft{tenant, signing.CollectionID(id), at}
	if err != nil || key == "" {
		return d, false, err
	}
	digest, err := requestDigest("collection", body)
	if err != nil {
		return d, false, err
	}
	resource, err := s.config.Claims.Claimed(ctx, tenant, key, digest)
	if fault.KindOf(err) == fault.NotFound {
		return d, false, nil
	}
	if err == nil {
		d, err = d.claimed(resource)
	}
	return d, true, err
}

// claimCollection returns the draft that the key stands for.
func (s *Server) claimCollection(ctx context.Context, d draft, key string, body gen.CollectionRequest) (draft, error) {
	digest, err := requestDigest("collection", body)
	if err != nil {
		return d, err
	}
	resource := fmt.Sprintf("%s@%d", d.id, d.at.UnixMilli())
	if resource, err = s.config.Claims.Claim(ctx, d.tenant, key, digest, resource); err != nil {
		return d, err
	}
	return d.claimed(resource)
}

// claimed is the draft that a key was claimed for.
func (d draft) claimed(resource string) (draft, error) {
	id, at, found := strings.Cut(resource, "@")
	millis, err := strconv.ParseInt(at, 10, 64)
	if !found || err != nil || !signing.ValidID(signing.CollectionPrefix, id) {
		return d, fault.New(fault.Invalid, "idempotency_key_reused", "The idempotency key was used for another request.")
	}
	d.id, d.at = signing.CollectionID(id), time.UnixMilli(millis).UTC()
	return d, nil
}

// requestDigest is of the request's meaning: white space, the order of members
// and how a time is written do not matter.
func requestDigest(kind string, parts ...any) (signing.Digest, error) {
	b, err := json.Marshal(append([]any{kind}, parts...))
	if err != nil {
		return signing.Digest{}, fmt.Errorf("encode a request: %w", err)
	}
	return sha256.Sum256(b), nil
}

// specOf builds and checks the spec that a request asks for. Its fault names
// every field that is wrong.
func (s *Server) specOf(ctx context.Context, d draft, body gen.CollectionRequest, offers map[signing.Method][]Offer) (signing.Spec, error) {
	spec := signing.Spec{
		ID: d.id, Tenant: d.tenant, Locale: signing.LocaleSV, TimeZone: "Europe/Stockholm",
		Policy: signing.DefaultPolicy(), CreatedAt: d.at, Deadline: d.at.Add(defaultDeadline),
	}
	f := &fields{fault: fault.New(fault.Invalid, "collection_invalid", "The collection cannot be created as asked.")}
	if body.Locale != nil {
		spec.Locale = signing.Locale(*body.Locale)
	}
	if body.TimeZone != nil {
		spec.TimeZone = *body.TimeZone
		if _, err := time.LoadLocation(spec.TimeZone); err != nil || spec.TimeZone == "Local" {
			f.add("/timeZone", "unknown", "The time zone is not in the IANA database.")
		}
	}
	if body.Deadline != nil {
		spec.Deadline = body.Deadline.UTC().Truncate(time.Millisecond)
		if spec.Deadline.Sub(d.at) > maxDeadline {
			f.add("/deadline", "range", "The deadline is more than a year away.")
		}
	}
	if body.Policy != nil {
		spec.Policy = signing.Policy{Level: signing.Level(value(body.Policy.Level))}
		for _, a := range body.Policy.Accept {
			spec.Policy.Accept = append(spec.Policy.Accept, signing.Assurance(a))
		}
	}
	if err := s.addDocuments(ctx, &spec, body.Documents, f); err != nil {
		return spec, err
	}
	if err := s.addParticipants(&spec, body.Participants, f); err != nil {
		return spec, err
	}
	f.merge(spec.Validate())
	checkOffers(spec, offers, f)
	return spec, f.err()
}

func (s *Server) addDocuments(ctx context.Context, spec *signing.Spec, documents []gen.CollectionDocument, f *fields) error {
	for i, d := range documents {
		at := fmt.Sprintf("/documents/%d/", i)
		title, err := signing.NormaliseTitle(d.Title)
		if err != nil {
			f.add(at+"title", "title", "A title has 1 to %d visible characters.", signing.MaxTitle)
		}
		document := signing.Document{ID: signing.DocumentID(d.ID), Title: title}
		upload, err := s.upload(ctx, caller{tenant: spec.Tenant}, d.ID)
		switch {
		case fault.KindOf(err) == fault.NotFound:
			f.add(at+"id", "unknown", "There is no such document.")
		case err != nil:
			return err
		default:
			document.Length, document.Digest, document.Nature = upload.Length, upload.Digest, upload.Nature
		}
		spec.Documents = append(spec.Documents, document)
	}
	return nil
}

func (s *Server) addParticipants(spec *signing.Spec, participants []gen.ParticipantRequest, f *fields) error {
	// Only this installation can tell the ids in advance, and they are the same
	// when the request is repeated.
	ids := rand.NewChaCha8(s.config.Keyed.MAC(purposeIDs, []byte(spec.ID)))
	for i, p := range participants {
		at := fmt.Sprintf("/participants/%d/", i)
		id, err := signing.NewID(signing.ParticipantPrefix, spec.CreatedAt, ids)
		if err != nil {
			return err
		}
		participant := signing.Participant{
			ID: signing.ParticipantID(id), Method: signing.MethodBankIDSE, Step: 1, Locale: spec.Locale,
			Provider: value(p.Provider), Organisation: value(p.Organisation), ProviderParticipant: value(p.ProviderParticipant),
		}
		if p.Method != nil {
			participant.Method = signing.Method(*p.Method)
		}
		if participant.Name, err = signing.NormaliseTitle(p.Name); err != nil {
			f.add(at+"name", "name", "A name has 1 to %d visible characters.", signing.MaxTitle)
		}
		parse := signing.ParsePersonalNumber
		if participant.Method == signing.MethodNBIDPKI {
			parse = signing.ParseNIN
		}
		if participant.PersonalNumber, err = parse(p.PersonalNumber); err != nil {
			f.addUnder(at+"personalNumber", err)
		}
		if p.Step != nil {
			participant.Step = *p.Step
		}
		if p.Locale != nil {
			participant.Locale = signing.Locale(*p.Locale)
		}
		spec.Participants = append(spec.Participants, participant)
	}
	return nil
}

// fields gathers what is wrong with a request, once for each pointer: the first
// finding is the most exact.
type fields struct{ fault *fault.Error }

func (f *fields) add(pointer, code, format string, args ...any) {
	for _, known := range f.fault.Fields {
		if known.Pointer == pointer {
			return
		}
	}
	f.fault = f.fault.In(pointer, code, format, args...)
}

// addUnder adds the first field of a fault under a pointer of ours.
func (f *fields) addUnder(pointer string, err error) {
	code, message := "invalid", "The value is not valid."
	if inner, ok := fault.As(err); ok && len(inner.Fields) > 0 {
		code, message = inner.Fields[0].Code, inner.Fields[0].Message
	}
	f.add(pointer, code, "%s", message)
}

func (f *fields) merge(err error) {
	if inner, ok := fault.As(err); ok {
		for _, field := range inner.Fields {
			f.add(field.Pointer, field.Code, "%s", field.Message)
		}
	}
}

func (f *fields) err() error {
	if len(f.fault.Fields) == 0 {
		return nil
	}
	return f.fault
}

// GetCollection answers GET /v1/collections/{collectionId}.
func (s *Server) GetCollection(ctx context.Context, r gen.GetCollectionRequestObject) (gen.GetCollectionResponseObject, error) {
	ctx, who := asCaller(ctx)
	view, err := s.view(ctx, who.tenant, r.CollectionID)
	if err != nil {
		return nil, err
	}
	return gen.GetCollection200JSONResponse(presentCollection(view)), nil
}

// CancelCollection answers POST …/cancel. Whoever repeats it gets the collection.
func (s *Server) CancelCollection(ctx context.Context, r gen.CancelCollectionRequestObject) (gen.CancelCollectionResponseObject, error) {
	ctx, who := asCaller(ctx)
	spec, err := s.spec(ctx, who.tenant, r.CollectionID)
	if err != nil {
		return nil, err
	}
	view, err := s.config.Orchestrator.Cancel(ctx, spec.ID)
	if isOver(err) {
		ended, viewErr := s.view(ctx, who.tenant, r.CollectionID)
		switch {
		case viewErr != nil:
			return nil, viewErr
		case ended.State == signing.StateCancelled:
			view, err = ended, nil
		case ended.State == signing.StateCompleted:
			err = signing.ErrCannotEnd
		case ended.State.Ended():
			err = signing.ErrEnded
		}
	}
	if err != nil {
		return nil, err
	}
	return gen.CancelCollection200JSONResponse(presentCollection(view)), nil
}
