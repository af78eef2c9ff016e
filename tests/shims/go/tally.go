package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"
)

// many does one command many times, in goroutines or in a row.
func (s *shim) many(c *command) (answer, error) {
	if c.Threads < 0 || c.Each < 0 {
		return nil, errors.New("threads and each must not be negative")
	}
	inner, err := parse(c.Do)
	if err != nil {
		return nil, err
	}
	switch inner.Op {
	case "parallel", "loop":
		return nil, fmt.Errorf("%s inside another", inner.Op)
	case "init", "free":
		return nil, fmt.Errorf("%s many times", inner.Op) // the table of handles belongs to one goroutine
	case "hello":
	default:
		if _, err := s.client(inner); err != nil {
			return nil, err
		}
	}
	t := &tally{errors: map[string]int{}, http: map[string]int{}, generations: map[uint64]bool{}}
	once := func() {
		start := time.Now()
		fields, generation, err := s.do(inner)
		t.add(time.Since(start), fields, generation, err)
	}
	if c.Op == "loop" {
		start := time.Now()
		for due := start; time.Since(start) < milliseconds(c.DurationMS); time.Sleep(time.Until(due)) {
			once()
			due = due.Add(milliseconds(c.IntervalMS))
		}
		return t.summary(), nil
	}
	var all sync.WaitGroup
	for range c.Threads {
		all.Add(1)
		go func() {
			defer all.Done()
			for range c.Each {
				once()
			}
		}()
	}
	all.Wait()
	return t.summary(), nil
}

// tally counts what many calls gave.
type tally struct {
	lock        sync.Mutex
	ok          int
	errors      map[string]int
	http        map[string]int
	generations map[uint64]bool
	times       []float64 // milliseconds
}

func (t *tally) add(took time.Duration, fields answer, generation uint64, err error) {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.times = append(t.times, float64(took.Microseconds())/1000)
	if err != nil {
		t.errors[failed(err)["status"].(string)]++
		return
	}
	t.ok++
	if status, answered := fields["http_status"]; answered {
		t.http[strconv.Itoa(status.(int))]++
	}
	if generation != 0 {
		t.generations[generation] = true
	}
}

func (t *tally) summary() answer {
	slices.Sort(t.times)
	return answer{
		"ok":          t.ok,
		"errors":      t.errors,
		"http":        t.http,
		"generations": len(t.generations),
		"max_ms":      t.percentile(100),
		"p50_ms":      t.percentile(50),
		"p99_ms":      t.percentile(99),
	}
}

// percentile takes the nearest rank.
func (t *tally) percentile(percent float64) float64 {
	if len(t.times) == 0 {
		return 0
	}
	return t.times[int(math.Ceil(float64(len(t.times))*percent/100))-1]
}
