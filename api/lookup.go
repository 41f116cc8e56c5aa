package api

import (
	"context"
	"errors"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

// spec returns what was asked for in a collection of the tenant.
func (s *Server) spec(ctx context.Context, tenant signing.TenantID, id string) (signing.Spec, error) {
	if !signing.ValidID(signing.CollectionPrefix, id) {
		return signing.Spec{}, errNoCollection
	}
	key := specKey{tenant, signing.CollectionID(id)}
	if spec, ok := s.specs.Get(key); ok {
		return spec, nil
	}
	spec, err := s.config.Records.GetSpec(ctx, tenant, key.collection)
	if err != nil {
		return signing.Spec{}, err
	}
	if spec.Tenant != tenant || spec.ID != key.collection {
		return signing.Spec{}, errNoCollection
	}
	s.specs.Add(key, spec)
	return spec, nil
}

// participant returns a participant of a collection of the tenant, if the caller
// may act for them.
func (s *Server) participant(ctx context.Context, who caller, collection, id string) (signing.Spec, signing.Participant, error) {
	participant := signing.ParticipantID(id)
	if err := who.mayActFor(signing.CollectionID(collection), participant); err != nil {
		return signing.Spec{}, signing.Participant{}, err
	}
	spec, err := s.spec(ctx, who.tenant, collection)
	if err != nil {
		return signing.Spec{}, signing.Participant{}, err
	}
	p, ok := spec.Participant(participant)
	if !ok {
		return signing.Spec{}, signing.Participant{}, signing.ErrUnknownParticipant
	}
	return spec, p, nil
}

// view returns a collection of the tenant as it is, or as it ended.
func (s *Server) view(ctx context.Context, tenant signing.TenantID, id string) (signing.View, error) {
	// The spec says whose the collection is before anything else is asked.
	spec, err := s.spec(ctx, tenant, id)
	if err != nil {
		return signing.View{}, err
	}
	view, err := s.config.Orchestrator.View(ctx, spec.ID)
	if errors.Is(err, ErrNotRunning) {
		return s.config.Records.GetOutcome(ctx, tenant, spec.ID)
	}
	return view, err
}

// participantView returns one participant of a collection.
func (s *Server) participantView(ctx context.Context, tenant signing.TenantID, id string, p signing.ParticipantID) (signing.ParticipantView, error) {
	view, err := s.view(ctx, tenant, id)
	if err != nil {
		return signing.ParticipantView{}, err
	}
	return participantOf(view, p)
}

func participantOf(view signing.View, id signing.ParticipantID) (signing.ParticipantView, error) {
	for _, p := range view.Participants {
		if p.ID == id {
			return p, nil
		}
	}
	return signing.ParticipantView{}, signing.ErrUnknownParticipant
}

// isOver reports whether a command came when its time was over: the workflow has
// ended, or says that what was asked for cannot be done any more. It may have
// been done, by an earlier copy of the command.
func isOver(err error) bool {
	switch fault.KindOf(err) {
	case fault.NotFound, fault.Conflict, fault.Gone:
		return true
	case fault.Invalid, fault.Unauthenticated, fault.Forbidden, fault.TooLarge, fault.Unavailable,
		fault.Uncertain, fault.Corrupt, fault.Internal:
		return false
	}
	return false
}

// afterEnd words a command's fault for a collection that runs no more.
func afterEnd(err error) error {
	if errors.Is(err, ErrNotRunning) {
		return signing.ErrEnded
	}
	return err
}
