package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/pelletier/go-toml/v2"
)

type configCommand struct{ outputFlag }

// Run prints the settings of every command, as they are in force without further flags.
func (c *configCommand) Run(p *program) error {
	all := map[string]any{}
	if err := p.settings.inForce(p.app.Node, all); err != nil {
		return err
	}
	for _, n := range p.app.Children {
		table := map[string]any{}
		if err := p.settings.inForce(n, table); err != nil {
			return err
		}
		if len(table) > 0 {
			all[n.Name] = table
		}
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

// inForce adds n's flags to table: the variable's value, else the file's, else the default.
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
				return badConfig(s.file, "[%s] %s: %w", n.Name, f.Name, err)
			}
		}
		table[f.Name] = shown(f)
	}
	return nil
}

// shown returns f's value with its secret part masked.
func shown(f *kong.Flag) any {
	v := f.Target
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
