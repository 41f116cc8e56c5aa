package api

import (
	_ "embed"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config oapi-codegen.yaml -o gen/api.gen.go openapi.yaml

//go:embed openapi.yaml
var contractYAML []byte

// The security schemes of the contract.
const (
	schemeAPIKey = "apiKey"
	schemeLink   = "signerLink"
)

// contract is openapi.yaml as the server uses it.
type contract struct {
	json       []byte
	operations map[string]operation // by method and gin's form of the route
}

// operation is what the contract says of one method of one route.
type operation struct {
	schemes  []string         // who may call it; none means anyone
	produces []string         // media types of its successful answers
	consumes string           // the media type of its body, "" when it takes none
	body     *openapi3.Schema // of a JSON body
}

var pathParameter = regexp.MustCompile(`\{(\w+)\}`)

func loadContract() (*contract, error) {
	doc, err := openapi3.NewLoader().LoadFromData(contractYAML)
	if err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	c := &contract{operations: map[string]operation{}}
	if c.json, err = doc.MarshalJSON(); err != nil {
		return nil, fmt.Errorf("encode the contract: %w", err)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			c.operations[method+" "+pathParameter.ReplaceAllString(path, ":$1")] = newOperation(doc, op)
		}
	}
	return c, nil
}

func newOperation(doc *openapi3.T, op *openapi3.Operation) operation {
	var o operation
	security := doc.Security
	if op.Security != nil {
		security = *op.Security
	}
	for _, requirement := range security {
		for scheme := range requirement {
			o.schemes = append(o.schemes, scheme)
		}
	}
	for status, response := range op.Responses.Map() {
		if !strings.HasPrefix(status, "2") {
			continue
		}
		for media := range response.Value.Content {
			o.produces = append(o.produces, media)
		}
	}
	if op.RequestBody != nil {
		for media, content := range op.RequestBody.Value.Content {
			o.consumes, o.body = media, content.Schema.Value
		}
	}
	return o
}

// operation returns what the contract says of a route. Nothing is served that
// it does not name.
func (c *contract) operation(r *http.Request, route string) (operation, bool) {
	o, ok := c.operations[r.Method+" "+route]
	return o, ok
}
