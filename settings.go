package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/pelletier/go-toml/v2"
)

// settings are what the configuration file says. One field of a command gives a flag, a variable and a
// key: --edge-thing of `freshet edge` is FRESHET_EDGE_THING and key thing in [edge]. A flag wins over a
// variable, a variable over the file, the file over the default. A command below
// another adds its name: key loss in [bench.impair].
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
		n := section(app.Node, key)
		if n == nil && find(app.Flags, key) == nil {
			return fmt.Errorf("%s: %s: unknown key", file, key)
		}
		if n != nil {
			if err := s.check(n, key, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// check refuses what n, whose table is called name, does not know of v.
func (s *settings) check(n *kong.Node, name string, v any) error {
	table, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: %s: want a table, [%s]", s.file, name, name)
	}
	for key, v := range table {
		below := section(n, key)
		if below == nil && find(n.Flags, key) == nil {
			return fmt.Errorf("%s: [%s] %s: unknown key", s.file, name, key)
		}
		if below != nil {
			if err := s.check(below, name+"."+key, v); err != nil {
				return err
			}
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
	if names := path(n); len(names) > 0 {
		for _, name := range names {
			table, _ = table[name].(map[string]any)
		}
		key = "[" + strings.Join(names, ".") + "] " + key
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
	var all func(n *kong.Node)
	all = func(n *kong.Node) {
		for _, f := range n.Flags {
			name(f, append([]string{"FRESHET"}, path(n)...)...)
		}
		for _, below := range n.Children {
			all(below)
		}
	}
	all(k.Model.Node)
	return nil
}

// path returns the names of the commands that lead to n, none for the program itself.
func path(n *kong.Node) []string {
	if n == nil || n.Type != kong.CommandNode {
		return nil
	}
	return append(path(n.Parent), n.Name)
}

// section returns the command below n whose settings stand in table name.
func section(n *kong.Node, name string) *kong.Node {
	for _, below := range n.Children {
		if below.Name == name && (len(below.Flags) > 0 || len(below.Children) > 0) {
			return below
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

type configCommand struct{ outputFlag }

// Run prints the settings of every command, as they are in force without further flags.
func (c *configCommand) Run(p *program) error {
	all := map[string]any{}
	if err := p.settings.inForce(p.app.Node, all); err != nil {
		return err
	}
	if c.Output == outputJSON {
		return json.NewEncoder(p.stdout).Encode(all)
	}
	b, err := toml.Marshal(all)
	if err != nil {
		return err
	}
	_, err = p.stdout.Write(b)
	return err
}

// inForce adds to table what is in force of n's flags: the variable's value, else the file's, else the
// default; and a table for each command below n that has any.
func (s *settings) inForce(n *kong.Node, table map[string]any) error {
	for _, f := range n.Flags {
		if f.Name == "help" || f.Name == "config" || f.Name == "output" {
			continue
		}
		if err := f.Reset(); err != nil { // default or variable
			return &configError{err}
		}
		v, err := s.Resolve(nil, &kong.Path{Parent: n, Command: n}, f)
		if err != nil {
			return &configError{err}
		}
		if v != nil {
			scan := kong.Scan().PushTyped(v, kong.FlagValueToken)
			if err := f.Parse(scan, f.Target); err != nil {
				return badConfig(s.file, "[%s] %s: %w", strings.Join(path(n), "."), f.Name, err)
			}
		}
		if f.Target.Kind() != reflect.Pointer || !f.Target.IsNil() { // nil: not said, and no default
			table[f.Name] = shown(f)
		}
	}
	for _, below := range n.Children {
		sub := map[string]any{}
		if err := s.inForce(below, sub); err != nil {
			return err
		}
		if len(sub) > 0 {
			table[below.Name] = sub
		}
	}
	return nil
}

// shown returns f's value with its secret part masked.
func shown(f *kong.Flag) any {
	v := f.Target
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() == reflect.Slice {
		list := []string{}
		for i := range v.Len() {
			list = append(list, masked(f, fmt.Sprint(v.Index(i))))
		}
		return list
	}
	if _, ok := v.Interface().(fmt.Stringer); ok {
		return fmt.Sprint(v) // a level, a duration
	}
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool()
	case reflect.Int:
		return v.Int()
	case reflect.Uint64:
		return v.Uint()
	case reflect.Float64:
		return v.Float()
	}
	return masked(f, fmt.Sprint(v))
}

// masked hides all of a value tagged secret:"all", and of one tagged secret:"pair" what follows its "=".
// The name of a file that holds the secret is none.
func masked(f *kong.Flag, text string) string {
	name, secret := "", text
	switch f.Tag.Get("secret") {
	case "all":
	case "pair":
		var found bool
		if name, secret, found = strings.Cut(text, "="); found {
			name += "="
		}
	default:
		return text
	}
	if secret == "" || strings.HasPrefix(secret, "@") {
		return text
	}
	return name + "********"
}

// secret returns text, or for "@FILE" what FILE holds but for the white space around it, so that secrets
// need not stand where every process of the machine sees them.
func secret(key, text string) (string, error) {
	file, ok := strings.CutPrefix(text, "@")
	if !ok {
		return text, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", badConfig(key, "%w", err)
	}
	return strings.TrimSpace(string(b)), nil
}
