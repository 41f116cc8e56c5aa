package idkollen

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/handslag/handslag/signing"
)

const (
	statusPending   = "PENDING"
	statusCompleted = "COMPLETED"
	statusFailed    = "FAILED"
)

// answer is what is told of an order. Members that we do not know are ignored;
// those that decide nothing are read one by one, so that a new form of theirs
// never costs a signature.
type answer struct {
	ID        string          `json:"id"`
	RefID     string          `json:"refId"`
	Status    string          `json:"status"`
	HintCode  string          `json:"hintCode"`
	Error     string          `json:"error"`
	SSN       signing.Private `json:"ssn"`
	Name      json.RawMessage `json:"name"`
	GivenName json.RawMessage `json:"givenName"`
	Surname   json.RawMessage `json:"surname"`
	CertStart json.RawMessage `json:"certStartDate"`
	Address   json.RawMessage `json:"address"`
	Signatory json.RawMessage `json:"companySignatoryText"`
}

// The errors do not wrap those of the decoder, which may quote the body.
var (
	errNoJSON     = errors.New("the answer is not a JSON object with an id and a status")
	errOtherOrder = errors.New("the answer is about another order")
)

// decodeAnswer reads JSON. A member of another type than expected stays empty,
// and the rest is read all the same.
func decodeAnswer(raw []byte) (answer, error) {
	var a answer
	var other *json.UnmarshalTypeError
	if err := json.Unmarshal(raw, &a); err != nil && !errors.As(err, &other) {
		return answer{}, errNoJSON
	}
	if a.ID == "" || a.Status == "" {
		return answer{}, errNoJSON
	}
	return a, nil
}

// text reads a member that is a text, or nothing.
func text(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// signerName is the person's name, however it is told.
func (a answer) signerName() signing.Private {
	if whole := text(a.Name); whole != "" {
		return signing.Private(whole)
	}
	given, surname := text(a.GivenName), text(a.Surname)
	if given != "" && surname != "" {
		given += " "
	}
	return signing.Private(given + surname)
}

// remarks returns what is told beside who it was, for the evidence. Address and
// signatory text are personal, and stay in the raw answer.
func (a answer) remarks() map[string]string {
	remarks := map[string]string{}
	if date, err := time.Parse(time.DateOnly, text(a.CertStart)); err == nil {
		remarks["bankid_issue_date"] = date.Format(time.DateOnly)
	}
	if told(a.Address) {
		remarks["address"] = "told"
	}
	if told(a.Signatory) {
		remarks["company_signatory"] = "told"
	}
	return remarks
}

func told(raw json.RawMessage) bool {
	s := string(raw)
	return s != "" && s != "null" && s != `""`
}
