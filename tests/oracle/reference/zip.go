package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	modzip "golang.org/x/mod/zip"
)

var _ = register(map[string]operation{
	// Pairs of name and content.
	"dirhash.Hash1": func(a [][]byte, s []string) (any, error) {
		var names []string
		contents := map[string][]byte{}
		for i := 0; i+1 < len(a); i += 2 {
			names = append(names, s[i])
			contents[s[i]] = a[i+1]
		}
		return dirhash.Hash1(names, func(name string) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(contents[name])), nil
		})
	},
	"dirhash.HashZip": func(a [][]byte, _ []string) (any, error) {
		return withFile(a[0], func(name string) (any, error) { return dirhash.HashZip(name, dirhash.Hash1) })
	},

	// Quadruples of path, mode, size and content; an empty size is that of the content.
	"zip.CheckFiles": func(_ [][]byte, s []string) (any, error) {
		checked, _ := modzip.CheckFiles(filesOf(s))
		return describeChecked(checked), nil
	},
	// Module path and version, then quadruples.
	"zip.Create": func(_ [][]byte, s []string) (any, error) {
		var out bytes.Buffer
		err := modzip.Create(&out, module.Version{Path: s[0], Version: s[1]}, filesOf(s[2:]))
		return out.Bytes(), err
	},
	// Module path and version, then the zip.
	"zip.CheckZip": func(a [][]byte, s []string) (any, error) {
		return withFile(a[2], func(name string) (any, error) { return checkZip(s, name) })
	},
	// Module path and version, then pairs of name and content of the entries.
	"zip.CheckEntries": func(a [][]byte, s []string) (any, error) {
		var out bytes.Buffer
		w := zip.NewWriter(&out)
		for i := 2; i+1 < len(a); i += 2 {
			entry, err := w.CreateHeader(&zip.FileHeader{Name: s[i]})
			if err != nil {
				return nil, err
			}
			// A directory entry takes no content.
			if _, err := entry.Write(a[i+1]); err != nil && len(a[i+1]) > 0 && s[i][len(s[i])-1] != '/' {
				return nil, err
			}
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		return withFile(out.Bytes(), func(name string) (any, error) { return checkZip(s, name) })
	},
})

func checkZip(s []string, name string) (any, error) {
	checked, err := modzip.CheckZip(module.Version{Path: s[0], Version: s[1]}, name)
	if err != nil && checked.Err() == nil {
		return nil, err
	}
	return describeChecked(checked), nil
}

func describeChecked(checked modzip.CheckedFiles) any {
	omitted, invalid := []string{}, []string{}
	for _, f := range checked.Omitted {
		omitted = append(omitted, f.Path)
	}
	for _, f := range checked.Invalid {
		invalid = append(invalid, f.Path)
	}
	return map[string]any{
		"valid":    append([]string{}, checked.Valid...),
		"omitted":  omitted,
		"invalid":  invalid,
		"tooLarge": checked.SizeError != nil,
	}
}

func withFile(content []byte, use func(name string) (any, error)) (any, error) {
	file, err := os.CreateTemp("", "larder-reference-*.zip")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(content)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, err
	}
	return use(file.Name())
}

// A memoryFile is a file of a module, and its own fs.FileInfo.
type memoryFile struct {
	path, content string
	mode          fs.FileMode
	size          int64
}

func filesOf(s []string) []modzip.File {
	modes := map[string]fs.FileMode{"regular": 0o644, "symlink": fs.ModeSymlink, "directory": fs.ModeDir, "other": fs.ModeNamedPipe}
	var files []modzip.File
	for i := 0; i+3 < len(s); i += 4 {
		mode, ok := modes[s[i+1]]
		if !ok {
			panic(fmt.Sprintf("no mode %q", s[i+1]))
		}
		size := int64(len(s[i+3]))
		if s[i+2] != "" {
			size, _ = strconv.ParseInt(s[i+2], 10, 64)
		}
		files = append(files, memoryFile{s[i], s[i+3], mode, size})
	}
	return files
}

func (f memoryFile) Path() string                { return f.path }
func (f memoryFile) Lstat() (os.FileInfo, error) { return f, nil }
func (f memoryFile) Open() (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader([]byte(f.content))), nil
}

func (f memoryFile) Name() string       { return f.path }
func (f memoryFile) Size() int64        { return f.size }
func (f memoryFile) Mode() fs.FileMode  { return f.mode }
func (f memoryFile) ModTime() time.Time { return time.Time{} }
func (f memoryFile) IsDir() bool        { return f.mode.IsDir() }
func (f memoryFile) Sys() any           { return nil }
