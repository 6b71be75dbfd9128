// Reference-sumdb is both ends of a checksum database, made of golang.org/x/mod alone, so that tests can put it opposite ours.
//
//	reference-sumdb serve MODULES   an honest database on loopback
//	reference-sumdb ask URL         a client of the database at URL
//
// Both read the key as the first line of standard input: the signer key to serve, the verifier key to ask. Both end when standard
// input does, so that neither outlives its test.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "reference-sumdb:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: reference-sumdb serve MODULES | ask URL")
	}
	in := bufio.NewReader(os.Stdin)
	key, err := in.ReadString('\n')
	if err != nil {
		return fmt.Errorf("read key: %w", err)
	}
	key = strings.TrimSpace(key)
	switch args[0] {
	case "serve":
		return serve(key, args[1], in)
	case "ask":
		return ask(key, args[1], in)
	}
	return fmt.Errorf("unknown command %s", args[0])
}
