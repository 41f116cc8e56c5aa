package providers

import (
	"fmt"
)

// The values below hold raw answers, texts and addresses. Their Format methods
// keep the promise of [Provider] for those, whatever the verb.

// Format implements fmt.Formatter and shows what says nothing about a person.
func (r StartRequest) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "{StartRequest %s %s %s}", r.Attempt, r.Method, r.Channel)
}

// Format implements fmt.Formatter and shows what says nothing about a person.
func (a Answer) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "{Answer terminal=%t hint=%s}", a.Terminal, a.Hint)
}

// Format implements fmt.Formatter and shows what says nothing about a person.
func (x Expectation) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "{Expectation %s %s}", x.Order, x.Method)
}

// Format implements fmt.Formatter and shows what says nothing about a person.
func (r Result) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "{Result %s %s %s}", r.Outcome, r.Reason, r.ProviderCode)
}
