package api

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/handslag/handslag/api/gen"
)

//go:embed problems.yaml
var problemsYAML []byte

//go:embed problems.html
var problemsHTML string

// problemTable documents every problem code.
type problemTable struct {
	byCode map[string]problemEntry
	page   *template.Template
}

// problemEntry is a row of problems.yaml.
type problemEntry struct {
	Code        string `yaml:"-"`
	Status      int    `yaml:"status"` // 0: that of the fault's kind
	Title       string `yaml:"title"`
	Explanation string `yaml:"explanation"`
	Action      string `yaml:"action"`
}

func loadProblems() (*problemTable, error) {
	t := &problemTable{}
	if err := yaml.UnmarshalWithOptions(problemsYAML, &t.byCode, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("read problems.yaml: %w", err)
	}
	for code, p := range t.byCode {
		if p.Title == "" || p.Explanation == "" || p.Action == "" {
			return nil, fmt.Errorf("read problems.yaml: %s lacks a title, an explanation or an action", code)
		}
		p.Code = code
		t.byCode[code] = p
	}
	page, err := template.New("problems").Parse(problemsHTML)
	if err != nil {
		return nil, fmt.Errorf("read problems.html: %w", err)
	}
	t.page = page
	return t, nil
}

func (t *problemTable) find(code string) (problemEntry, bool) {
	p, ok := t.byCode[code]
	return p, ok
}

func (t *problemTable) all() []problemEntry {
	var all []problemEntry
	for _, p := range t.byCode {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b problemEntry) int { return strings.Compare(a.Code, b.Code) })
	return all
}

func (p problemEntry) describe() gen.ProblemType {
	return gen.ProblemType{
		Code: p.Code, Status: optional(p.Status), Title: p.Title, Explanation: p.Explanation, Action: p.Action,
	}
}

// render writes entries as a page.
func (t *problemTable) render(entries ...problemEntry) (*bytes.Reader, error) {
	var b bytes.Buffer
	if err := t.page.Execute(&b, entries); err != nil {
		return nil, fmt.Errorf("render the page of problems: %w", err)
	}
	return bytes.NewReader(b.Bytes()), nil
}

// ListProblems answers GET /problems.
func (s *Server) ListProblems(ctx context.Context, _ gen.ListProblemsRequestObject) (gen.ListProblemsResponseObject, error) {
	all := s.problems.all()
	if _, who := asCaller(ctx); who.html {
		page, err := s.problems.render(all...)
		if err != nil {
			return nil, err
		}
		return gen.ListProblems200TextHTMLResponse{Body: page, ContentLength: page.Size()}, nil
	}
	answer := gen.ListProblems200JSONResponse{Problems: make([]gen.ProblemType, len(all))}
	for i, p := range all {
		answer.Problems[i] = p.describe()
	}
	return answer, nil
}

// GetProblem answers GET /problems/{code}.
func (s *Server) GetProblem(ctx context.Context, r gen.GetProblemRequestObject) (gen.GetProblemResponseObject, error) {
	p, ok := s.problems.find(r.Code)
	if !ok {
		return nil, errNoProblem
	}
	if _, who := asCaller(ctx); who.html {
		page, err := s.problems.render(p)
		if err != nil {
			return nil, err
		}
		return gen.GetProblem200TextHTMLResponse{Body: page, ContentLength: page.Size()}, nil
	}
	return gen.GetProblem200JSONResponse(p.describe()), nil
}
