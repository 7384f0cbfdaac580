package main

import (
	"encoding/json"
	"fmt"
	"runtime/debug"
)

// A build is what the binary knows of itself.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit,omitempty"`
	Time    string `json:"time,omitempty"` // of the commit
	Dirty   bool   `json:"dirty"`          // built with changes that are not committed
	Go      string `json:"go"`
}

// thisBuild reads what the go command wrote into the binary.
func thisBuild() build {
	b := build{Version: "devel"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	b.Go = info.GoVersion
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Dirty = s.Value == "true"
		}
	}
	return b
}

type versionCommand struct{ outputFlag }

// Run prints what this binary was built from.
func (c *versionCommand) Run(p *program) error {
	b := thisBuild()
	if c.Output == outputJSON {
		return json.NewEncoder(p.stdout).Encode(b)
	}
	_, err := fmt.Fprintf(p.stdout, "freshet %s (%s)\n", b.Version, b.Go)
	return err
}
