package main

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

var errNone = errors.New("none")

var _ = register(map[string]operation{
	"semver.IsValid":    func(_ [][]byte, s []string) (any, error) { return semver.IsValid(s[0]), nil },
	"semver.Canonical":  func(_ [][]byte, s []string) (any, error) { return semver.Canonical(s[0]), nil },
	"semver.Major":      func(_ [][]byte, s []string) (any, error) { return semver.Major(s[0]), nil },
	"semver.MajorMinor": func(_ [][]byte, s []string) (any, error) { return semver.MajorMinor(s[0]), nil },
	"semver.Prerelease": func(_ [][]byte, s []string) (any, error) { return semver.Prerelease(s[0]), nil },
	"semver.Build":      func(_ [][]byte, s []string) (any, error) { return semver.Build(s[0]), nil },
	"semver.Compare":    func(_ [][]byte, s []string) (any, error) { return semver.Compare(s[0], s[1]), nil },
	"semver.Sort": func(_ [][]byte, s []string) (any, error) {
		semver.Sort(s)
		return s, nil
	},

	"module.CheckPath":       func(_ [][]byte, s []string) (any, error) { return true, module.CheckPath(s[0]) },
	"module.CheckImportPath": func(_ [][]byte, s []string) (any, error) { return true, module.CheckImportPath(s[0]) },
	"module.CheckFilePath":   func(_ [][]byte, s []string) (any, error) { return true, module.CheckFilePath(s[0]) },
	"module.Check":           func(_ [][]byte, s []string) (any, error) { return true, module.Check(s[0], s[1]) },
	"module.EscapePath":      func(_ [][]byte, s []string) (any, error) { return module.EscapePath(s[0]) },
	"module.UnescapePath":    func(_ [][]byte, s []string) (any, error) { return module.UnescapePath(s[0]) },
	"module.EscapeVersion":   func(_ [][]byte, s []string) (any, error) { return module.EscapeVersion(s[0]) },
	"module.UnescapeVersion": func(_ [][]byte, s []string) (any, error) { return module.UnescapeVersion(s[0]) },
	"module.SplitPathVersion": func(_ [][]byte, s []string) (any, error) {
		prefix, pathMajor, ok := module.SplitPathVersion(s[0])
		if !ok {
			return nil, errNone
		}
		return []string{prefix, pathMajor}, nil
	},
	"module.MatchPathMajor":   func(_ [][]byte, s []string) (any, error) { return module.MatchPathMajor(s[0], s[1]), nil },
	"module.CanonicalVersion": func(_ [][]byte, s []string) (any, error) { return module.CanonicalVersion(s[0]), nil },
	"module.PathMajorPrefix":  func(_ [][]byte, s []string) (any, error) { return module.PathMajorPrefix(s[0]), nil },
	"module.MatchPrefixPatterns": func(_ [][]byte, s []string) (any, error) {
		return module.MatchPrefixPatterns(s[0], s[1]), nil
	},
	"module.Sort": func(_ [][]byte, s []string) (any, error) {
		list := make([]module.Version, 0, len(s))
		for _, text := range s {
			path, version, _ := strings.Cut(text, " ")
			list = append(list, module.Version{Path: path, Version: version})
		}
		module.Sort(list)
		for i, m := range list {
			s[i] = m.Path + " " + m.Version
		}
		return s, nil
	},

	"module.IsPseudoVersion": func(_ [][]byte, s []string) (any, error) { return module.IsPseudoVersion(s[0]), nil },
	"module.PseudoVersion": func(_ [][]byte, s []string) (any, error) {
		seconds, err := strconv.ParseInt(s[2], 10, 64)
		if err != nil {
			return nil, err
		}
		return module.PseudoVersion(s[0], s[1], time.Unix(seconds, 0), s[3]), nil
	},
	"module.PseudoVersionTime": func(_ [][]byte, s []string) (any, error) {
		t, err := module.PseudoVersionTime(s[0])
		return t.Unix(), err
	},
	"module.PseudoVersionRev":    func(_ [][]byte, s []string) (any, error) { return module.PseudoVersionRev(s[0]) },
	"module.PseudoVersionBase":   func(_ [][]byte, s []string) (any, error) { return module.PseudoVersionBase(s[0]) },
	"module.ZeroPseudoVersion":   func(_ [][]byte, s []string) (any, error) { return module.ZeroPseudoVersion(s[0]), nil },
	"module.IsZeroPseudoVersion": func(_ [][]byte, s []string) (any, error) { return module.IsZeroPseudoVersion(s[0]), nil },

	"strconv.Quote":     func(_ [][]byte, s []string) (any, error) { return []byte(strconv.Quote(s[0])), nil },
	"modfile.AutoQuote": func(_ [][]byte, s []string) (any, error) { return []byte(modfile.AutoQuote(s[0])), nil },
	"strconv.Unquote": func(_ [][]byte, s []string) (any, error) {
		text, err := strconv.Unquote(s[0])
		return []byte(text), err
	},
})
