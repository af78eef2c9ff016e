package nacosauth_test

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"path/filepath"
	"strings"
	"testing"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

func TestNames(t *testing.T) {
	for have, want := range map[interface{ String() string }]string{
		nacosauth.EventCredentialsRejected:   "credentials rejected",
		nacosauth.EventKind(99):              "event 99",
		nacosauth.TokenMandatory:             "mandatory",
		nacosauth.RefreshCredentialsRejected: "credentials rejected",
		nacosauth.RefreshState(-1):           "refresh state -1",
		nacosauth.TokenInAuthorization:       "authorization",
		nacosauth.AnonymousNever:             "never",
		nacosauth.Anonymous(7):               "anonymous 7",
		nacosauth.IdempotentByMethod:         "by method",
		nacosauth.NotIdempotent:              "not idempotent",
		nacosauth.Idempotence(-1):            "idempotence -1",
		nacosauth.AdviceReplayIfIdempotent:   "replay if idempotent",
	} {
		if have.String() != want {
			t.Errorf("%s, want %s", have, want)
		}
	}
}

// A number that a program prints says nothing.
func TestEveryEnumerationPrintsNames(t *testing.T) {
	numbers, named := map[string]bool{}, map[string]bool{}
	look := func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.TypeSpec:
			if kind, ok := node.Type.(*ast.Ident); ok && node.Name.IsExported() && strings.Contains(kind.Name, "int") {
				numbers[node.Name.Name] = true
			}
		case *ast.FuncDecl:
			if node.Recv != nil && (node.Name.Name == "String" || node.Name.Name == "Error") {
				if receiver, ok := node.Recv.List[0].Type.(*ast.Ident); ok {
					named[receiver.Name] = true
				}
			}
		}
		return true
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, look)
	}
	if len(numbers) < 8 {
		t.Errorf("only %v were found", numbers)
	}
	for name := range numbers {
		if !named[name] {
			t.Errorf("%s has no String", name)
		}
	}
}
