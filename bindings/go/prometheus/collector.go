// Package nacosprometheus gives the figures of clients to a Prometheus registry.
//
//	collector, err := nacosprometheus.NewCollector(map[string]*nacosauth.Client{"orders": client})
//	...
//	prometheus.MustRegister(collector)
package nacosprometheus

import (
	"maps"
	"strings"
	"sync"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Collector has the figures of clients, read whenever the registry gathers; docs/monitoring.md lists them. One has all clients
// of a program. Those that have been closed leave by themselves. It closes nothing. Any number of goroutines may use it.
type Collector struct {
	mutex   sync.Mutex
	clients map[string]*nacosauth.Client
}

var _ prometheus.Collector = (*Collector)(nil)

// NewCollector makes a collector of these clients, each under its name, which becomes the label "client". A single client may
// have the name "", and no label then.
func NewCollector(clients map[string]*nacosauth.Client) (*Collector, error) {
	if _, err := read(clients); err != nil {
		return nil, err
	}
	return &Collector{clients: maps.Clone(clients)}, nil
}

// Add takes another client, in the place of one of that name.
func (c *Collector) Add(name string, client *nacosauth.Client) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	clients := c.open()
	clients[name] = client
	if _, err := read(clients); err != nil {
		return err
	}
	c.clients = clients
	return nil
}

// Remove forgets the client of that name, if there is one.
func (c *Collector) Remove(name string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	delete(c.clients, name)
}

// open are the clients that have not been closed.
func (c *Collector) open() map[string]*nacosauth.Client {
	clients := make(map[string]*nacosauth.Client, len(c.clients))
	for name, client := range c.clients {
		if health, err := client.Health(); err == nil && health.Cause() != nacosauth.CauseClosed {
			clients[name] = client
		}
	}
	return clients
}

// Describe sends what is the library's own: a registry that has it twice has two collectors.
func (c *Collector) Describe(descriptions chan<- *prometheus.Desc) {
	families, err := read(nil)
	if err != nil {
		descriptions <- prometheus.NewInvalidDesc(err)
		return
	}
	send(families, func(desc *prometheus.Desc, _ *dto.MetricFamily, _ *dto.Metric) { descriptions <- desc })
}

// Collect sends the figures as they are now.
func (c *Collector) Collect(metrics chan<- prometheus.Metric) {
	c.mutex.Lock()
	c.clients = c.open()
	families, err := read(c.clients)
	c.mutex.Unlock()
	if err != nil {
		metrics <- prometheus.NewInvalidMetric(prometheus.NewInvalidDesc(err), err)
		return
	}
	send(families, func(desc *prometheus.Desc, family *dto.MetricFamily, metric *dto.Metric) {
		kind, value := prometheus.GaugeValue, metric.GetGauge().GetValue()
		if family.GetType() == dto.MetricType_COUNTER {
			kind, value = prometheus.CounterValue, metric.GetCounter().GetValue()
		}
		values := make([]string, len(metric.GetLabel()))
		for i, label := range metric.GetLabel() {
			values[i] = label.GetValue()
		}
		metrics <- prometheus.MustNewConstMetric(desc, kind, value, values...)
	})
}

func send(families map[string]*dto.MetricFamily, each func(*prometheus.Desc, *dto.MetricFamily, *dto.Metric)) {
	for name, family := range families {
		for _, metric := range family.GetMetric() {
			labels := make([]string, len(metric.GetLabel()))
			for i, label := range metric.GetLabel() {
				labels[i] = label.GetName()
			}
			each(prometheus.NewDesc(name, family.GetHelp(), labels, nil), family, metric)
		}
	}
}

func read(clients map[string]*nacosauth.Client) (map[string]*dto.MetricFamily, error) {
	text, err := nacosauth.Metrics(clients)
	if err != nil {
		return nil, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(strings.NewReader(text))
}
