package signing

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// record is what is signed or kept and has one encoding alone: JSON with the
// members in the order of its fields, no white space and no escapes but those
// JSON demands.
type record interface {
	// check refuses what we would never write.
	check() error
	Encode() ([]byte, error)
}

// encodeRecord returns the one encoding; what names it in errors.
func encodeRecord(what string, v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode %s: %w", what, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// parseRecord reads a record and refuses any but its one encoding.
func parseRecord[R record](what string, b []byte) (R, error) {
	var r, none R
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	err := dec.Decode(&r)
	if err == nil {
		if _, end := dec.Token(); end != io.EOF {
			err = errors.New("data after its end")
		}
	}
	if err == nil {
		err = r.check()
	}
	if err != nil {
		return none, fmt.Errorf("decode %s: %w", what, err)
	}
	again, err := r.Encode()
	if err != nil {
		return none, err
	}
	if !bytes.Equal(again, b) {
		return none, fmt.Errorf("decode %s: not its one encoding", what)
	}
	return r, nil
}
