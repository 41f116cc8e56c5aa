package api

import (
	"context"
	"net/netip"
	"net/url"
	"strings"
	"unicode"

	"github.com/handslag/handslag/api/gen"
	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/workflows"
)

const (
	// maxUserAgent is what BankID takes of a browser's name (Relying Party API,
	// web.userAgent).
	maxUserAgent = 256
	// maxReturnURL leaves room for the nonce in BankID's 512 characters.
	maxReturnURL = 450
)

// attemptOf reads a request to start an attempt.
func attemptOf(who caller, p signing.ParticipantID, body gen.AttemptRequest) (workflows.StartAttempt, error) {
	c := workflows.StartAttempt{
		Participant: p, Channel: signing.Channel(body.Channel),
		CallInitiator: providers.CallInitiator(value(body.CallInitiator)),
		ReturnURL:     signing.Private(value(body.ReturnURL)),
		EndUser:       providers.EndUser{Web: webOf(body.Web), App: appOf(body.App)},
	}
	f := &fields{fault: errRequest}
	c.EndUser.IP = addressOf(who, body.EndUserIP, f)
	if body.Web != nil && body.App != nil {
		f.add("/app", "excluded", "Give web or app, not both.")
	}
	if who.link != nil && c.EndUser.Web == nil && c.EndUser.App == nil {
		c.EndUser.Web = &providers.WebDevice{}
	}
	if web := c.EndUser.Web; who.link != nil && web != nil && web.UserAgent == "" {
		web.UserAgent = printable(who.userAgent, maxUserAgent)
	}
	if phone := c.Channel == signing.ChannelPhone; phone && c.CallInitiator == "" {
		f.add("/callInitiator", "required", "Say who called whom.")
	} else if !phone && c.CallInitiator != "" {
		f.add("/callInitiator", "excluded", "Only the channel phone has a call.")
	}
	if c.ReturnURL != "" && c.Channel != signing.ChannelSameDevice {
		f.add("/returnUrl", "excluded", "Only the channel same-device has somewhere to return to.")
	} else if c.ReturnURL != "" && !validReturnURL(c.ReturnURL.Reveal()) {
		f.add("/returnUrl", "format", "An https address of at most %d ASCII characters, without a fragment or a user.", maxReturnURL)
	}
	return c, f.err()
}

// addressOf is the address of the person's device: told by the tenant's server,
// or that of the connection when the person's own page calls.
func addressOf(who caller, given *string, f *fields) netip.Addr {
	if who.link != nil {
		if given != nil {
			f.add("/endUserIp", "excluded", "With a signer link the address is the connection's.")
		}
		return who.ip
	}
	if given == nil {
		f.add("/endUserIp", "required", "The address of the person's device is required.")
		return netip.Addr{}
	}
	ip, err := netip.ParseAddr(*given)
	if err != nil || ip.Zone() != "" || ip.IsUnspecified() || ip.IsMulticast() {
		f.add("/endUserIp", "format", "An IPv4 or IPv6 address, such as 198.51.100.7.")
	}
	return ip.Unmap()
}

// validReturnURL takes https, and http to this machine for development.
func validReturnURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxReturnURL || u.Host == "" || u.User != nil || strings.Contains(text, "#") {
		return false
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return false
	}
	local := u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1"
	return u.Scheme == "https" || u.Scheme == "http" && local
}

func webOf(w *gen.WebDevice) *providers.WebDevice {
	if w == nil {
		return nil
	}
	return &providers.WebDevice{
		ReferringDomain: value(w.ReferringDomain), UserAgent: value(w.UserAgent), DeviceIdentifier: value(w.DeviceIdentifier),
	}
}

func appOf(a *gen.AppDevice) *providers.AppDevice {
	if a == nil {
		return nil
	}
	return &providers.AppDevice{
		AppIdentifier: value(a.AppIdentifier), DeviceOS: value(a.DeviceOS),
		DeviceModelName: value(a.DeviceModelName), DeviceIdentifier: value(a.DeviceIdentifier),
	}
}

// printable cuts a header down to what a provider takes.
func printable(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
	return text[:min(len(text), most)]
}

// CancelAttempt answers DELETE …/attempts/live.
func (s *Server) CancelAttempt(ctx context.Context, r gen.CancelAttemptRequestObject) (gen.CancelAttemptResponseObject, error) {
	ctx, who := asCaller(ctx)
	spec, p, err := s.participant(ctx, who, r.CollectionID, r.ParticipantID)
	if err != nil {
		return nil, err
	}
	ended, err := s.config.Orchestrator.CancelAttempt(ctx, spec.ID, workflows.ParticipantCommand{Participant: p.ID})
	if isOver(err) {
		latest, viewErr := s.latestAttempt(ctx, who.tenant, r.CollectionID, p.ID)
		if viewErr != nil {
			return nil, viewErr
		}
		// A live one that is in conflict with its end goes on: a call that only the
		// person can end.
		if !latest.Live() || fault.KindOf(err) != fault.Conflict {
			ended, err = latest, nil
		}
	}
	if err != nil {
		return nil, err
	}
	live := s.presentLive(ended, nil, shownTo(p, r.Params.AcceptLanguage, providers.DeviceComputer))
	return gen.CancelAttempt200JSONResponse(live), nil
}

// DeclineParticipant answers POST …/decline.
func (s *Server) DeclineParticipant(ctx context.Context, r gen.DeclineParticipantRequestObject) (gen.DeclineParticipantResponseObject, error) {
	ctx, who := asCaller(ctx)
	spec, p, err := s.participant(ctx, who, r.CollectionID, r.ParticipantID)
	if err != nil {
		return nil, err
	}
	view, err := s.config.Orchestrator.Decline(ctx, spec.ID, workflows.ParticipantCommand{Participant: p.ID})
	if isOver(err) {
		now, viewErr := s.view(ctx, who.tenant, r.CollectionID)
		if viewErr != nil {
			return nil, viewErr
		}
		known, viewErr := participantOf(now, p.ID)
		switch {
		case viewErr != nil:
			return nil, viewErr
		case !known.DeclinedAt.IsZero():
			view, err = now, nil
		case known.Signature != nil:
			err = signing.ErrAlreadySigned
		}
	}
	if err != nil {
		return nil, afterEnd(err)
	}
	declined, err := participantOf(view, p.ID)
	if err != nil {
		return nil, err
	}
	return gen.DeclineParticipant200JSONResponse(presentParticipant(declined)), nil
}

// ConfirmReturn answers POST …/return.
func (s *Server) ConfirmReturn(ctx context.Context, r gen.ConfirmReturnRequestObject) (gen.ConfirmReturnResponseObject, error) {
	ctx, who := asCaller(ctx)
	spec, p, err := s.participant(ctx, who, r.CollectionID, r.ParticipantID)
	if err != nil {
		return nil, err
	}
	command := workflows.ConfirmReturn{Participant: p.ID, Nonce: signing.DigestOf([]byte(r.Body.Nonce))}
	if err := s.config.Orchestrator.ConfirmReturn(ctx, spec.ID, command); err != nil {
		return nil, afterEnd(err)
	}
	return gen.ConfirmReturn204Response{}, nil
}

// latestAttempt returns a participant's latest attempt, live or ended.
func (s *Server) latestAttempt(ctx context.Context, tenant signing.TenantID, collection string, p signing.ParticipantID) (signing.Attempt, error) {
	view, err := s.participantView(ctx, tenant, collection, p)
	if err != nil {
		return signing.Attempt{}, err
	}
	if len(view.Attempts) == 0 {
		return signing.Attempt{}, signing.ErrNoAttempt
	}
	return view.Attempts[len(view.Attempts)-1], nil
}
