package api

import (
	"github.com/getkin/kin-openapi/openapi3"
)

// Routes returns the server's routes as "METHOD /path/:parameter".
func (s *Server) Routes() []string {
	var routes []string
	for _, r := range s.engine.Routes() {
		routes = append(routes, r.Method+" "+r.Path)
	}
	return routes
}

// ProblemCodes returns the codes that are documented.
func (s *Server) ProblemCodes() []string {
	var codes []string
	for _, p := range s.problems.all() {
		codes = append(codes, p.Code)
	}
	return codes
}

// CheckJSON is what every JSON body passes.
func CheckJSON(body []byte, schema *openapi3.Schema) error { return checkJSON(body, schema) }
