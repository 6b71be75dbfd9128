package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"strings"
)

var _ = register(map[string]operation{
	"xml.GoImports": func(a [][]byte, s []string) (any, error) { return goImports(a[0]) },
	"url.Scheme": func(a [][]byte, s []string) (any, error) {
		u, err := url.Parse(s[0])
		if err != nil {
			return nil, err
		}
		return "scheme " + u.Scheme, nil
	},
})

// goImports lists the fields of the go-import tags before the end of the head, read by the decoder and the settings that the go
// command uses. An error counts only when there was no tag before it.
func goImports(page []byte) (any, error) {
	decoder := xml.NewDecoder(bytes.NewReader(page))
	decoder.Strict = false
	decoder.CharsetReader = func(charset string, in io.Reader) (io.Reader, error) {
		if lower := strings.ToLower(charset); lower == "utf-8" || lower == "ascii" {
			return in, nil
		}
		return nil, errors.New("charset")
	}
	tags := [][]string{}
	for {
		token, err := decoder.RawToken()
		switch t := token.(type) {
		case xml.StartElement:
			if strings.EqualFold(t.Name.Local, "body") {
				return tags, nil
			}
			fields := strings.Fields(attribute(t, "content"))
			isImport := strings.EqualFold(t.Name.Local, "meta") && attribute(t, "name") == "go-import"
			if isImport && (len(fields) == 3 || len(fields) == 4) {
				tags = append(tags, fields)
			}
		case xml.EndElement:
			if strings.EqualFold(t.Name.Local, "head") {
				return tags, nil
			}
		}
		if err == io.EOF || err != nil && len(tags) > 0 {
			return tags, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func attribute(element xml.StartElement, name string) string {
	for _, a := range element.Attr {
		if strings.EqualFold(a.Name.Local, name) {
			return a.Value
		}
	}
	return ""
}
