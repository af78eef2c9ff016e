package nacosauth

import (
	"net/http"
	"net/url"
	"testing"
)

// A redirect to the same server may spell it in another way than the request did.
func TestRedirectsToTheSameServer(t *testing.T) {
	for _, c := range []struct {
		from, to string
		leaves   bool
	}{
		{"http://nacos.example:80/a", "http://nacos.example/b", false},
		{"http://nacos.example/a", "http://nacos.example:80/b", false},
		{"http://nacos.example:/a", "http://nacos.example:80/b", false},
		{"https://nacos.example:443/a", "https://nacos.example/b", false},
		{"https://nacos.example/a", "https://NACOS.example.:443/b", false},
		{"http://nacos.example:8848/a", "http://Nacos.Example.:8848/b", false},
		{"http://[::1]:80/a", "http://[::1]/b", false},
		{"http://[::1]:8848/a", "http://[0:0:0:0:0:0:0:1]:8848/b", false},
		{"http://[2001:DB8::a]/a", "http://[2001:db8:0:0::A]:80/b", false},
		{"http://nacos.example/a", "http://nacos.example:443/b", true},
		{"https://nacos.example/a", "https://nacos.example:80/b", true},
		{"https://nacos.example/a", "http://nacos.example:443/b", true},
		{"http://nacos.example/a", "https://nacos.example:80/b", true},
		{"http://nacos.example:8848/a", "http://nacos.example/b", true},
		{"http://nacos.example:8848/a", "http://nacos.example:8849/b", true},
		{"http://nacos.example/a", "http://other.example/b", true},
		{"http://nacos.example/a", "http://a.nacos.example/b", true},
		{"http://[::1]/a", "http://[::2]/b", true},
		{"http://[fe80::1%25a]/a", "http://[fe80::1%25b]/b", true},
	} {
		first := &http.Request{URL: address(t, c.from)}
		next := &http.Request{URL: address(t, c.to), Response: &http.Response{Request: first}}
		if leaves := leavesHost(next); leaves != c.leaves {
			t.Errorf("%s to %s: leaves its server: %t", c.from, c.to, leaves)
		}
	}
}

// As the library takes its list.
func TestServersInSeveralSpellings(t *testing.T) {
	known := serversOf("Nacos.example.:8848; https://safe.example:443, [0:0:0:0:0:0:0:1]:8848")
	for text, want := range map[string]bool{
		"http://nacos.example/":     true,
		"http://NACOS.example.:80/": true,
		"https://safe.example/":     true,
		"http://safe.example:443/":  false,
		"http://[::1]:8080/":        true,
		"http://[0::1]/":            true,
		"http://[::2]:8848/":        false,
		"http://other.example/":     false,
	} {
		if got := known.has(address(t, text)); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}

func address(t *testing.T, text string) *url.URL {
	t.Helper()
	parsed, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}
