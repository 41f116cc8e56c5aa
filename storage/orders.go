package storage

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/handslag/handslag/fault"
	"github.com/handslag/handslag/signing"
)

var errNoOrder = fault.New(fault.NotFound, "order_unfound", "No attempt is known that the order belongs to.")

// PutOrder remembers whose an order is that was made at an account, by what the
// provider calls it and by its attempt. Repeated for the same attempt it succeeds;
// another attempt's order under the same name is Corrupt.
func (s *Store) PutOrder(ctx context.Context, at signing.AccountRef, order string, h signing.Holder) error {
	if err := checkHolder(h); err != nil {
		return err
	}
	record, err := json.Marshal(lock{Tenant: h.Tenant, Collection: h.Collection, Participant: h.Participant, Attempt: h.Attempt})
	if err != nil {
		return fmt.Errorf("encode order: %w", err)
	}
	for _, ref := range []string{order, string(h.Attempt)} {
		if err := s.putGiven(ctx, s.orderKey(at, ref), record); err != nil {
			return err
		}
	}
	return nil
}

// FindOrder returns whose the first order of the account is that is known, by any
// of its names, or NotFound. Another account's orders are as if there were none.
func (s *Store) FindOrder(ctx context.Context, at signing.AccountRef, refs ...string) (signing.Holder, error) {
	for _, ref := range refs {
		h, err := getRecord[lock](ctx, s, s.orderKey(at, ref), errNoOrder)
		if fault.CodeOf(err) == errNoOrder.Code {
			continue
		}
		return signing.Holder{Tenant: h.Tenant, Collection: h.Collection, Participant: h.Participant, Attempt: h.Attempt}, err
	}
	return signing.Holder{}, errNoOrder
}

// orderKey says nothing of the order, whatever a provider puts into its names.
func (s *Store) orderKey(at signing.AccountRef, ref string) string {
	return "o/" + s.hashed(purposeOrder, at.Provider+"\n"+at.Account+"\n"+ref)
}
