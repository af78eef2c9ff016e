package nacosotel_test

import (
	"context"
	"strconv"
	"sync"
	"testing"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
	"github.com/nacos-auth/nacos-auth/bindings/go/internal/devserver"
	nacosotel "github.com/nacos-auth/nacos-auth/bindings/go/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

const odd = "a \"name\",\\ of=\"}\ntwo lines"

type key struct{ metric, client, result string }

func TestInstrument(t *testing.T) {
	server, err := devserver.Launch()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	clients := map[string]*nacosauth.Client{}
	for name, user := range map[string]string{odd: "nacos", "other": "poor"} {
		client, err := nacosauth.New(nacosauth.Options{ServerAddr: server.Address, Username: user, Password: user})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close() })
		clients[name] = client
	}
	if _, err := clients[odd].Token(context.Background()); err != nil {
		t.Fatal(err)
	}
	reader := metric.NewManualReader()
	meter := metric.NewMeterProvider(metric.WithReader(reader)).Meter("test")
	instruments, err := nacosotel.Instrument(meter, clients)
	if err != nil {
		t.Fatal(err)
	}
	figures := func() map[key]float64 {
		var data metricdata.ResourceMetrics
		if err := reader.Collect(context.Background(), &data); err != nil {
			t.Fatal(err)
		}
		found := map[key]float64{}
		note := func(name string, points []metricdata.DataPoint[float64]) {
			for _, point := range points {
				client, _ := point.Attributes.Value(attribute.Key("client"))
				result, _ := point.Attributes.Value(attribute.Key("result"))
				at := key{name, client.AsString(), result.AsString()}
				found[at] = max(found[at], point.Value)
			}
		}
		for _, scope := range data.ScopeMetrics {
			for _, m := range scope.Metrics {
				switch values := m.Data.(type) {
				case metricdata.Sum[float64]:
					note(m.Name, values.DataPoints)
				case metricdata.Gauge[float64]:
					note(m.Name, values.DataPoints)
				}
			}
		}
		return found
	}
	seen := figures()
	if seen[key{"nacos_auth.logins", odd, "success"}] != 1 || seen[key{"nacos_auth.token_seconds_remaining", odd, ""}] <= 0 {
		t.Errorf("%v", seen)
	}
	if _, there := seen[key{"nacos_auth.requests", "other", ""}]; !there {
		t.Errorf("%v", seen)
	}
	clients["other"].Close()
	if _, there := figures()[key{"nacos_auth.requests", "other", ""}]; there {
		t.Error("a closed client has figures")
	}
	instruments.Remove(odd)
	if _, there := figures()[key{"nacos_auth.requests", odd, ""}]; there {
		t.Error("a client that was taken away has figures")
	}
	if err := instruments.Add("again", clients[odd]); err != nil {
		t.Fatal(err)
	}
	if figures()[key{"nacos_auth.logins", "again", "success"}] != 1 {
		t.Error(figures())
	}
	if instruments.Add("", clients[odd]) == nil {
		t.Error("a client without a name beside another")
	}
	if err := instruments.Unregister(); err != nil || len(figures()) > 0 {
		t.Error(err, figures())
	}
	if _, err := nacosotel.Instrument(meter, map[string]*nacosauth.Client{"a": nil}); err == nil {
		t.Error("no client")
	}
}

func TestAddAtTheSameTime(t *testing.T) {
	client, err := nacosauth.New(nacosauth.Options{ServerAddr: "127.0.0.1:1", Token: "t"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	reader := metric.NewManualReader()
	instruments, err := nacosotel.Instrument(metric.NewMeterProvider(metric.WithReader(reader)).Meter("test"), nil)
	if err != nil {
		t.Fatal(err)
	}
	const many = 64
	var all sync.WaitGroup
	for i := range many {
		all.Add(1)
		go func() {
			defer all.Done()
			if err := instruments.Add(strconv.Itoa(i), client); err != nil {
				t.Error(err)
			}
			instruments.Remove("nobody")
		}()
	}
	all.Wait()
	var data metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &data); err != nil {
		t.Fatal(err)
	}
	for _, figure := range data.ScopeMetrics[0].Metrics {
		if figure.Name != "nacos_auth.token_generation" {
			continue
		}
		if found := len(figure.Data.(metricdata.Gauge[float64]).DataPoints); found != many {
			t.Errorf("%d of %d clients are left", found, many)
		}
		return
	}
	t.Error("no figures")
}
