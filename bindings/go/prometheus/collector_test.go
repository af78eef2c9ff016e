package nacosprometheus_test

import (
	"context"
	"strings"
	"testing"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
	"github.com/nacos-auth/nacos-auth/bindings/go/internal/devserver"
	nacosprometheus "github.com/nacos-auth/nacos-auth/bindings/go/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

const odd = "a \"name\"\\ of\ntwo lines"

func clients(t *testing.T) map[string]*nacosauth.Client {
	t.Helper()
	server, err := devserver.Launch()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	made := map[string]*nacosauth.Client{}
	for name, user := range map[string]string{odd: "nacos", "other": "poor"} {
		client, err := nacosauth.New(nacosauth.Options{ServerAddr: server.Address, Username: user, Password: user})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close() })
		made[name] = client
	}
	if _, err := made[odd].Token(context.Background()); err != nil {
		t.Fatal(err)
	}
	return made
}

func TestCollector(t *testing.T) {
	made := clients(t)
	collector, err := nacosprometheus.NewCollector(made)
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	if err := registry.Register(collector); err != nil {
		t.Fatal(err)
	}
	if another, err := nacosprometheus.NewCollector(nil); err != nil || registry.Register(another) == nil {
		t.Error("a registry takes two collectors: ", err)
	}
	const head = "# HELP nacos_auth_logins_total Logins that have ended, by what they were for and how they ended.\n# TYPE nacos_auth_logins_total counter\n"
	family, err := registry.Gather()
	if err != nil || len(family) < 12 {
		t.Fatal(err, family)
	}
	if found, err := testutil.GatherAndCount(registry, "nacos_auth_logins_total"); err != nil || found != 30 {
		t.Errorf("%d samples, %v", found, err)
	}
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
	made["other"].Close()
	want := head
	for _, reason := range []string{"first", "rejection", "renewal"} {
		for _, result := range []string{"other", "overloaded", "refused", "success", "unreachable"} {
			value := "0"
			if reason == "first" && result == "success" {
				value = "1"
			}
			want += `nacos_auth_logins_total{client="a \"name\"\\ of\ntwo lines",reason="` + reason + `",result="` + result + `"} ` + value + "\n"
		}
	}
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "nacos_auth_logins_total"); err != nil {
		t.Error(err)
	}
	collector.Remove(odd)
	if found, err := testutil.GatherAndCount(registry, "nacos_auth_health"); err != nil || found != 0 {
		t.Errorf("%d samples, %v", found, err)
	}
	if err := collector.Add("again", made[odd]); err != nil {
		t.Fatal(err)
	}
	if found, err := testutil.GatherAndCount(registry, "nacos_auth_health"); err != nil || found != 4 {
		t.Errorf("%d samples, %v", found, err)
	}
	if !registry.Unregister(collector) {
		t.Error("a collector cannot be taken away")
	}
}

// A registry that takes collectors at their word, as those of the tests of programs do: testutil's own.
func TestPedantry(t *testing.T) {
	made := clients(t)
	collector, err := nacosprometheus.NewCollector(made)
	if err != nil {
		t.Fatal(err)
	}
	problems, err := testutil.CollectAndLint(collector)
	if err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
	registry := prometheus.NewPedanticRegistry()
	if err := registry.Register(collector); err != nil {
		t.Fatal(err)
	}
	collector.Remove("other")
	if err := collector.Add("further", made["other"]); err != nil {
		t.Fatal(err)
	}
	if found, err := registry.Gather(); err != nil || len(found) < 12 {
		t.Error(err, found)
	}
	if !registry.Unregister(collector) {
		t.Error("what it describes is not always the same")
	}
	// With other labels it is another one.
	registry = prometheus.NewPedanticRegistry()
	for _, of := range []string{"a", "b"} {
		one, err := nacosprometheus.NewCollector(map[string]*nacosauth.Client{"": made[odd]})
		if err != nil {
			t.Fatal(err)
		}
		if err := prometheus.WrapRegistererWith(prometheus.Labels{"of": of}, registry).Register(one); err != nil {
			t.Error(err)
		}
	}
	if found, err := registry.Gather(); err != nil || len(found) < 12 {
		t.Error(err, found)
	}
}

func TestWrongClients(t *testing.T) {
	made := clients(t)
	for _, wrong := range []map[string]*nacosauth.Client{{"": made[odd], "a": made["other"]}, {"a": nil}} {
		if collector, err := nacosprometheus.NewCollector(wrong); err == nil || collector != nil {
			t.Error(wrong)
		}
	}
	collector, err := nacosprometheus.NewCollector(made)
	if err != nil {
		t.Fatal(err)
	}
	if collector.Add("", made[odd]) == nil {
		t.Error("a client without a name beside others")
	}
}
