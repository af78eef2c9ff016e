package nacosotel

import (
	"iter"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// family is a metric of the text.
type family struct{ name, kind, help string }

// sample is a value of one.
type sample struct {
	name   string
	labels []attribute.KeyValue
	value  float64
}

// families of the library's own text, in which each has its help, then its type.
func families(text string) (found []family) {
	for line := range strings.Lines(text) {
		if rest, is := strings.CutPrefix(strings.TrimSpace(line), "# HELP "); is {
			name, help, _ := strings.Cut(rest, " ")
			found = append(found, family{name: name, help: help})
		}
		if rest, is := strings.CutPrefix(strings.TrimSpace(line), "# TYPE "); is && len(found) > 0 {
			_, found[len(found)-1].kind, _ = strings.Cut(rest, " ")
		}
	}
	return found
}

func samples(text string) iter.Seq[sample] {
	return func(yield func(sample) bool) {
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			at := strings.LastIndexByte(line, ' ')
			if line == "" || line[0] == '#' || at < 0 {
				continue
			}
			value, err := strconv.ParseFloat(line[at+1:], 64)
			if err != nil {
				continue
			}
			name, labels, _ := strings.Cut(line[:at], "{")
			if !yield(sample{name, attributes(strings.TrimSuffix(labels, "}")), value}) {
				return
			}
		}
	}
}
