package nacosauth_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

func TestPEM(t *testing.T) {
	server := httptest.NewUnstartedServer(loggingIn(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.TLS.PeerCertificates[0].Subject.String()+" "+r.TLS.ServerName)
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	defer server.Close()
	certificate := server.TLS.Certificates[0] // of example.com; serves as the client's, too
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	encoded := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
	options := func(o *nacosauth.Options) {
		o.CAPEM, o.ClientCertPEM, o.TLSServerName = encoded, encoded, "example.com"
		o.ClientKeyPEM = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	}
	address := "https://" + server.Listener.Addr().String()
	response := get(t, connectTo(t, address, options))
	if want := server.Certificate().Subject.String() + " example.com"; string(response.Body) != want {
		t.Errorf("%q, want %q", response.Body, want)
	}

	for name, test := range map[string]struct {
		change func(*nacosauth.Options)
		want   nacosauth.Cause
	}{
		"another name":   {func(o *nacosauth.Options) { o.TLSServerName = "elsewhere.example" }, nacosauth.CauseCertificateName},
		"no certificate": {func(o *nacosauth.Options) { o.ClientCertPEM, o.ClientKeyPEM = nil, nil }, nacosauth.CauseClientCertificate},
		"no authority":   {func(o *nacosauth.Options) { o.CAPEM = nil }, nacosauth.CauseUntrustedCertificate},
	} {
		_, err := connectTo(t, address, options, test.change).Token(background)
		if detail := details(t, err); detail.Status != nacosauth.ErrTLS || detail.Cause != test.want {
			t.Errorf("%s: %+v", name, detail)
		}
	}
}

func TestUserAgent(t *testing.T) {
	var agents atomic.Pointer[[]string]
	agents.Store(&[]string{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := append(*agents.Load(), r.UserAgent())
		agents.Store(&seen)
		loggingIn(func(w http.ResponseWriter, r *http.Request) {})(w, r)
	}))
	defer server.Close()
	get(t, connectTo(t, server.Listener.Addr().String(), func(o *nacosauth.Options) { o.UserAgent = "ordering/2.1" }))
	if got := strings.Join(*agents.Load(), " "); got != "ordering/2.1 ordering/2.1" {
		t.Error(got)
	}
	agents.Store(&[]string{})
	get(t, connectTo(t, server.Listener.Addr().String()))
	if want := "nacos-auth/" + nacosauth.Version(); strings.Join(*agents.Load(), " ") != want+" "+want {
		t.Error(*agents.Load())
	}
}

func TestMaxResponseSize(t *testing.T) {
	address := nacos(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("x", 5000)) })
	get(t, connectTo(t, address, func(o *nacosauth.Options) { o.MaxResponseSize = 5000 }))
	_, err := connectTo(t, address, func(o *nacosauth.Options) { o.MaxResponseSize = 4999 }).Get(background, "/v1", nil)
	wantError(t, err, nacosauth.ErrTooLarge)
	if detail := details(t, err); detail.Cause != nacosauth.CauseAnswerTooLarge || detail.Server != address || !detail.WasSent {
		t.Errorf("%+v", detail)
	}
}
