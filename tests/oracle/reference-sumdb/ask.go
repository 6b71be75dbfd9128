package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb"
)

type question struct {
	Path    string `json:"path"`
	Version string `json:"version"`
}

type answer struct {
	Lines []string `json:"lines,omitempty"`
	Error string   `json:"error,omitempty"`
	// What the client calls a security error: a fork, with its proof.
	Alarm string `json:"alarm,omitempty"`
}

// ask answers each line of in, a question, with a line of standard output. The client remembers its tree head from one to the next.
func ask(key, url string, in io.Reader) error {
	ops := &memory{url: strings.TrimSuffix(url, "/"), config: map[string][]byte{"key": []byte(key)}, cache: map[string][]byte{}}
	client := sumdb.NewClient(ops)
	questions := json.NewDecoder(in)
	answers := json.NewEncoder(os.Stdout)
	for {
		var q question
		if err := questions.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read question: %w", err)
		}
		var a answer
		lines, err := client.Lookup(q.Path, q.Version)
		if err != nil {
			a.Error = err.Error()
		}
		a.Lines, a.Alarm = lines, ops.takeAlarm()
		if err := answers.Encode(a); err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
	}
}

// A memory keeps the state of a client and reaches the database at url.
type memory struct {
	url string

	mu     sync.Mutex
	config map[string][]byte
	cache  map[string][]byte
	alarm  string
}

func (m *memory) ReadRemote(path string) ([]byte, error) { return get(m.url + path) }

func (m *memory) ReadConfig(file string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.config[file], nil
}

func (m *memory) WriteConfig(file string, old, new []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !bytes.Equal(m.config[file], old) {
		return sumdb.ErrWriteConflict
	}
	m.config[file] = new
	return nil
}

func (m *memory) ReadCache(file string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if data, ok := m.cache[file]; ok {
		return data, nil
	}
	return nil, fs.ErrNotExist
}

func (m *memory) WriteCache(file string, data []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cache[file] = data
}

func (m *memory) Log(string) {}

func (m *memory) SecurityError(msg string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.alarm = msg
}

func (m *memory) takeAlarm() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	alarm := m.alarm
	m.alarm = ""
	return alarm
}
