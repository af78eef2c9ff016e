package nacosauth

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// servers are the hosts that the token is for, each with whether it has to be https. Any port of them will do, since Nacos 3 has
// its console on another one.
type servers map[string]bool

func serversOf(list string) servers {
	all := servers{}
	for _, server := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ';' }) {
		server = strings.TrimSpace(server)
		if !strings.Contains(server, "://") {
			server = "http://" + server
		}
		if address, err := url.Parse(server); err == nil {
			host := plainHost(address)
			all[host] = all[host] || strings.EqualFold(address.Scheme, "https")
		}
	}
	return all
}

// has tells whether a token may go there.
func (s servers) has(address *url.URL) bool {
	onlyTLS, known := s[plainHost(address)]
	return known && (address.Scheme == "https" || address.Scheme == "http" && !onlyTLS)
}

// plainHost spells alike what is the same host: in one case, without the dot at the end, and an IPv6 address in its short form.
func plainHost(address *url.URL) string {
	host := strings.ToLower(strings.TrimSuffix(address.Hostname(), "."))
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.String()
	}
	return host
}

// port is the one that a request goes to.
func port(address *url.URL) string {
	if port := address.Port(); port != "" {
		return port
	}
	if address.Scheme == "https" {
		return "443"
	}
	return "80"
}

// leavesHost tells whether the request follows a redirect away from the server it was first sent to, or off TLS.
func leavesHost(request *http.Request) bool {
	first := request
	for first.Response != nil && first.Response.Request != nil {
		first = first.Response.Request
	}
	return first != request && first.URL != nil && !isSameServer(first.URL, request.URL)
}

// isSameServer compares what is reached, since servers and gateways leave the default port out of a Location.
func isSameServer(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && plainHost(a) == plainHost(b) && port(a) == port(b)
}
