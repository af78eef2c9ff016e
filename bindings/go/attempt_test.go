package nacosauth_test

import (
	"context"
	"net/http"
	"testing"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
	"github.com/nacos-auth/nacos-auth/bindings/go/internal/situations"
)

func TestSituationsOfTransport(t *testing.T) {
	situations.Run(t, "transport", func(_ context.Context, client *nacosauth.Client, base http.RoundTripper) http.RoundTripper {
		return &nacosauth.Transport{Client: client, Base: base}
	})
}

func TestSituationsOfDo(t *testing.T) { situations.Run(t, "do", nil) }

func TestNoCellOfTheTableIsEmpty(t *testing.T) {
	names := map[string]bool{}
	for _, s := range situations.All() {
		if names[s.Name] {
			t.Errorf("%s: twice", s.Name)
		}
		names[s.Name] = true
		for i, cell := range s.Cells {
			if cell == "" {
				t.Errorf("%s, %s: nobody knows", s.Name, situations.Ways[i])
			}
		}
	}
}
