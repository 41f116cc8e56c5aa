package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/handslag/handslag/fault"
)

// The limits of a body are far above what the contract needs: its largest
// collection has under a thousand values. Without them a body within its size
// could cost seconds and gigabytes to refuse, since each value that is wrong is a
// fault with a place.
const (
	maxJSONDepth  = 32
	maxJSONValues = 10_000
)

// checkJSON holds a body against the contract. Beyond the schema it refuses what
// two readers could understand differently (RFC 8259 4 and 8.1, I-JSON RFC 7493
// 2.1 and 2.3): invalid UTF-8, repeated members, and data after the value. No
// fault quotes a value.
func checkJSON(body []byte, schema *openapi3.Schema) error {
	if !utf8.Valid(body) {
		return errJSON.In("", "utf8", "The body is not valid UTF-8.")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	left := maxJSONValues
	if err := checkValue(dec, "", 0, &left); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errJSON.In("", "trailing", "There is more after the JSON value, at byte %d.", dec.InputOffset())
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return errJSON.In("", "number", "A number is out of the range of a double.")
	}
	return schemaFault(schema.VisitJSON(value, openapi3.MultiErrors(), openapi3.VisitAsRequest(), openapi3.EnableFormatValidation()))
}

// checkValue reads one value and looks for members that are repeated. It takes
// the values that it reads from those that are left.
func checkValue(dec *json.Decoder, at string, depth int, left *int) error {
	if *left--; *left < 0 {
		return errJSON.In(at, "values", "The JSON holds more than %d values.", maxJSONValues)
	}
	token, err := dec.Token()
	if err != nil {
		return errJSON.In(at, "syntax", "The JSON cannot be read from byte %d on.", dec.InputOffset())
	}
	open, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	if depth >= maxJSONDepth {
		return errJSON.In(at, "depth", "The JSON is nested too deeply.")
	}
	seen := map[string]bool{}
	for i := 0; dec.More(); i++ {
		inner := at + "/" + strconv.Itoa(i)
		if open == '{' {
			name, err := dec.Token()
			if err != nil {
				return errJSON.In(at, "syntax", "The JSON cannot be read from byte %d on.", dec.InputOffset())
			}
			// After the opening brace the decoder yields strings only as names.
			member, _ := name.(string)
			inner = at + "/" + pointerToken(member)
			if seen[member] {
				return errJSON.In(inner, "repeated", "The member is given twice.")
			}
			seen[member] = true
		}
		if err := checkValue(dec, inner, depth+1, left); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return errJSON.In(at, "syntax", "The JSON cannot be read from byte %d on.", dec.InputOffset())
	}
	return nil
}

// pointerToken escapes a member's name for a JSON pointer (RFC 6901 3), cut off
// where nobody would look for it.
func pointerToken(name string) string {
	if r := []rune(name); len(r) > 64 {
		name = string(r[:64]) + "…"
	}
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// maxFields bounds the answer to a body with very many mistakes.
const maxFields = 50

// schemaFault turns the validator's errors into a fault with fields.
func schemaFault(err error) error {
	if err == nil {
		return nil
	}
	f := errRequest
	for _, e := range flatten(err) {
		if len(f.Fields) == maxFields {
			break
		}
		f = addSchemaError(f, e)
	}
	return f
}

func flatten(err error) []error {
	var multi openapi3.MultiError
	if !errors.As(err, &multi) {
		return []error{err}
	}
	var all []error
	for _, e := range multi {
		all = append(all, flatten(e)...)
	}
	return all
}

func addSchemaError(f *fault.Error, err error) *fault.Error {
	var e *openapi3.SchemaError
	if !errors.As(err, &e) {
		return f.In("", "invalid", "The body is not what the contract asks for.")
	}
	var at strings.Builder
	for _, token := range e.JSONPointer() {
		at.WriteString("/" + pointerToken(token))
	}
	if e.SchemaField == "properties" {
		// The reason is our one source for the name of an unknown member.
		name := strings.TrimSuffix(strings.TrimPrefix(e.Reason, "property "), " is unsupported")
		if unquoted, err := strconv.Unquote(name); err == nil {
			at.WriteString("/" + pointerToken(unquoted))
		}
		return f.In(at.String(), "unknown_field", "There is no such field.")
	}
	code, detail := explain(e)
	return f.In(at.String(), code, "%s", detail)
}

// explain words a broken rule of the schema, from the schema alone.
func explain(e *openapi3.SchemaError) (code, detail string) {
	switch s := e.Schema; e.SchemaField {
	case "required":
		return "required", "The field is required."
	case "type", "nullable":
		return "type", fmt.Sprintf("The value must be of type %s.", strings.Join(s.Type.Slice(), " or "))
	case "enum":
		return "unknown", fmt.Sprintf("The value must be one of %s.", words(s.Enum))
	case "minLength", "maxLength":
		return "length", fmt.Sprintf("The text must have %s characters.", between(s.MinLength, s.MaxLength))
	case "minItems", "maxItems":
		return "count", fmt.Sprintf("The list must have %s entries.", between(s.MinItems, s.MaxItems))
	case "minimum", "maximum":
		return "range", "The number is out of range."
	case "pattern", "format":
		return "format", "The text does not have the form that is asked for."
	}
	return "invalid", "The value is not what the contract asks for."
}

func words(values []any) string {
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, v)
	}
	return b.String()
}

func between(least uint64, most *uint64) string {
	if most == nil {
		return fmt.Sprintf("at least %d", least)
	}
	return fmt.Sprintf("%d to %d", least, *most)
}
