package main

import (
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

var _ = register(map[string]operation{
	"modfile.ModulePath": func(a [][]byte, _ []string) (any, error) { return modfile.ModulePath(a[0]), nil },
	"modfile.Parse": func(a [][]byte, _ []string) (any, error) {
		file, err := modfile.Parse("go.mod", a[0], nil)
		if err != nil {
			return nil, err
		}
		return describe(file), nil
	},
	"modfile.ParseLax": func(a [][]byte, _ []string) (any, error) {
		file, err := modfile.ParseLax("go.mod", a[0], nil)
		if err != nil {
			return nil, err
		}
		return describe(file), nil
	},
	"modfile.ParseWork": func(a [][]byte, _ []string) (any, error) {
		file, err := modfile.ParseWork("go.mod", a[0], nil)
		if err != nil {
			return nil, err
		}
		return describeWork(file), nil
	},
})

// pair is a path and a version, the latter possibly empty.
type pair [2]string

func pairOf(m module.Version) pair { return pair{m.Path, m.Version} }

func describe(file *modfile.File) any {
	d := map[string]any{"format": append([]byte{}, modfile.Format(file.Syntax)...)}
	var require, exclude, replace, retract, tool, ignore []any
	if file.Module != nil {
		d["module"] = []string{file.Module.Mod.Path, file.Module.Deprecated}
	}
	if file.Go != nil {
		d["go"] = file.Go.Version
	}
	if file.Toolchain != nil {
		d["toolchain"] = file.Toolchain.Name
	}
	for _, r := range file.Require {
		require = append(require, []any{pairOf(r.Mod), r.Indirect})
	}
	for _, x := range file.Exclude {
		exclude = append(exclude, pairOf(x.Mod))
	}
	for _, r := range file.Replace {
		replace = append(replace, []any{pairOf(r.Old), pairOf(r.New)})
	}
	for _, r := range file.Retract {
		retract = append(retract, []any{r.Low, r.High, r.Rationale})
	}
	for _, t := range file.Tool {
		tool = append(tool, t.Path)
	}
	for _, i := range file.Ignore {
		ignore = append(ignore, i.Path)
	}
	d["godebug"], d["require"], d["exclude"], d["replace"] = godebugs(file.Godebug), require, exclude, replace
	d["retract"], d["tool"], d["ignore"] = retract, tool, ignore
	return d
}

func describeWork(file *modfile.WorkFile) any {
	d := map[string]any{"format": append([]byte{}, modfile.Format(file.Syntax)...), "godebug": godebugs(file.Godebug)}
	var use, replace []any
	if file.Go != nil {
		d["go"] = file.Go.Version
	}
	if file.Toolchain != nil {
		d["toolchain"] = file.Toolchain.Name
	}
	for _, u := range file.Use {
		use = append(use, u.Path)
	}
	for _, r := range file.Replace {
		replace = append(replace, []any{pairOf(r.Old), pairOf(r.New)})
	}
	d["use"], d["replace"] = use, replace
	return d
}

func godebugs(settings []*modfile.Godebug) (list []any) {
	for _, g := range settings {
		list = append(list, pair{g.Key, g.Value})
	}
	return list
}
