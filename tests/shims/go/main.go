// The conformance shim of the Go binding: one JSON object a line in, one out, through the public API alone.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"

	nacosauth "github.com/nacos-auth/nacos-auth/bindings/go"
)

// answer is the object that answers one line.
type answer map[string]any

func main() {
	s := &shim{clients: map[string]*nacosauth.Client{}}
	in, out := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for {
		line, end := in.ReadBytes('\n')
		if end == io.EOF && len(line) == 0 {
			return
		}
		if end != nil && end != io.EOF {
			log.Fatal(end)
		}
		if err := out.Encode(s.line(line)); err != nil {
			log.Fatal(err)
		}
	}
}

// line does what one line asks for.
func (s *shim) line(line []byte) answer {
	command, err := parse(line)
	if err != nil {
		return failed(err)
	}
	fields, _, err := s.do(command)
	if err != nil {
		return failed(err)
	}
	if fields == nil {
		fields = answer{}
	}
	if _, counted := fields["ok"]; !counted { // parallel and loop answer a count
		fields["ok"] = true
	}
	return fields
}

// failed is the answer to a line that failed; an error that is not the library's is the line's.
func failed(err error) answer {
	var failure *nacosauth.Error
	if !errors.As(err, &failure) {
		return answer{"ok": false, "status": "SHIM", "message": err.Error()}
	}
	return answer{
		"ok":             false,
		"status":         failure.Status.Name(),
		"http_status":    failure.HTTPStatus,
		"retryable":      failure.Retryable,
		"retry_after_ms": failure.RetryAfter.Milliseconds(),
		"message":        failure.Message,
	}
}
