// Package devserver runs the look-alike of Nacos for the tests of this module and of its adapters.
package devserver

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// Server is a running devserver; what it counts and the faults it can show are set over Control.
type Server struct {
	Address string `json:"address"`
	Control string `json:"control"`
	process *exec.Cmd
	stdin   io.Closer
	http    *http.Client
}

// Counts is what it has seen.
type Counts struct {
	Logins               int `json:"logins"`
	LoginFailures        int `json:"login_failures"`
	Requests             int `json:"requests"`
	Rejections           int `json:"rejections"`
	PermissionRejections int `json:"permission_rejections"`
}

// Fields is the body of a command.
type Fields map[string]any

// Launch starts one on free ports; it ends with Stop, or with this process.
func Launch(arguments ...string) (*Server, error) {
	binary, err := locate()
	if err != nil {
		return nil, err
	}
	process := exec.Command(binary, append([]string{"--stdin"}, arguments...)...)
	process.Stderr = os.Stderr
	stdin, err := process.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, err
	}
	s := &Server{process: process, stdin: stdin, http: &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, s)
	}
	if err != nil {
		s.Stop()
		return nil, fmt.Errorf("the devserver did not say where it listens: %w", err)
	}
	return s, nil
}

// locate finds the binary in the checkout that this file is in.
func locate() (string, error) {
	if named := os.Getenv("NACOS_DEVSERVER"); named != "" {
		return named, nil
	}
	_, file, _, _ := runtime.Caller(0)
	target := filepath.Join(filepath.Dir(file), "..", "..", "..", "..", "target")
	for _, profile := range []string{"debug", "release"} {
		binary := filepath.Join(target, profile, "nacos-devserver")
		if _, err := os.Stat(binary); err == nil {
			return binary, nil
		}
	}
	return "", errors.New("no devserver: run cargo build --package devserver, or set NACOS_DEVSERVER")
}

// Stop ends it and waits for its end.
func (s *Server) Stop() {
	s.http.CloseIdleConnections()
	s.stdin.Close()
	limit := time.AfterFunc(time.Minute, func() { s.process.Process.Kill() })
	defer limit.Stop()
	s.process.Wait()
}

// Do sends a command over Control and decodes the answer into out, unless that is nil.
func (s *Server) Do(method, path string, in Fields, out any) error {
	if in == nil {
		in = Fields{}
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, "http://"+s.Control+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := s.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %s", method, path, response.Status, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}
