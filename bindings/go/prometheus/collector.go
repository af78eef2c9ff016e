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

// Describe sends all figures there are, whatever the clients: a registry that has one twice has two collectors. Their labels are
// left out, which those of the clients decide; a registry knows a figure by its name.
func (c *Collector) Describe(descriptions chan<- *prometheus.Desc) {
	text, err := nacosauth.Metrics(nil)
	if err != nil {
		descriptions <- prometheus.NewInvalidDesc(err)
		return
	}
	for line := range strings.Lines(text) {
		if head, is := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "# HELP "); is {
			name, help, _ := strings.Cut(head, " ")
			descriptions <- prometheus.NewDesc(name, help, nil, nil)
		}
	}
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
	for name, family := range families {
		for _, metric := range family.GetMetric() {
			metrics <- constMetric(name, family, metric)
		}
	}
}

func constMetric(name string, family *dto.MetricFamily, metric *dto.Metric) prometheus.Metric {
	kind, value := prometheus.GaugeValue, metric.GetGauge().GetValue()
	if family.GetType() == dto.MetricType_COUNTER {
		kind, value = prometheus.CounterValue, metric.GetCounter().GetValue()
	}
	labels, values := make([]string, len(metric.GetLabel())), make([]string, len(metric.GetLabel()))
	for i, label := range metric.GetLabel() {
		labels[i], values[i] = label.GetName(), label.GetValue()
	}
	return prometheus.MustNewConstMetric(prometheus.NewDesc(name, family.GetHelp(), labels, nil), kind, value, values...)
}

func read(clients map[string]*nacosauth.Client) (map[string]*dto.MetricFamily, error) {
	text, err := nacosauth.Metrics(clients)
	if err != nil {
		return nil, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(strings.NewReader(text))
}
