package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// serve runs the database until in ends, and prints its URL. Modules it does not know yet are hashed from modules, the base URL of a
// module proxy, and appended.
func serve(key, modules string, in io.Reader) error {
	signer, err := note.NewSigner(key)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := sumdb.NewServer(&database{signer: signer, modules: modules, ids: map[module.Version]int64{}})
	mux := http.NewServeMux()
	for _, path := range sumdb.ServerPaths {
		mux.Handle(path, server)
	}
	go http.Serve(listener, mux)
	fmt.Printf("http://%s\n", listener.Addr())
	_, err = io.Copy(io.Discard, in)
	return err
}

// A database is a log in memory: what package sumdb asks of the one behind its server.
type database struct {
	signer  note.Signer
	modules string

	mu      sync.Mutex
	records [][]byte
	hashes  []tlog.Hash
	ids     map[module.Version]int64
}

// ReadHashes makes the stored hashes readable for package tlog. The caller holds mu.
func (d *database) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(d.hashes)) {
			return nil, fmt.Errorf("hash %d is not stored", index)
		}
		found[i] = d.hashes[index]
	}
	return found, nil
}

func (d *database) Signed(context.Context) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	size := int64(len(d.records))
	root, err := tlog.TreeHash(size, d)
	if err != nil {
		return nil, err
	}
	return note.Sign(&note.Note{Text: string(tlog.FormatTree(tlog.Tree{N: size, Hash: root}))}, d.signer)
}

func (d *database) ReadRecords(_ context.Context, id, n int64) ([][]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if id < 0 || id+n > int64(len(d.records)) {
		return nil, fs.ErrNotExist
	}
	return d.records[id : id+n : id+n], nil
}

func (d *database) ReadTileData(_ context.Context, tile tlog.Tile) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return tlog.ReadTileData(tile, d)
}

// Lookup is slow for the first question about a module and holds everyone up meanwhile; tests ask little.
func (d *database) Lookup(_ context.Context, m module.Version) (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if id, ok := d.ids[m]; ok {
		return id, nil
	}
	record, err := recordOf(d.modules, m)
	if err != nil {
		return 0, err
	}
	id := int64(len(d.records))
	hashes, err := tlog.StoredHashes(id, record, d)
	if err != nil {
		return 0, err
	}
	d.records = append(d.records, record)
	d.hashes = append(d.hashes, hashes...)
	d.ids[m] = id
	return id, nil
}

// recordOf hashes the files that the module proxy has for m.
func recordOf(modules string, m module.Version) ([]byte, error) {
	path, err := module.EscapePath(m.Path)
	if err != nil {
		return nil, err
	}
	version, err := module.EscapeVersion(m.Version)
	if err != nil {
		return nil, err
	}
	file := fmt.Sprintf("%s/%s/@v/%s", modules, path, version)
	mod, err := hashOf(file+".mod", func(name string) (string, error) {
		return dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) { return os.Open(name) })
	})
	if err != nil {
		return nil, err
	}
	zip, err := hashOf(file+".zip", func(name string) (string, error) { return dirhash.HashZip(name, dirhash.Hash1) })
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%s %s %s\n%s %s/go.mod %s\n", m.Path, m.Version, zip, m.Path, m.Version, mod), nil
}

// hashOf downloads url into a file and hashes that. What the proxy does not have is fs.ErrNotExist.
func hashOf(url string, hash func(name string) (string, error)) (string, error) {
	folder, err := os.MkdirTemp("", "reference-sumdb-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	body, err := get(url)
	if err != nil {
		return "", err
	}
	name := filepath.Join(folder, "file")
	if err := os.WriteFile(name, body, 0o600); err != nil {
		return "", err
	}
	return hash(name)
}

// get returns the body at url; 404 and 410 are fs.ErrNotExist.
func get(url string) ([]byte, error) {
	response, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusNotFound || response.StatusCode == http.StatusGone {
		// Package sumdb looks for this with os.IsNotExist, which sees through a PathError alone.
		return nil, &fs.PathError{Op: "get", Path: url, Err: fs.ErrNotExist}
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("get %s: %s", url, response.Status)
	}
	return io.ReadAll(response.Body)
}
