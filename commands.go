package main

import "log/slog"

const description = `Live webcasts with WebRTC latency. A stream enters at an origin by WHIP, cascades over QUIC from edge to edge, and leaves at the edge nearest each viewer by WHEP.

Start with "freshet up": a whole mesh on this machine, with a sample on the air.

Every flag of a command can also be set by a variable, FRESHET_COMMAND_FLAG, or in the file that --config names, under [command]. A flag wins over a variable, a variable over the file. "freshet config" shows what is in force.`

// commands are the command line. Its fields, and those of the commands, give flags, variables and keys.
type commands struct {
	Config configFile `placeholder:"FILE" help:"TOML file with settings."`
	Log    slog.Level `default:"info" placeholder:"LEVEL" help:"Least severe lines to log: debug, info, warn or error. Default info."`

	Up      upCommand      `cmd:"" help:"Start a whole mesh on this machine: control, an origin, edges and a sample stream."`
	Origin  originCommand  `cmd:"" help:"Start an origin: publishers send to it by WHIP, edges pull from it."`
	Edge    edgeCommand    `cmd:"" help:"Start an edge: it pulls streams from its upstreams and serves viewers by WHEP."`
	Control controlCommand `cmd:"" help:"Start a control node: pages, the list of streams, the join call, and the nodes' line to it."`
	Publish publishCommand `cmd:"" help:"Publish a file, standard input or the sample to any WHIP URL."`
	Play    playCommand    `cmd:"" help:"Play any WHEP URL: print what arrives, or write it to a file."`
	Version versionCommand `cmd:"" help:"Print the version."`
	Show    configCommand  `cmd:"" name:"config" help:"Print the settings in force, secrets masked."`
}

const (
	outputText = "text"
	outputJSON = "json"
)

// outputFlag is for commands that print something.
type outputFlag struct {
	Output string `enum:"text,json" default:"text" help:"Print text or json on standard output."`
}
