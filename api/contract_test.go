package api_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/handslag/handslag/api"
)

func TestServerAnswersExactlyTheContractsRoutes(t *testing.T) {
	doc, _ := loadContract(t)
	var want []string
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			want = append(want, method+" "+regexp.MustCompile(`\{(\w+)\}`).ReplaceAllString(path, ":$1"))
		}
	}
	require.ElementsMatch(t, want, newServer(t).Routes())
}

func TestEveryOperationIsDocumented(t *testing.T) {
	doc, _ := loadContract(t)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			require.NotEmpty(t, op.Summary, "%s %s", method, path)
			require.NotEmpty(t, op.OperationID, "%s %s", method, path)
			require.NotNil(t, op.Responses.Value("500"), "%s %s", method, path)
			if op.Security == nil || len(*op.Security) > 0 {
				require.NotNil(t, op.Responses.Value("401"), "%s %s", method, path)
			}
			if op.RequestBody != nil {
				require.NotNil(t, op.Responses.Value("413"), "%s %s", method, path)
				require.NotNil(t, op.Responses.Value("415"), "%s %s", method, path)
			}
		}
	}
}

func TestContractIsServed(t *testing.T) {
	w := newWorld(t)
	a := w.do(call{method: "GET", path: "/openapi.json"})
	require.Equal(t, http.StatusOK, a.StatusCode)
	served := a.json(t)
	require.Equal(t, "3.1.0", served["openapi"])
	want, err := json.Marshal(w.contract)
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(a.body))
}

// TestGeneratedCodeIsCurrent runs the generator, which is pinned in tools.
func TestGeneratedCodeIsCurrent(t *testing.T) {
	if testing.Short() {
		t.Skip("the generator is not run in short tests")
	}
	fresh := filepath.Join(t.TempDir(), "api.gen.go")
	command := exec.CommandContext(t.Context(), "go", "tool", "-modfile=../tools/go.mod", "oapi-codegen",
		"-config", "oapi-codegen.yaml", "-o", fresh, "openapi.yaml")
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
	want, err := os.ReadFile(fresh)
	require.NoError(t, err)
	got, err := os.ReadFile("gen/api.gen.go")
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got), "api/gen is not what openapi.yaml makes: run go generate ./api")
}

// emitters are the packages whose faults can come out of the API.
var emitters = []string{"api", "intake", "signing", "storage", "keyring", "workflows", "activities", "pdf", "providers", "seals", "accounts"}

// TestEveryProblemCodeIsDocumented finds the codes in the source.
func TestEveryProblemCodeIsDocumented(t *testing.T) {
	var found []string
	for _, dir := range emitters {
		root := filepath.Join("..", dir)
		if _, err := os.Stat(root); err != nil {
			continue
		}
		require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() || notAtTheEdge(path) {
				return err
			}
			found = append(found, codesIn(t, path)...)
			return nil
		}))
	}
	require.Greater(t, len(found), 50, "the search finds too little to mean anything")
	require.Subset(t, newServer(t).ProblemCodes(), found)
}

// notAtTheEdge leaves out what verifies or seals: its faults end up in reports.
func notAtTheEdge(path string) bool {
	return strings.HasPrefix(path, "../pdf/") && !strings.HasPrefix(path, "../pdf/pdfcpuchild")
}

// codesIn returns the codes given to fault.New in a package, where they are
// literals or constants.
func codesIn(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	constants, codes := map[string]string{}, []string{}
	var parsed []*ast.File
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		parsed = append(parsed, f)
		ast.Inspect(f, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Names) == 1 && len(spec.Values) == 1 {
				if s, ok := literal(spec.Values[0]); ok {
					constants[spec.Names[0].Name] = s
				}
			}
			return true
		})
	}
	for _, f := range parsed {
		ast.Inspect(f, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok || len(c.Args) < 3 {
				return true
			}
			if s, ok := c.Fun.(*ast.SelectorExpr); !ok || s.Sel.Name != "New" || !isIdent(s.X, "fault") {
				return true
			}
			if s, ok := literal(c.Args[1]); ok {
				codes = append(codes, s)
			} else if id, ok := c.Args[1].(*ast.Ident); ok && constants[id.Name] != "" {
				codes = append(codes, constants[id.Name])
			}
			return true
		})
	}
	return codes
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(l.Value)
	return s, err == nil
}

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

func TestProblemsExplainThemselves(t *testing.T) {
	w := newWorld(t)
	a := w.do(call{method: "GET", path: "/problems/not_your_turn"})
	require.Equal(t, http.StatusOK, a.StatusCode)
	require.Equal(t, "An earlier step is not finished", a.json(t)["title"])
	a = w.do(call{method: "GET", path: "/problems/not_your_turn", header: map[string]string{"Accept": "text/html,application/json;q=0.8"}})
	require.Equal(t, "text/html", a.Header.Get("Content-Type"))
	require.Contains(t, string(a.body), "An earlier step is not finished")
	a = w.do(call{method: "GET", path: "/problems"})
	require.GreaterOrEqual(t, len(a.json(t)["problems"].([]any)), 60)
	a = w.do(call{method: "GET", path: "/problems", header: map[string]string{"Accept": "text/html"}})
	require.Contains(t, string(a.body), `id="pdf_bomb"`)
	a = w.do(call{method: "GET", path: "/problems/nothing"})
	require.Equal(t, "problem_not_found", a.code(t))
}

func newServer(t *testing.T) *api.Server {
	t.Helper()
	return newWorld(t).api
}
