package api

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/text/language"
	"rsc.io/qr"

	"github.com/handslag/handslag/api/gen"
	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
	"github.com/handslag/handslag/workflows"
)

// GetLiveAttempt answers GET …/attempts/live.
func (s *Server) GetLiveAttempt(ctx context.Context, r gen.GetLiveAttemptRequestObject) (gen.GetLiveAttemptResponseObject, error) {
	ctx, who := asCaller(ctx)
	spec, p, err := s.participant(ctx, who, r.CollectionID, r.ParticipantID)
	if err != nil {
		return nil, err
	}
	attempt, live, err := s.live(ctx, who.tenant, spec.ID, p.ID)
	if err != nil {
		return nil, err
	}
	answer := s.presentLive(attempt, live, shownTo(p, r.Params.AcceptLanguage, deviceOfAgent(who.userAgent)))
	return gen.GetLiveAttempt200JSONResponse(answer), nil
}

// GetLiveQR answers GET …/attempts/live/qr.svg.
func (s *Server) GetLiveQR(ctx context.Context, r gen.GetLiveQRRequestObject) (gen.GetLiveQRResponseObject, error) {
	ctx, who := asCaller(ctx)
	spec, p, err := s.participant(ctx, who, r.CollectionID, r.ParticipantID)
	if err != nil {
		return nil, err
	}
	_, live, err := s.live(ctx, who.tenant, spec.ID, p.ID)
	if err != nil {
		return nil, err
	}
	text := s.qrText(live)
	if text == "" {
		return nil, errNoQR
	}
	svg, err := drawQR(text)
	if err != nil {
		return nil, err
	}
	return gen.GetLiveQR200ImageSvgXMLResponse{Body: svg, ContentLength: svg.Size()}, nil
}

// live returns a participant's latest attempt, and what is known of its order
// while that is followed.
func (s *Server) live(ctx context.Context, tenant signing.TenantID, c signing.CollectionID, p signing.ParticipantID) (signing.Attempt, *workflows.Live, error) {
	followed, err := s.config.Orchestrator.Followed(ctx, c, p)
	if err != nil && !isOver(err) {
		return signing.Attempt{}, nil, err
	}
	if followed != nil && followed.Attempt != "" {
		if attempt, ok := s.attempts.Get(followed.Attempt); ok {
			return attempt, followed, nil
		}
	}
	attempt, err := s.latestAttempt(ctx, tenant, string(c), p)
	if err != nil {
		return signing.Attempt{}, nil, err
	}
	if !attempt.Live() || followed != nil && followed.Attempt != "" && followed.Attempt != attempt.ID {
		// It ended between the two questions, or a new one has begun.
		followed = nil
	}
	if attempt.Live() {
		s.attempts.Add(attempt.ID, attempt)
	}
	return attempt, followed, nil
}

// reader is for whom an attempt is told.
type reader struct {
	method signing.Method
	locale signing.Locale
	device providers.Device
}

func shownTo(p signing.Participant, accept *string, d providers.Device) reader {
	return reader{p.Method, languageOf(p, accept), d}
}

// presentLive tells how an attempt stands. live is nil while no order is
// followed.
func (s *Server) presentLive(a signing.Attempt, live *workflows.Live, to reader) gen.LiveAttempt {
	answer := gen.LiveAttempt{Attempt: presentAttempt(a), State: gen.Settling}
	switch {
	case !a.Live():
		answer.State = gen.Ended
		answer.Message = message(providers.EndedMessage(to.method, a), to.locale)
	case live == nil:
	case live.Answer != nil:
		// The provider has answered; the store has not taken the answer yet.
	case live.Hint == "":
		// The provider has not been asked yet; the order waits for its start.
		answer.State = gen.Starting
		answer.Message = message(providers.WaitingMessage(to.method, "outstandingTransaction", a.Channel, to.device), to.locale)
	default:
		answer.State = gen.Pending
		answer.Hint = optional(live.Hint)
		answer.Message = message(providers.WaitingMessage(to.method, live.Hint, a.Channel, to.device), to.locale)
	}
	if live == nil || answer.State == gen.Ended || answer.State == gen.Settling {
		return answer
	}
	if text := s.qrText(live); text != "" {
		answer.Qr = &gen.QR{Text: text, ValidForSeconds: 1}
	}
	answer.Launch = launchOf(live.Order)
	return answer
}

// launchOf is how to reach the order on the device where the page is shown. A
// provider with a page of its own has one address, and an app has links.
func launchOf(o providers.Order) *gen.Launch {
	switch {
	case o.RedirectURL != "":
		return &gen.Launch{RedirectURL: optional(o.RedirectURL.Reveal())}
	case o.AutoStartToken != "":
		return &gen.Launch{
			UniversalLink: optional(providers.LaunchURL(o.AutoStartToken, providers.DeviceMobile).Reveal()),
			DesktopLink:   optional(providers.LaunchURL(o.AutoStartToken, providers.DeviceComputer).Reveal()),
		}
	}
	return nil
}

// message is nil where there is nothing to say.
func message(id providers.MessageID, locale signing.Locale) *gen.Message {
	if id == "" {
		return nil
	}
	return &gen.Message{ID: string(id), Text: id.Text(locale), Language: gen.Locale(locale)}
}

// qrText is what the QR code of an order says at this second, or "". The secret
// stays here.
func (s *Server) qrText(live *workflows.Live) string {
	switch {
	case live == nil || live.Answer != nil:
		return ""
	case live.Order.RelayedQR != "":
		return live.Order.RelayedQR.Reveal()
	case live.Order.QRToken == "" || live.Order.QRSecret == "":
		return ""
	}
	age := max(0, s.config.Clock().Sub(live.Order.StartedAt))
	return providers.QRText(live.Order.QRToken, live.Order.QRSecret, int(age/time.Second)).Reveal()
}

// quietZone is the margin that readers need (ISO/IEC 18004 6.3.8), in modules.
const quietZone = 4

// drawQR draws a QR code with error correction level M, one path for all dark
// modules.
func drawQR(text string) (*bytes.Reader, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, fmt.Errorf("draw a QR code: %w", err)
	}
	side := code.Size + 2*quietZone
	var path strings.Builder
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x+quietZone, y+quietZone)
			}
		}
	}
	svg := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges">`+
		`<rect width="100%%" height="100%%" fill="#fff"/><path d="%s"/></svg>`, side, side, path.String())
	return bytes.NewReader([]byte(svg)), nil
}

// languageOf is the one language of ours that Accept-Language likes best, or
// the participant's own.
func languageOf(p signing.Participant, accept *string) signing.Locale {
	if l := preferred(value(accept)); l != "" {
		return l
	}
	return p.Locale
}

// preferred is the one language of ours that a list of languages (RFC 9110
// 12.5.4) likes best, or "".
func preferred(accept string) signing.Locale {
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil {
		return ""
	}
	for _, tag := range tags {
		base, _ := tag.Base()
		switch base.String() {
		case "sv":
			return signing.LocaleSV
		case "nb", "no", "nn":
			return signing.LocaleNB
		case "en":
			return signing.LocaleEN
		}
	}
	return ""
}

// deviceOf is the kind of device that an attempt was started on.
func deviceOf(u providers.EndUser) providers.Device {
	if u.App != nil {
		return providers.DeviceMobile
	}
	if u.Web != nil {
		return deviceOfAgent(u.Web.UserAgent)
	}
	return providers.DeviceComputer
}

// deviceOfAgent goes by the one word that browsers on phones have in common. It
// decides the wording of a message and nothing else.
func deviceOfAgent(agent string) providers.Device {
	if strings.Contains(agent, "Mobi") || strings.Contains(agent, "Android") {
		return providers.DeviceMobile
	}
	return providers.DeviceComputer
}
