package nacosauth_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

const demoPath = "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP"

// examine diagnoses the server. Each change edits the options.
func (s server) examine(t *testing.T, asked nacosauth.DiagnoseOptions, changes ...func(*nacosauth.Options)) *nacosauth.Diagnosis {
	t.Helper()
	options := nacosauth.Options{ServerAddr: s.Address, Username: "nacos", Password: "nacos"}
	for _, change := range changes {
		change(&options)
	}
	diagnosis, err := nacosauth.Diagnose(background, options, asked)
	if err != nil {
		t.Fatal(err)
	}
	return diagnosis
}

// wantCause fails unless this is the one cause of what is bad.
func wantCause(t *testing.T, diagnosis *nacosauth.Diagnosis, want nacosauth.Cause) {
	t.Helper()
	found := false
	for _, finding := range diagnosis.Findings {
		if finding.Severity < nacosauth.SeverityWarning {
			continue
		}
		if finding.Cause != want {
			t.Errorf("%s, want %s: %s", finding.Cause, want, finding.Seen)
		}
		found = true
	}
	if !found || diagnosis.Severity != nacosauth.SeverityError {
		t.Errorf("%s, and no %s in %s", diagnosis.Severity, want, diagnosis.Text)
	}
}

func TestDiagnoseHealthy(t *testing.T) {
	diagnosis := start(t).examine(t, nacosauth.DiagnoseOptions{Path: demoPath})
	last := diagnosis.Findings[len(diagnosis.Findings)-1]
	if diagnosis.Severity > nacosauth.SeverityInformation || last.Cause != nacosauth.CauseHealthy || last.Server != "" {
		t.Error(diagnosis.Text)
	}
	var told struct {
		Severity string
		Findings []struct{ Severity, Cause, Server, Seen, Means, Cure string }
	}
	if err := json.Unmarshal([]byte(diagnosis.JSON), &told); err != nil {
		t.Fatal(err)
	}
	if told.Severity != diagnosis.Severity.String() || len(told.Findings) != len(diagnosis.Findings) {
		t.Error(diagnosis.JSON)
	}
	for i, finding := range diagnosis.Findings {
		same := nacosauth.Finding{Severity: finding.Severity, Cause: nacosauth.Cause(told.Findings[i].Cause),
			Server: told.Findings[i].Server, Seen: told.Findings[i].Seen, Means: told.Findings[i].Means, Cure: told.Findings[i].Cure}
		if same != finding || told.Findings[i].Severity != finding.Severity.String() {
			t.Errorf("%+v, %+v", finding, told.Findings[i])
		}
		if words := strings.Fields(finding.Seen); len(words) == 0 || !strings.Contains(diagnosis.Text, words[0]) {
			t.Errorf("%q is not in %s", finding.Seen, diagnosis.Text)
		}
	}
}

func TestDiagnoseWrongPassword(t *testing.T) {
	server := start(t)
	diagnosis := server.examine(t, nacosauth.DiagnoseOptions{}, func(o *nacosauth.Options) { o.Password = "s3cret" })
	wantCause(t, diagnosis, nacosauth.CauseWrongCredentials)
	if strings.Contains(fmt.Sprintf("%+v", diagnosis), "s3cret") {
		t.Error("it shows the password")
	}
	if failures := server.counts(t).LoginFailures; failures > 2 {
		t.Error(failures, "logins")
	}
}

func TestDiagnoseExpiredToken(t *testing.T) {
	encode := base64.RawURLEncoding.EncodeToString
	token := encode([]byte(`{"alg":"HS256"}`)) + "." + encode([]byte(`{"sub":"nacos","exp":1700000000}`)) + "." + strings.Repeat("A", 43)
	asked := nacosauth.DiagnoseOptions{Token: token}
	diagnosis := start(t).examine(t, asked)
	wantCause(t, diagnosis, nacosauth.CauseTokenExpired)
	asked.Path = "/a?secret=s3cret"
	for _, shown := range []any{diagnosis, asked, &asked} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			if text := fmt.Sprintf(verb, shown); strings.Contains(text, token) || strings.Contains(text, "s3cret") {
				t.Error(verb, "shows a secret:", text)
			}
		}
	}
	if text, err := json.Marshal(asked); err != nil || strings.Contains(string(text), token) || strings.Contains(string(text), "s3cret") {
		t.Error(string(text), err)
	}
}

func TestDiagnosePermissionMissing(t *testing.T) {
	server := start(t)
	server.post(t, "/user", fields{"username": "reader", "password": "a", "permitted": false})
	reader := func(o *nacosauth.Options) { o.Username, o.Password = "reader", "a" }
	wantCause(t, server.examine(t, nacosauth.DiagnoseOptions{Method: http.MethodGet, Path: demoPath}, reader), nacosauth.CausePermissionMissing)
}

func TestDiagnoseSendsNoWritesUnlessTold(t *testing.T) {
	server := start(t)
	client := server.connect(t)
	doomed := url.Values{"dataId": {"doomed"}, "group": {"DEFAULT_GROUP"}}
	if _, err := client.Post(background, "/v1/cs/configs", url.Values{"dataId": {"doomed"}, "group": {"DEFAULT_GROUP"}, "content": {"x"}}); err != nil {
		t.Fatal(err)
	}
	asked := nacosauth.DiagnoseOptions{Method: http.MethodDelete, Path: "/v1/cs/configs?" + doomed.Encode()}
	for _, want := range []int{http.StatusOK, http.StatusNotFound} {
		diagnosis := server.examine(t, asked)
		if response, err := client.Get(background, "/v1/cs/configs", doomed); err != nil || response.StatusCode != want {
			t.Errorf("%+v, %v, want %d: %s", response, err, want, diagnosis.Text)
		}
		asked.SendWrites = true
	}
}

func TestDiagnoseWhereNobodyListens(t *testing.T) {
	diagnosis, err := nacosauth.Diagnose(background, nacosauth.Options{ServerAddr: "127.0.0.1:1", Username: "nacos", Password: "nacos"},
		nacosauth.DiagnoseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	wantCause(t, diagnosis, nacosauth.CauseConnectionRefused)
}

func TestDiagnoseMisused(t *testing.T) {
	good := nacosauth.Options{ServerAddr: "127.0.0.1:1", Username: "nacos", Password: "nacos"}
	changed := func(change func(*nacosauth.Options)) nacosauth.Options {
		options := good
		change(&options)
		return options
	}
	for _, test := range []struct {
		options nacosauth.Options
		asked   nacosauth.DiagnoseOptions
		want    nacosauth.Status
	}{
		{nacosauth.Options{}, nacosauth.DiagnoseOptions{}, nacosauth.ErrInvalidConfig},
		{changed(func(o *nacosauth.Options) { o.Password = "" }), nacosauth.DiagnoseOptions{}, nacosauth.ErrInvalidConfig},
		{changed(func(o *nacosauth.Options) { o.ConnectTimeout = -1 }), nacosauth.DiagnoseOptions{}, nacosauth.ErrInvalidConfig},
		{changed(func(o *nacosauth.Options) { o.Proxy = "a\x00" }), nacosauth.DiagnoseOptions{}, nacosauth.ErrInvalidArgument},
		{changed(func(o *nacosauth.Options) { o.CAFile = "/nowhere" }), nacosauth.DiagnoseOptions{}, nacosauth.ErrInvalidConfig},
		{good, nacosauth.DiagnoseOptions{Method: "GET"}, nacosauth.ErrInvalidArgument},
		{good, nacosauth.DiagnoseOptions{Path: "/.."}, nacosauth.ErrInvalidArgument},
		{good, nacosauth.DiagnoseOptions{Path: "/a\x00"}, nacosauth.ErrInvalidArgument},
		{good, nacosauth.DiagnoseOptions{Token: "a b"}, nacosauth.ErrInvalidArgument},
		{good, nacosauth.DiagnoseOptions{Token: "\xff"}, nacosauth.ErrInvalidUTF8},
	} {
		_, err := nacosauth.Diagnose(background, test.options, test.asked)
		if !errors.Is(err, test.want) {
			t.Errorf("%v, want %v", err, test.want)
		}
	}
	var none context.Context
	_, err := nacosauth.Diagnose(none, good, nacosauth.DiagnoseOptions{})
	wantError(t, err, nacosauth.ErrInvalidArgument)
	ended, cancel := context.WithCancel(background)
	cancel()
	_, err = nacosauth.Diagnose(ended, good, nacosauth.DiagnoseOptions{})
	wantError(t, err, nacosauth.ErrCancelled, context.Canceled)
}

func TestDiagnoseEndsWithItsContext(t *testing.T) {
	server := start(t)
	server.post(t, "/faults", fields{"on": "all", "kind": "hang", "times": 0})
	options := nacosauth.Options{ServerAddr: server.Address, Username: "nacos", Password: "nacos"}
	began := time.Now()
	limited, stop := context.WithTimeout(background, 300*time.Millisecond)
	defer stop()
	diagnosis, err := nacosauth.Diagnose(limited, options, nacosauth.DiagnoseOptions{})
	if err != nil {
		t.Fatal(err) // what has been found by the deadline is worth more than that it has passed
	}
	wantCause(t, diagnosis, nacosauth.CauseNoAnswer)

	reason := errors.New("enough")
	for _, deadline := range []time.Duration{0, time.Hour} {
		ctx, cancel := context.WithCancelCause(background)
		if deadline > 0 {
			var stop context.CancelFunc
			ctx, stop = context.WithTimeout(ctx, deadline)
			defer stop()
		}
		time.AfterFunc(100*time.Millisecond, func() { cancel(reason) })
		_, err = nacosauth.Diagnose(ctx, options, nacosauth.DiagnoseOptions{})
		wantError(t, err, nacosauth.ErrCancelled, context.Canceled, reason)
	}
	if took := time.Since(began); took > prompt {
		t.Errorf("it took %s", took)
	}
}

func TestDiagnoseAsksForCredentialsAlone(t *testing.T) {
	server := start(t)
	type key struct{}
	ctx := context.WithValue(background, key{}, "of the caller")
	asked := 0
	options := nacosauth.Options{ServerAddr: server.Address,
		OnEvent: func(event nacosauth.Event) { t.Error(event.Message) },
		Credentials: func(ctx context.Context) (nacosauth.Credentials, error) {
			asked++
			if ctx.Value(key{}) == nil {
				t.Error("another context")
			}
			return nacosauth.Credentials{Username: "nacos", Password: "nacos"}, nil
		}}
	if diagnosis, err := nacosauth.Diagnose(ctx, options, nacosauth.DiagnoseOptions{}); err != nil || diagnosis.Severity > nacosauth.SeverityInformation {
		t.Errorf("%+v, %v", diagnosis, err)
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	for what, function := range map[string]func(context.Context) (nacosauth.Credentials, error){
		"the vault is locked": func(context.Context) (nacosauth.Credentials, error) {
			return nacosauth.Credentials{}, errors.New("the vault is locked")
		},
		"panicked": func(context.Context) (nacosauth.Credentials, error) { panic("no vault") },
	} {
		options.Credentials = function
		diagnosis, err := nacosauth.Diagnose(ctx, options, nacosauth.DiagnoseOptions{})
		if err != nil {
			t.Fatal(err)
		}
		wantCause(t, diagnosis, nacosauth.CauseCredentialsCallback)
		if !strings.Contains(diagnosis.Text, what) {
			t.Error(diagnosis.Text)
		}
	}
	// One that waits for its context ends with it.
	limited, cancel := context.WithCancel(background)
	options.Credentials = func(ctx context.Context) (nacosauth.Credentials, error) {
		cancel()
		<-ctx.Done()
		return nacosauth.Credentials{}, ctx.Err()
	}
	_, err := nacosauth.Diagnose(limited, options, nacosauth.DiagnoseOptions{})
	wantError(t, err, nacosauth.ErrCancelled, context.Canceled)
}

func TestDiagnoseManyAtOnce(t *testing.T) {
	server := start(t)
	var group sync.WaitGroup
	for range 20 {
		group.Add(1)
		go func() {
			defer group.Done()
			diagnosis, err := nacosauth.Diagnose(background,
				nacosauth.Options{ServerAddr: server.Address, Username: "nacos", Password: "nacos"}, nacosauth.DiagnoseOptions{})
			if err != nil || diagnosis.Severity > nacosauth.SeverityInformation {
				t.Errorf("%+v, %v", diagnosis, err)
			}
		}()
	}
	group.Wait()
}

func TestDiagnoseWaitsForItsTurn(t *testing.T) {
	server := start(t)
	server.post(t, "/faults", fields{"on": "all", "kind": "hang", "times": 0})
	options := nacosauth.Options{ServerAddr: server.Address, Username: "nacos", Password: "nacos"}
	busy, end := context.WithCancel(background)
	var group sync.WaitGroup
	for range 64 {
		group.Add(1)
		go func() {
			defer group.Done()
			_, err := nacosauth.Diagnose(busy, options, nacosauth.DiagnoseOptions{})
			if busy.Err() != nil {
				wantError(t, err, nacosauth.ErrCancelled)
			}
		}()
	}
	eventually(t, "an examination has to wait", func() bool {
		limited, stop := context.WithTimeout(background, 50*time.Millisecond)
		defer stop()
		_, err := nacosauth.Diagnose(limited, options, nacosauth.DiagnoseOptions{})
		return errors.Is(err, nacosauth.ErrTimeout) && errors.Is(err, context.DeadlineExceeded)
	})
	end()
	group.Wait()
	if _, err := nacosauth.Diagnose(background, nacosauth.Options{ServerAddr: "127.0.0.1:1", Username: "nacos", Password: "nacos"}, nacosauth.DiagnoseOptions{}); err != nil {
		t.Error(err)
	}
}

func TestSeverityNames(t *testing.T) {
	for severity, want := range map[nacosauth.Severity]string{
		nacosauth.SeverityOK: "ok", nacosauth.SeverityInformation: "information", nacosauth.SeverityWarning: "warning",
		nacosauth.SeverityError: "error", 9: "severity 9",
	} {
		if severity.String() != want {
			t.Errorf("%s, want %s", severity, want)
		}
	}
}
