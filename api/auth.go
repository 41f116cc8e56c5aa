package api

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

// caller is who sent a request.
type caller struct {
	tenant    signing.TenantID
	link      *Link // set for a signer link
	ip        netip.Addr
	userAgent string
	html      bool // the caller prefers a page to JSON
}

type callerKey struct{}

// asCaller returns the request's own context and who sent it. gin reuses its
// context for the next request, so it must not reach anything that could
// outlive this one.
func asCaller(ctx context.Context) (context.Context, caller) {
	if g, ok := ctx.(*gin.Context); ok {
		ctx = g.Request.Context()
	}
	who, _ := ctx.Value(callerKey{}).(caller)
	return ctx, who
}

// authenticate finds out who is asking, as the contract says for the route.
func (s *Server) authenticate(c *gin.Context) {
	who := caller{ip: s.clientIP(c.Request), userAgent: c.Request.UserAgent()}
	op, _ := s.contract.operation(c.Request, c.FullPath())
	who.html = prefersHTML(c.Request, op.produces)
	if len(op.schemes) > 0 {
		if err := s.identify(c.Request, op, &who); err != nil {
			s.problem(c, err)
			return
		}
		exchangeOf(c).tenant = who.tenant
	}
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), callerKey{}, who))
}

func (s *Server) identify(r *http.Request, op operation, who *caller) error {
	given := r.Header.Values("Authorization")
	if len(given) > 1 { // a proxy may have judged by the other one
		return errCredentials
	}
	scheme, token, _ := strings.Cut(strings.Join(given, ""), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return errNoCredentials
	}
	switch {
	case strings.HasPrefix(token, keyPrefix):
		tenant, ok := s.config.Keys.tenant(token)
		if !ok {
			return errCredentials
		}
		who.tenant = tenant
		return nil
	case strings.HasPrefix(token, linkPrefix):
		link, err := s.config.Links.GetLink(r.Context(), signing.DigestOf([]byte(token)), s.config.Clock())
		if fault.KindOf(err) == fault.Unauthenticated {
			return errCredentials
		}
		if err != nil {
			return err
		}
		if !slices.Contains(op.schemes, schemeLink) {
			return errNeedsKey
		}
		who.tenant, who.link = link.Tenant, &link
		return nil
	}
	return errCredentials
}

// mayActIn says whether the caller reaches a collection, before anything is
// looked up, so that the answer tells nothing about what there is.
func (who caller) mayActIn(c signing.CollectionID) error {
	if who.link != nil && who.link.Collection != c {
		return errLinkScope
	}
	return nil
}

// mayActFor says whether the caller may act for a participant.
func (who caller) mayActFor(c signing.CollectionID, p signing.ParticipantID) error {
	if who.link != nil && (who.link.Collection != c || who.link.Participant != p) {
		return errLinkScope
	}
	return nil
}

// scoped is the name under which the caller claims an idempotency key. Signers
// have keys of their own, so that none takes one that the tenant's server will
// use, or learns which it has used. No key has a space in it.
func (who caller) scoped(key string) string {
	if who.link != nil {
		return string(who.link.Participant) + " " + key
	}
	return key
}

// clientIP is the address of the peer, or, while that is a trusted proxy, of
// whom it says it speaks for. Every X-Forwarded-For line counts, from the right:
// what stands to the left of the first untrusted address is anybody's claim.
func (s *Server) clientIP(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	ip := peer.Addr().Unmap().WithZone("")
	claims := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, claim := range slices.Backward(claims) {
		if !s.trusts(ip) {
			break
		}
		next, err := netip.ParseAddr(strings.TrimSpace(claim))
		if err != nil {
			break
		}
		ip = next.Unmap().WithZone("")
	}
	return ip
}

func (s *Server) trusts(ip netip.Addr) bool {
	return slices.ContainsFunc(s.config.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(ip) })
}
