// Package nacosotel gives the figures of clients to OpenTelemetry, through its API alone.
//
//	instruments, err := nacosotel.Instrument(otel.Meter("nacos_auth"), map[string]*nacosauth.Client{"orders": client})
package nacosotel

import (
	"context"
	"maps"
	"math"
	"strings"
	"sync"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Instruments are observable ones for all figures of docs/monitoring.md, read whenever the SDK collects. Any number of
// goroutines may use them.
type Instruments struct {
	mutex        sync.Mutex
	clients      map[string]*nacosauth.Client
	registration metric.Registration
}

// Instrument makes instruments of the meter for these clients, each under its name, which becomes the attribute "client". A single
// client may have the name "", and no attribute then. Clients that have been closed leave by themselves. Names have "nacos_auth."
// in front, and neither "_total" nor "_seconds" at their end, which exporters to Prometheus append. It closes nothing.
func Instrument(meter metric.Meter, clients map[string]*nacosauth.Client) (*Instruments, error) {
	if _, err := nacosauth.Metrics(clients); err != nil {
		return nil, err
	}
	text, err := nacosauth.Metrics(nil)
	if err != nil {
		return nil, err
	}
	there := map[string]metric.Float64Observable{}
	var all []metric.Observable
	for _, family := range families(text) {
		observable, err := family.make(meter)
		if err != nil {
			return nil, err
		}
		there[family.name] = observable
		all = append(all, observable)
	}
	instruments := &Instruments{clients: maps.Clone(clients)}
	instruments.registration, err = meter.RegisterCallback(func(_ context.Context, observer metric.Observer) error {
		instruments.mutex.Lock()
		clients := instruments.open()
		instruments.mutex.Unlock()
		text, err := nacosauth.Metrics(clients)
		if err != nil {
			return err
		}
		for sample := range samples(text) {
			if observable, known := there[sample.name]; known && !math.IsInf(sample.value, 0) {
				observer.ObserveFloat64(observable, sample.value, metric.WithAttributes(sample.labels...))
			}
		}
		return nil
	}, all...)
	if err != nil {
		return nil, err
	}
	return instruments, nil
}

// Add takes another client, in the place of one of that name.
func (i *Instruments) Add(name string, client *nacosauth.Client) error {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	clients := i.open()
	clients[name] = client
	if _, err := nacosauth.Metrics(clients); err != nil {
		return err
	}
	i.clients = clients
	return nil
}

// Remove forgets the client of that name, if there is one.
func (i *Instruments) Remove(name string) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	clients := maps.Clone(i.clients)
	delete(clients, name)
	i.clients = clients
}

// Unregister ends the readings.
func (i *Instruments) Unregister() error { return i.registration.Unregister() }

// open forgets the clients that have been closed, and returns a copy of the others. To be called under the mutex.
func (i *Instruments) open() map[string]*nacosauth.Client {
	clients := map[string]*nacosauth.Client{}
	for name, client := range i.clients {
		if health, err := client.Health(); err == nil && health.Cause() != nacosauth.CauseClosed {
			clients[name] = client
		}
	}
	i.clients = clients
	return maps.Clone(clients)
}

func (f family) make(meter metric.Meter) (metric.Float64Observable, error) {
	// Exporters to Prometheus append the unit and "_total" by themselves.
	name, unit := strings.TrimSuffix(strings.Replace(f.name, "nacos_auth_", "nacos_auth.", 1), "_total"), ""
	if bare, is := strings.CutSuffix(name, "_seconds"); is {
		name, unit = bare, "s"
	}
	if f.kind == "counter" {
		return meter.Float64ObservableCounter(name, metric.WithDescription(f.help), metric.WithUnit(unit))
	}
	return meter.Float64ObservableGauge(name, metric.WithDescription(f.help), metric.WithUnit(unit))
}

// attributes of a sample, from label="value",… with \\, \" and \n escaped.
func attributes(labels string) (found []attribute.KeyValue) {
	for labels != "" {
		name, rest, _ := strings.Cut(labels, `="`)
		var value strings.Builder
		at := 0
		for ; at < len(rest) && rest[at] != '"'; at++ {
			if rest[at] != '\\' || at+1 == len(rest) {
				value.WriteByte(rest[at])
				continue
			}
			at++
			if rest[at] == 'n' {
				value.WriteByte('\n')
			} else {
				value.WriteByte(rest[at])
			}
		}
		found = append(found, attribute.String(name, value.String()))
		labels = strings.TrimPrefix(rest[min(at+1, len(rest)):], ",")
	}
	return found
}
