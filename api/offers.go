package api

import (
	"fmt"
	"slices"
	"strings"

	"github.com/handslag/handslag/providers"
	"github.com/handslag/handslag/signing"
)

// checkOffers refuses what no account of the tenant can deliver, participant by
// participant: each finding says what is unmet, and at which provider.
func checkOffers(spec signing.Spec, offers map[signing.Method][]Offer, f *fields) {
	for i, p := range spec.Participants {
		if p.Method.Known() {
			checkOffersFor(p, spec, offers[p.Method], f, fmt.Sprintf("/participants/%d/", i))
		}
	}
}

func checkOffersFor(p signing.Participant, spec signing.Spec, offers []Offer, f *fields, at string) {
	if len(offers) == 0 {
		f.add(at+"method", "unavailable", "No provider that the tenant has an account at serves the method %s.", p.Method)
		return
	}
	named := offersFor(p, offers)
	if len(named) == 0 {
		f.add(at+"provider", "unavailable", "The method %s is served by %s.", p.Method, list(offers, nil))
		return
	}
	enough := keep(named, func(c providers.Capabilities) bool { return meets(c, p.Method, spec.Policy) })
	if len(enough) == 0 {
		unmetPolicy(p, spec.Policy, named, f)
		return
	}
	for i, d := range spec.Documents {
		if len(keep(enough, takes(spec, d))) == 0 {
			f.add(fmt.Sprintf("/documents/%d/id", i), "too_large", "With all signatures in it, the document is larger than what is taken: %s.",
				list(enough, func(c providers.Capabilities) string { return fmt.Sprintf("%d bytes", c.MaxDocument) }))
		}
	}
	if p.Organisation != "" && len(keep(enough, looksUp)) == 0 {
		f.add(at+"organisation", "unavailable", "Who may sign for an organisation is not looked up by %s.", list(enough, nil))
	}
}

// unmetPolicy says which half of the policy is not met: what stands behind the
// outcome, or its level.
func unmetPolicy(p signing.Participant, policy signing.Policy, offers []Offer, f *fields) {
	accepted := keep(offers, func(c providers.Capabilities) bool {
		assurance, _ := c.Yields(p.Method)
		return slices.Contains(policy.Accept, assurance)
	})
	if len(accepted) == 0 {
		f.add("/policy/accept", "unmet", "The policy does not accept what the method %s yields: %s.", p.Method,
			list(offers, func(c providers.Capabilities) string {
				assurance, _ := c.Yields(p.Method)
				return string(assurance)
			}))
		return
	}
	f.add("/policy/level", "unmet", "The policy asks for the level %s, and the method %s yields %s.", policy.Level, p.Method,
		list(accepted, func(c providers.Capabilities) string {
			if _, level := c.Yields(p.Method); level != signing.LevelAny {
				return string(level)
			}
			return "none"
		}))
}

// list names providers for a message, each with what is to be said of it.
func list(offers []Offer, of func(providers.Capabilities) string) string {
	var names []string
	for _, o := range offers {
		if of == nil {
			names = append(names, o.Provider)
			continue
		}
		names = append(names, of(o.Capabilities)+" by "+o.Provider)
	}
	return strings.Join(names, ", ")
}

// offersFor leaves the provider that a participant was given, if they were.
func offersFor(p signing.Participant, offers []Offer) []Offer {
	return slices.DeleteFunc(slices.Clone(offers), func(o Offer) bool { return p.Provider != "" && o.Provider != p.Provider })
}

func keep(offers []Offer, able func(providers.Capabilities) bool) []Offer {
	return slices.DeleteFunc(slices.Clone(offers), func(o Offer) bool { return !able(o.Capabilities) })
}

func meets(c providers.Capabilities, m signing.Method, policy signing.Policy) bool {
	return policy.Accepts(c.Yields(m))
}

// signatureRoom is what one person's signature adds to a document, with its
// timestamps and proofs.
const signatureRoom = 128 << 10

// takes says who takes a document, for a person who signs it after all others.
func takes(spec signing.Spec, d signing.Document) func(providers.Capabilities) bool {
	last := d.Length - signatureRoom
	for _, p := range spec.Participants {
		if p.Method.SignsDocuments() {
			last += signatureRoom
		}
	}
	return func(c providers.Capabilities) bool { return c.MaxDocument == 0 || last <= c.MaxDocument }
}

func looksUp(c providers.Capabilities) bool { return c.LooksUpSignatories }

// ableFor are the offers that can serve a participant, in the order in which they
// are asked.
func ableFor(p signing.Participant, spec signing.Spec, offers map[signing.Method][]Offer) []Offer {
	return keep(offersFor(p, offers[p.Method]), func(c providers.Capabilities) bool {
		return meets(c, p.Method, spec.Policy) && (p.Organisation == "" || looksUp(c)) &&
			!slices.ContainsFunc(spec.Documents, func(d signing.Document) bool { return !takes(spec, d)(c) })
	})
}

// checkChannel refuses a channel that nobody who serves the participant has, before
// any order is asked for. Where the accounts have changed so that nobody is left,
// the collection's own route decides.
func checkChannel(c signing.Channel, offers []Offer) error {
	able := map[signing.Channel]func(providers.Capabilities) bool{
		signing.ChannelPhone: func(c providers.Capabilities) bool { return c.Phone },
		signing.ChannelQR:    func(c providers.Capabilities) bool { return c.QR != providers.QRNone },
	}[c]
	if able == nil || len(offers) == 0 || len(keep(offers, able)) > 0 {
		return nil
	}
	return errRequest.In("/channel", "unavailable", "The participant cannot be reached in this way by %s; same-device always can.", list(offers, nil))
}

// redirecting are the offers that send the person to a page of their own.
func redirecting(offers []Offer) []Offer {
	return keep(offers, func(c providers.Capabilities) bool { return c.Redirect })
}

// routesOf are the providers of each method that meet the policy, in the order in
// which they are asked, and those of each participant who needs more than that.
func routesOf(spec signing.Spec, offers map[signing.Method][]Offer) (map[signing.Method]signing.Route, map[signing.ParticipantID]signing.Route) {
	routes, own := map[signing.Method]signing.Route{}, map[signing.ParticipantID]signing.Route{}
	for _, p := range spec.Participants {
		routes[p.Method] = names(ableFor(signing.Participant{Method: p.Method}, spec, offers))
		if p.Organisation != "" {
			own[p.ID] = names(ableFor(p, spec, offers))
		}
	}
	return routes, own
}

func names(offers []Offer) signing.Route {
	var route signing.Route
	for _, o := range offers {
		route = append(route, o.Provider)
	}
	return route
}
