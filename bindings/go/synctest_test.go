//go:build go1.25

package nacosauth_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

// What the package makes in a bubble others may have to use later: of a channel of the bubble's the runtime ends the program.
func TestBubble(t *testing.T) {
	address := nacos(t, func(w http.ResponseWriter, _ *http.Request) { time.Sleep(100 * time.Millisecond) })
	outside := connectTo(t, address)
	many := func(client *nacosauth.Client) {
		errs := together(30, func() error {
			_, err := client.Get(background, "/v1/cs/configs", config)
			return err
		})
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
	}
	for range 2 {
		synctest.Test(t, func(t *testing.T) {
			many(outside)
			inside := connectTo(t, address, func(o *nacosauth.Options) { o.Username = "other" })
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if _, err := inside.TokenInfo(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	many(outside)
	// At the same time as well: either may read for the other what has ended.
	var both sync.WaitGroup
	both.Add(1)
	go func() {
		defer both.Done()
		many(outside)
	}()
	synctest.Test(t, func(*testing.T) { many(outside) })
	both.Wait()
}
