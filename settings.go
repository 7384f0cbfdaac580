package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/pelletier/go-toml/v2"
)

// settings are what the configuration file says. One field of a command gives a flag, a variable and a
// key: --edge-thing of `freshet edge` is FRESHET_EDGE_THING and key thing in [edge]. A flag wins over a
// variable, a variable over the file, the file over the default.
type settings struct {
	file   string
	values map[string]any
}

// configFile is the flag that names the file.
type configFile string

// BeforeResolve reads the file before the first key of it is asked for.
func (f configFile) BeforeResolve(c *kong.Context, trace *kong.Path, s *settings) error {
	// The field itself is filled later; until then its value is with the context.
	file, ok := c.FlagValue(trace.Flag).(configFile)
	if !ok || file == "" {
		return nil
	}
	return s.load(string(file), c.Model)
}

// load reads file and refuses what no command knows.
func (s *settings) load(file string, app *kong.Application) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	s.file = file
	if err := toml.Unmarshal(b, &s.values); err != nil {
		var at *toml.DecodeError
		if errors.As(err, &at) {
			line, _ := at.Position()
			return fmt.Errorf("%s:%d: %s", file, line, at.Error())
		}
		return fmt.Errorf("%s: %w", file, err)
	}
	for key, v := range s.values {
		if n := section(app, key); n != nil {
			table, ok := v.(map[string]any)
			if !ok {
				return fmt.Errorf("%s: %s: want a table, [%s]", file, key, key)
			}
			for k := range table {
				if find(n.Flags, k) == nil {
					return fmt.Errorf("%s: [%s] %s: unknown key", file, key, k)
				}
			}
		} else if find(app.Flags, key) == nil {
			return fmt.Errorf("%s: %s: unknown key", file, key)
		}
	}
	return nil
}

// Validate is part of kong.Resolver; load has looked already.
func (s *settings) Validate(*kong.Application) error { return nil }

// Resolve gives a flag the value of its key, nil where the file has none or a variable comes before it.
func (s *settings) Resolve(_ *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	v, err := s.value(parent.Node(), flag)
	for _, name := range flag.Envs {
		if _, ok := os.LookupEnv(name); ok {
			return nil, err
		}
	}
	return v, err
}

// value returns what the file says of flag, in a form that kong parses.
func (s *settings) value(n *kong.Node, flag *kong.Flag) (any, error) {
	table, key := s.values, flag.Name
	if n.Type == kong.CommandNode {
		table, _ = s.values[n.Name].(map[string]any)
		key = "[" + n.Name + "] " + key
	}
	switch v := table[flag.Name].(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return nil, fmt.Errorf("%s: %s: want one value, not a table", s.file, key)
	case []any:
		if !flag.IsSlice() {
			return nil, fmt.Errorf("%s: %s: want one value, not a list", s.file, key)
		}
		return v, nil
	default:
		return fmt.Sprint(v), nil
	}
}

// nameVariables gives each flag its variable.
func nameVariables(k *kong.Kong) error {
	name := func(f *kong.Flag, parts ...string) {
		if f.Name == "help" {
			return
		}
		v := strings.ToUpper(strings.ReplaceAll(strings.Join(append(parts, f.Name), "_"), "-", "_"))
		f.Envs, f.Tag.Envs = []string{v}, []string{v}
	}
	for _, f := range k.Model.Flags {
		name(f, "FRESHET")
	}
	for _, n := range k.Model.Children {
		for _, f := range n.Flags {
			name(f, "FRESHET", n.Name)
		}
	}
	return nil
}

// section returns the command whose settings stand in table name.
func section(app *kong.Application, name string) *kong.Node {
	for _, n := range app.Children {
		if n.Name == name && len(n.Flags) > 0 {
			return n
		}
	}
	return nil
}

func find(flags []*kong.Flag, name string) *kong.Flag {
	for _, f := range flags {
		if f.Name == name && name != "help" {
			return f
		}
	}
	return nil
}
