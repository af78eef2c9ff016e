package nacosauth_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

// health of a client whose functions work.
func health(t *testing.T, client *nacosauth.Client) nacosauth.Health {
	t.Helper()
	found, err := client.Health()
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// becomes waits until a probe sees the status.
func becomes(t *testing.T, client *nacosauth.Client, status nacosauth.HealthStatus) nacosauth.Health {
	t.Helper()
	eventually(t, "the client is "+status.String(), func() bool {
		client.TryToken()
		return health(t, client).Status == status
	})
	return health(t, client)
}

// Health.Err is one where nothing is wrong, and a program that asks what it is finds that it is nothing.
func TestNoError(t *testing.T) {
	none := nacosauth.Health{}.Err
	for _, target := range []error{nacosauth.ErrTimeout, nacosauth.Status(0), context.Canceled} {
		if errors.Is(none, target) {
			t.Errorf("nil is %v", target)
		}
	}
	if none.Timeout() || none.Temporary() || errors.Unwrap(none) != nil || none.Error() != "<nil>" {
		t.Error(none)
	}
}

func TestHealth(t *testing.T) {
	server := start(t)
	client := server.connect(t)
	if found := health(t, client); found != (nacosauth.Health{}) || found.Ready() || found.Cause() != "" {
		t.Errorf("%+v before the first login", found)
	}
	found := becomes(t, client, nacosauth.HealthOK)
	if !found.Ready() || found.Err != nil || found.Remaining <= 0 || found.Token != nacosauth.TokenFresh {
		t.Errorf("%+v", found)
	}
	if err := client.SetCredentials("nacos", "s3cret-and-wrong"); err != nil {
		t.Fatal(err)
	}
	found = becomes(t, client, nacosauth.HealthDegraded)
	if !found.Ready() || found.Cause() != nacosauth.CauseWrongCredentials || found.FailingFor <= 0 || found.RetryIn <= 0 {
		t.Errorf("%+v", found)
	}
	if !errors.Is(found.Err, nacosauth.ErrBadCredentials) || found.Err.Server != server.Address {
		t.Error(found.Err)
	}
	if strings.Contains(found.Err.Error(), "s3cret") {
		t.Error(found.Err)
	}
	if err := client.SetCredentials("nobody", "wrong"); err != nil {
		t.Fatal(err)
	}
	if found = becomes(t, client, nacosauth.HealthDown); found.Ready() || !errors.Is(found.Err, nacosauth.ErrBadCredentials) {
		t.Errorf("%+v", found)
	}
	client.Close()
	if found = health(t, client); found.Status != nacosauth.HealthDown || found.Cause() != nacosauth.CauseClosed {
		t.Errorf("%+v", found)
	}
}

func TestHealthStatusNames(t *testing.T) {
	for status, name := range map[nacosauth.HealthStatus]string{nacosauth.HealthUnknown: "unknown", nacosauth.HealthOK: "ok",
		nacosauth.HealthDegraded: "degraded", nacosauth.HealthDown: "down", 77: "health 77"} {
		if status.String() != name {
			t.Errorf("%d is %q, want %q", int32(status), status, name)
		}
	}
}

func TestMetrics(t *testing.T) {
	server := start(t)
	client, other := server.connect(t), server.connect(t)
	if _, err := client.Token(background); err != nil {
		t.Fatal(err)
	}
	text, err := client.Metrics()
	if err != nil || !strings.Contains(text, "\nnacos_auth_health{status=\"ok\"} 1\n") {
		t.Errorf("%v: %s", err, text)
	}
	other.Close()
	text, err = nacosauth.Metrics(map[string]*nacosauth.Client{"a\"b\\\n": client, "ü": other})
	for _, sample := range []string{
		`nacos_auth_health{client="a\"b\\\n",status="ok"} 1`,
		`nacos_auth_health_cause{client="ü",cause="closed"} 1`,
	} {
		if err != nil || !strings.Contains(text, "\n"+sample+"\n") {
			t.Errorf("%v: no %s in %s", err, sample, text)
		}
	}
	if text, err = nacosauth.Metrics(nil); err != nil || !strings.Contains(text, "nacos_auth_build_info{version=") {
		t.Errorf("%v: %s", err, text)
	}
	for _, wrong := range []map[string]*nacosauth.Client{{"": client, "a": client}, {"a\x00": client}, {"a": nil}, {"\xff": client}} {
		if text, err = nacosauth.Metrics(wrong); err == nil || text != "" {
			t.Errorf("%v: %s", err, text)
		}
	}
	if !strings.HasPrefix(nacosauth.MetricsContentType, "text/plain; version=0.0.4") {
		t.Error(nacosauth.MetricsContentType)
	}
}
