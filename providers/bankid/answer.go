package bankid

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/handslag/handslag/providers/wire"
	"github.com/handslag/handslag/signing"
)

const (
	statusPending  = "pending"
	statusFailed   = "failed"
	statusComplete = "complete"
)

// answer is what we read of a collect answer before it is stored: how the order
// stands, and no more. Members that we do not know are ignored.
type answer struct {
	OrderRef   string          `json:"orderRef"`
	Status     string          `json:"status"`
	HintCode   string          `json:"hintCode"`
	Completion json.RawMessage `json:"completionData"`
}

// completion is read when a stored answer is interpreted. Members that decide
// nothing are read one by one, so that a new form of theirs never costs a
// signature.
type completion struct {
	User struct {
		PersonalNumber signing.Private `json:"personalNumber"`
	} `json:"user"`
	Signature signing.Private `json:"signature"`
	OCSP      signing.Private `json:"ocspResponse"`
	IssueDate json.RawMessage `json:"bankIdIssueDate"`
	StepUp    json.RawMessage `json:"stepUp"`
	Risk      json.RawMessage `json:"risk"`
}

// The errors do not wrap those of the decoder, which may quote the body.
var (
	errNoJSON   = errors.New("the answer is not a JSON object of the form that collect has")
	errNoStatus = errors.New("the answer has a status that we do not know")
)

// decode reads JSON. A member of another type than expected stays empty, and the
// rest is read all the same.
func decode(raw []byte, into any) error {
	var other *json.UnmarshalTypeError
	if err := json.Unmarshal(raw, into); err != nil && !errors.As(err, &other) {
		return errNoJSON
	}
	return nil
}

func decodeAnswer(raw []byte) (answer, error) {
	var a answer
	if err := decode(raw, &a); err != nil {
		return answer{}, err
	}
	switch a.Status {
	case statusPending, statusFailed, statusComplete:
		return a, nil
	}
	if len(a.Completion) > 0 {
		// Under whatever name, it ended, and we shall not be given this again.
		a.Status = statusComplete
		return a, nil
	}
	return answer{}, errNoStatus
}

func decodeCompletion(raw json.RawMessage) (*completion, error) {
	var c *completion
	if err := decode(raw, &c); err != nil {
		return nil, err
	}
	if c == nil { // null
		return nil, errNoJSON
	}
	return c, nil
}

// remarks returns what the answer says beside the signature, for the evidence.
func (c *completion) remarks() map[string]string {
	remarks := map[string]string{}
	if date, ok := issueDate(c.IssueDate); ok {
		remarks["bankid_issue_date"] = date
	}
	// stepUp is an object since v6; other readers have seen a bare boolean.
	var stepUp struct {
		MRTD bool `json:"mrtd"`
	}
	if len(c.StepUp) > 0 && json.Unmarshal(c.StepUp, &stepUp) == nil {
		remarks["step_up_mrtd"] = "no"
		if stepUp.MRTD {
			remarks["step_up_mrtd"] = "yes"
		}
	}
	var risk string
	if len(c.Risk) > 0 && json.Unmarshal(c.Risk, &risk) == nil && risk != "" {
		remarks["risk"] = wire.Word(risk)
	}
	return remarks
}

// issueDate reads when the BankID was issued: an ISO date, with a UTC offset
// (2025-08-09+01:00, 2025-08-09Z) as documented or without as in older examples.
func issueDate(raw json.RawMessage) (string, bool) {
	var s string
	if len(raw) == 0 || json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	for _, layout := range []string{"2006-01-02Z07:00", time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Format(time.DateOnly), true
		}
	}
	return "", false
}
