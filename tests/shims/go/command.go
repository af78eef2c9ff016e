package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// command holds the fields of all operations; grammar says which belong to which.
type command struct {
	Op   string `json:"op"`
	Auth string `json:"auth"`

	ServerAddr       string `json:"server_addr"`
	Username         string `json:"username"`
	Password         string `json:"password"`
	ContextPath      string `json:"context_path"`
	Carriage         string `json:"carriage"`
	ConnectTimeoutMS uint32 `json:"connect_timeout_ms"`
	RequestTimeoutMS uint32 `json:"request_timeout_ms"`
	CAFile           string `json:"ca_file"`
	ClientCertFile   string `json:"client_cert_file"`
	ClientKeyFile    string `json:"client_key_file"`
	Proxy            string `json:"proxy"`

	TimeoutMS uint32 `json:"timeout_ms"`
	Reveal    bool   `json:"reveal"`

	Method     string `json:"method"`
	Path       string `json:"path"`
	Query      pairs  `json:"query"`
	Headers    pairs  `json:"headers"`
	Form       pairs  `json:"form"`
	Body       string `json:"body"`
	BodyBase64 []byte `json:"body_base64"`

	Generation uint64 `json:"generation"`
	HTTPStatus int    `json:"http_status"`

	Threads    int             `json:"threads"`
	Each       int             `json:"each"`
	DurationMS uint32          `json:"duration_ms"`
	IntervalMS uint32          `json:"interval_ms"`
	Do         json.RawMessage `json:"do"`

	given map[string]json.RawMessage
}

// grammar names the required fields of each operation, and after the bar the optional ones.
var grammar = map[string]string{
	"hello": "|",
	"init": "auth server_addr | username password context_path carriage connect_timeout_ms request_timeout_ms " +
		"ca_file client_cert_file client_key_file proxy",
	"get_token":       "auth | timeout_ms reveal",
	"request":         "auth method path | query headers form body body_base64 timeout_ms",
	"report_rejected": "auth generation http_status body |",
	"set_credentials": "auth username password |",
	"stats":           "auth |",
	"parallel":        "threads each do |",
	"loop":            "duration_ms interval_ms do |",
	"close":           "auth |",
	"free":            "auth |",
}

func parse(line []byte) (*command, error) {
	c := &command{}
	if err := json.Unmarshal(line, &c.given); err != nil {
		return nil, fmt.Errorf("a line must be one JSON object: %w", err)
	}
	if err := json.Unmarshal(line, c); err != nil {
		return nil, fmt.Errorf("a field is of the wrong type: %w", err)
	}
	rule, known := grammar[c.Op]
	if !known {
		return nil, fmt.Errorf("unknown op %q", c.Op)
	}
	required, optional, _ := strings.Cut(rule, "|")
	for _, name := range strings.Fields(required) {
		if !c.has(name) {
			return nil, fmt.Errorf("%s: field %q is missing", c.Op, name)
		}
	}
	names := append(strings.Fields(required+" "+optional), "op")
	for name, value := range c.given {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("%s: unknown field %q", c.Op, name)
		}
		if string(value) == "null" {
			return nil, fmt.Errorf("%s: field %q is null", c.Op, name)
		}
	}
	return c, nil
}

func (c *command) has(name string) bool {
	_, given := c.given[name]
	return given
}

// pairs is a list of [name, value].
type pairs map[string][]string

func (p *pairs) UnmarshalJSON(text []byte) error {
	var list [][]string
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	*p = pairs{}
	for _, pair := range list {
		if len(pair) != 2 {
			return errors.New("not a list of [name, value]")
		}
		(*p)[pair[0]] = append((*p)[pair[0]], pair[1])
	}
	return nil
}
