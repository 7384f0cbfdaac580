package deploy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var wholeName = regexp.MustCompile(`^freshet_[a-z0-9_]*[a-z0-9]$`)

// A composer is a function of one file whose argument number arg, behind prefix, is the name of a metric.
type composer struct {
	prefix string
	arg    int
}

// A source is one file, with the functions that enclose what is looked at.
type source struct {
	composers map[string]composer // by the function's name
	names     map[string]bool
	grown     bool // a composer was found in this pass
}

// programNames returns the metrics that the program has, as its source names them: whole, or as a prefix and what a
// function of the same file is called with.
func programNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, folder := range []string{"cluster", "origin", "edge", "control"} {
		err := filepath.WalkDir(filepath.Join("..", folder), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "node_modules" || strings.HasSuffix(d.Name(), "test")):
				return fs.SkipDir
			case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			s := source{composers: map[string]composer{}, names: names, grown: true}
			for s.grown {
				s.grown = false
				s.walk(file, nil)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// A scope is a function that encloses what is looked at: its name, empty for none, and its parameters.
type scope struct {
	name   string
	params []string
}

func (s *source) walk(n ast.Node, in []scope) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Body != nil {
				s.walk(n.Body, append(slices.Clip(in), scope{n.Name.Name, params(n.Type)}))
			}
			return false
		case *ast.AssignStmt:
			f, ok := n.Rhs[0].(*ast.FuncLit)
			name, named := n.Lhs[0].(*ast.Ident)
			if ok && named && len(n.Rhs) == 1 {
				s.walk(f.Body, append(slices.Clip(in), scope{name.Name, params(f.Type)}))
				return false
			}
		case *ast.BasicLit:
			if text := literal(n); wholeName.MatchString(text) {
				s.names[text] = true
			}
		case *ast.BinaryExpr:
			if prefix := literal(n.X); n.Op == token.ADD && strings.HasPrefix(prefix, "freshet_") {
				s.compose(prefix, n.Y, in)
			}
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok {
				if c, ok := s.composers[f.Name]; ok && c.arg < len(n.Args) {
					s.compose(c.prefix, n.Args[c.arg], in)
				}
			}
		}
		return true
	})
}

// compose takes prefix and rest for a name, or the function whose parameter rest is for a composer.
func (s *source) compose(prefix string, rest ast.Expr, in []scope) {
	if text := literal(rest); text != "" {
		s.names[prefix+text] = true
		return
	}
	id, ok := rest.(*ast.Ident)
	if !ok {
		return
	}
	for _, f := range slices.Backward(in) {
		if i := slices.Index(f.params, id.Name); i >= 0 {
			if _, known := s.composers[f.name]; !known {
				s.composers[f.name], s.grown = composer{prefix, i}, true
			}
			return
		}
	}
}

// params returns the names of a function's parameters, in order.
func params(f *ast.FuncType) (all []string) {
	for _, field := range f.Params.List {
		for _, name := range field.Names {
			all = append(all, name.Name)
		}
	}
	return all
}

// literal returns the text of a string literal, empty for anything else.
func literal(e ast.Node) string {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return ""
	}
	text, err := strconv.Unquote(l.Value)
	if err != nil {
		return ""
	}
	return text
}
