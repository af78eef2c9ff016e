package main

import (
	"encoding/json"
	"fmt"
	"log"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A contender does something over and over: one request, or so many gets.
type contender struct {
	name string
	call func() error
	each int // how many a call does
}

// A figure is what one round gave.
type figure struct {
	done, allocations float64
	seconds, cpu      float64
}

var measures = map[string]func(figure) float64{
	"requests/s":  func(f figure) float64 { return f.done / f.seconds },
	"CPU µs":      func(f figure) float64 { return f.cpu * 1e6 / f.done },
	"ns":          func(f figure) float64 { return f.cpu * 1e9 / f.done },
	"allocations": func(f figure) float64 { return math.Round(f.allocations / f.done) },
}

// takeTurns gives each contender a fraction of a second, in an order that shifts, as benches/c/turns.c does, and prints a line
// of JSON for each.
func takeTurns(part, name string, goroutines int, contenders []contender, wanted ...string) {
	rounds, length := setting("ROUNDS", 15), time.Duration(setting("ROUND_MS", 350))*time.Millisecond
	seen := make([][]figure, len(contenders))
	for round := range rounds + 1 {
		for step := range contenders {
			i := (round + step) % len(contenders)
			f := turn(contenders[i], goroutines, length)
			if round > 0 { // the first warmed up
				seen[i] = append(seen[i], f)
			}
		}
	}
	for i, c := range contenders {
		var columns []column
		for _, measure := range wanted {
			var rounds []float64
			for _, f := range seen[i] {
				rounds = append(rounds, measures[measure](f))
			}
			columns = append(columns, column{measure, rounds})
		}
		printRow(part, name, c.name, columns)
	}
}

func turn(c contender, goroutines int, length time.Duration) figure {
	var (
		done  atomic.Int64
		all   sync.WaitGroup
		stats runtime.MemStats
	)
	runtime.ReadMemStats(&stats)
	before, cpu, began := stats.Mallocs, cpuSeconds(), time.Now()
	for range goroutines {
		all.Add(1)
		go func() {
			defer all.Done()
			n := 0
			for time.Since(began) < length {
				if err := c.call(); err != nil {
					log.Fatal(err)
				}
				n += c.each
			}
			done.Add(int64(n))
		}()
	}
	all.Wait()
	f := figure{done: float64(done.Load()), seconds: time.Since(began).Seconds(), cpu: cpuSeconds() - cpu}
	runtime.ReadMemStats(&stats)
	f.allocations = float64(stats.Mallocs - before)
	return f
}

// A column is what the rounds gave of one measure.
type column struct {
	measure string
	rounds  []float64
}

func printRow(part, name, who string, columns []column) {
	var cells []string
	for _, c := range columns {
		for i, value := range c.rounds {
			c.rounds[i] = math.Round(value*1000) / 1000
		}
		rounds, err := json.Marshal(c.rounds)
		if err != nil {
			log.Fatal(err)
		}
		cells = append(cells, fmt.Sprintf("%q: %s", c.measure, rounds))
	}
	fmt.Printf("{\"part\": %q, \"case\": %q, \"name\": %q, \"rounds\": {%s}}\n", part, name, who, strings.Join(cells, ", "))
}

// cpuSeconds is user and system time of this process.
func cpuSeconds() float64 {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		log.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano()).Seconds()
}

func setting(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return otherwise
}
