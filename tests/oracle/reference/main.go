// Reference answers questions about module paths, versions and files with golang.org/x/mod, so that tests can compare.
//
// Each line of standard input is a question {"op": ..., "args": [base64, ...]}, each line of standard output the answer
// {"value": ...} or {"error": ...}, in the same order.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

type question struct {
	Op   string   `json:"op"`
	Args [][]byte `json:"args"`
}

type answer struct {
	Value any    `json:"value,omitempty"`
	Error string `json:"error,omitempty"`
}

// An operation gets the arguments as bytes and as text.
type operation func(a [][]byte, s []string) (any, error)

var operations = map[string]operation{}

// register adds operations; each file of this program does so for its part.
func register(part map[string]operation) bool {
	for name, run := range part {
		operations[name] = run
	}
	return true
}

func main() {
	in := json.NewDecoder(bufio.NewReaderSize(os.Stdin, 1<<16))
	out := bufio.NewWriterSize(os.Stdout, 1<<16)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	for {
		var q question
		if err := in.Decode(&q); err == io.EOF {
			return
		} else if err != nil {
			fmt.Fprintln(os.Stderr, "reference: read question:", err)
			os.Exit(1)
		}
		if err := encoder.Encode(answerTo(q)); err != nil {
			fmt.Fprintln(os.Stderr, "reference: write answer:", err)
			os.Exit(1)
		}
	}
}

// answerTo never panics: a panic of the library is an answer like any other, and one worth seeing.
func answerTo(q question) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			a = answer{Error: fmt.Sprint("panic: ", p)}
		}
	}()
	run, ok := operations[q.Op]
	if !ok {
		return answer{Error: "unknown operation " + q.Op}
	}
	texts := make([]string, len(q.Args))
	for i, arg := range q.Args {
		texts[i] = string(arg)
	}
	value, err := run(q.Args, texts)
	if err != nil {
		return answer{Error: "error: " + err.Error()}
	}
	return answer{Value: value}
}
