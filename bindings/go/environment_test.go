package nacosauth_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

// The settings of the table as options.
var environmentOptions = map[string]func(*nacosauth.Options) *string{
	"server_addr":      func(o *nacosauth.Options) *string { return &o.ServerAddr },
	"username":         func(o *nacosauth.Options) *string { return &o.Username },
	"password":         func(o *nacosauth.Options) *string { return &o.Password },
	"password_file":    func(o *nacosauth.Options) *string { return &o.PasswordFile },
	"token":            func(o *nacosauth.Options) *string { return &o.Token },
	"context_path":     func(o *nacosauth.Options) *string { return &o.ContextPath },
	"ca_file":          func(o *nacosauth.Options) *string { return &o.CAFile },
	"client_cert_file": func(o *nacosauth.Options) *string { return &o.ClientCertFile },
	"client_key_file":  func(o *nacosauth.Options) *string { return &o.ClientKeyFile },
	"tls_server_name":  func(o *nacosauth.Options) *string { return &o.TLSServerName },
	"proxy":            func(o *nacosauth.Options) *string { return &o.Proxy },
}

var tokenPlaces = map[string]nacosauth.TokenIn{
	"authorization": nacosauth.TokenInAuthorization, "header": nacosauth.TokenInHeader, "query": nacosauth.TokenInQuery,
}

type environmentCase struct {
	what, message string
	variables     map[string]string
	want          nacosauth.Options
}

// environmentTable is what the tests of every language read.
func environmentTable(t *testing.T) (cases []*environmentCase) {
	t.Helper()
	content, err := os.ReadFile("../../tests/environment.txt")
	if err != nil {
		t.Fatal(err)
	}
	escape := regexp.MustCompile(`\\x..`)
	unescaped := func(text string) string {
		return escape.ReplaceAllStringFunc(text, func(found string) string {
			value, err := strconv.ParseUint(found[2:], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			return string([]byte{byte(value)})
		})
	}
	for _, line := range strings.Split(string(content), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		name, value, _ := strings.Cut(rest, "=")
		if word == "case" {
			cases = append(cases, &environmentCase{what: rest, variables: map[string]string{}})
			continue
		}
		last := cases[len(cases)-1]
		switch {
		case word == "set":
			last.variables[name] = unescaped(value)
		case word == "gives" && name == "token_in":
			last.want.TokenIn = tokenPlaces[value]
		case word == "gives" && environmentOptions[name] != nil:
			*environmentOptions[name](&last.want) = unescaped(value)
		case word == "fails":
			last.message = rest
		default:
			t.Fatal(line)
		}
	}
	return cases
}

// onlyVariables leaves no other variable of ours than these, until the test ends.
func onlyVariables(t *testing.T, variables map[string]string) {
	t.Helper()
	for _, name := range nacosauth.EnvNames {
		t.Setenv(name, "")
		os.Unsetenv(name)
	}
	for name, value := range variables {
		t.Setenv(name, value)
	}
}

func TestOptionsFromEnv(t *testing.T) {
	cases := environmentTable(t)
	if len(cases) < 30 {
		t.Error(len(cases), "cases")
	}
	for _, c := range cases {
		t.Run(c.what, func(t *testing.T) {
			onlyVariables(t, c.variables)
			if c.message == "" {
				options, err := nacosauth.ReadEnv()
				if err != nil || !reflect.DeepEqual(options, c.want) {
					t.Errorf("%#v, %v", options, err)
				}
				return
			}
			options, err := nacosauth.OptionsFromEnv()
			detail := details(t, err)
			if detail.Message != c.message || detail.Status != nacosauth.ErrInvalidConfig {
				t.Errorf("%v, want %s", err, c.message)
			}
			if strings.Contains(fmt.Sprintf("%v %+v", err, detail), "s3cret") || !reflect.DeepEqual(options, nacosauth.Options{}) {
				t.Error("more is shown than that it failed")
			}
		})
	}
}

func TestOptionsFromEnvMakeAClient(t *testing.T) {
	server := start(t)
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("nacos\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	onlyVariables(t, map[string]string{"NACOS_SERVER_ADDR": server.Address, "NACOS_USERNAME": "nacos", "NACOS_PASSWORD_FILE": file})
	options, err := nacosauth.OptionsFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	client, err := nacosauth.New(options)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Token(background); err != nil {
		t.Error(err)
	}
}
