package layout_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/nacos-auth/nacos-auth/bindings/go/internal/layout"
)

const root = "../../../.."

// lines are the layouts as tests/c/layout.c prints them.
func lines() (lines []string) {
	for _, s := range layout.Structs() {
		lines = append(lines, fmt.Sprintf("%s %d", s.Name, s.Size))
		for _, f := range s.Fields {
			lines = append(lines, fmt.Sprintf("%s.%s %d %d", s.Name, f.Name, f.Offset, f.Size))
		}
	}
	return lines
}

// differences are what only one of the two has.
func differences(other string, want []string) (found []string) {
	have := lines()
	for _, line := range have {
		if !slices.Contains(want, line) {
			found = append(found, fmt.Sprintf("cgo has %q, %s does not", line, other))
		}
	}
	for _, line := range want {
		if !slices.Contains(have, line) {
			found = append(found, fmt.Sprintf("%s has %q, cgo does not", other, line))
		}
	}
	return found
}

func TestDifferencesAreFound(t *testing.T) {
	moved := lines()
	if found := differences("the same", moved); len(found) != 0 {
		t.Error(found)
	}
	moved[1] += "1"
	if found := differences("another", moved); len(found) != 2 {
		t.Error(found)
	}
	if found := differences("a longer one", append(lines(), "nacos_pair.more 40 8")); len(found) != 1 {
		t.Error(found)
	}
}

func TestCgoKnowsEveryStruct(t *testing.T) {
	header, err := os.ReadFile(filepath.Join(root, "include", "nacos_auth.h"))
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, s := range layout.Structs() {
		known = append(known, s.Name)
	}
	found := regexp.MustCompile(`(?m)^typedef struct (\w+) \{$`).FindAllSubmatch(header, -1)
	for _, match := range found {
		if name := string(match[1]); !slices.Contains(known, name) {
			t.Errorf("%s is not compared", name)
		}
	}
	if len(found) != len(known) {
		t.Errorf("%d structs in the header, %d compared", len(found), len(known))
	}
}

// The compiler is asked with offsetof and sizeof, not by way of what cgo makes of its debugging information.
func TestCgoAgreesWithTheCompiler(t *testing.T) {
	program := "#include <nacos_auth.h>\n#include <stddef.h>\n#include <stdio.h>\nint main(void) {\n"
	for _, s := range layout.Structs() {
		program += fmt.Sprintf("printf(\"%[1]s %%zu\\n\", sizeof(%[1]s));\n", s.Name)
		for _, f := range s.Fields {
			program += fmt.Sprintf(
				"printf(\"%[1]s.%[2]s %%zu %%zu\\n\", offsetof(%[1]s, %[2]s), sizeof(((%[1]s *)0)->%[2]s));\n", s.Name, f.Name)
		}
	}
	binary := filepath.Join(t.TempDir(), "layout")
	compiler := exec.Command("cc", "-I"+filepath.Join(root, "include"), "-x", "c", "-o", binary, "-")
	compiler.Stdin = strings.NewReader(program + "return 0;\n}\n")
	if output, err := compiler.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	output, err := exec.Command(binary).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, difference := range differences("C", strings.Split(strings.TrimSpace(string(output)), "\n")) {
		t.Error(difference)
	}
}

// The layouts are promised to stay.
func TestLayoutsAreThoseOfTheABI(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("written down for amd64 only")
	}
	text, err := os.ReadFile(filepath.Join(root, "tests", "c", "layout.x86_64.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, difference := range differences("layout.x86_64.txt", strings.Split(strings.TrimSpace(string(text)), "\n")) {
		t.Error(difference)
	}
}
