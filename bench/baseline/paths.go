package main

import (
	"slices"
	"strings"
)

// The yardsticks, by what the time of a hot path goes into.
const (
	seal   = "seal" // AES-GCM
	memory = "copy" // bytes moved
	sort   = "sort" // everything else that code does
	send   = "send" // the kernel's part of a packet
)

// A hotPath is a benchmark whose cost is held against the baseline.
type hotPath struct {
	folder    string
	name      string // of the benchmark, with or without a part of it
	yardstick string
}

// hotPaths are what every packet passes, or every viewer, many times a second. What they allocate must not depend on
// how long they run.
var hotPaths = []hotPath{
	{"proto/rtpq", "Datagram/append", memory},
	{"proto/rtpq", "Datagram/parse", sort},
	{"proto/rtpq", "Extensions", sort},
	{"proto/rtpq", "GroupReader", memory},
	{"proto/payload", "Keyframe", sort},
	{"cluster/ring", "Write", sort},
	{"cluster/ring", "WriteWatched", sort},
	{"cluster/ring", "Read", sort},
	{"cluster/relay", "Queue", sort},
	{"cluster/shim", "Packet", send},
	{"origin/ingest", "Form", sort},
	{"edge/estimate", "Number", sort},
	{"edge/estimate", "ViewerSecond", sort},
	{"edge/egress", "Seal/own", seal},
	{"edge/egress", "SealCM/own", seal},
	{"edge/egress", "Batch", send},
	{"edge/egress", "Tick/idle", sort},
	{"edge/egress", "Tick/sound", send},
	{"edge/egress", "Tick/frame", send},
	{"edge/egress", "Tick/frame-cm", seal},
	{"edge/egress", "Feedback", send},
}

// yardsticks is where BenchmarkYardstick stands.
const yardsticks = "bench/baseline"

// folders returns the folders of paths, each once.
func folders(paths []hotPath) (all []string) {
	for _, p := range paths {
		if !slices.Contains(all, p.folder) {
			all = append(all, p.folder)
		}
	}
	return all
}

// pattern is what go test's -bench says for p.
func (p hotPath) pattern() string { return "^Benchmark" + strings.ReplaceAll(p.name, "/", "$/^") + "$" }

// has says whether the benchmark of that name, without "Benchmark", is p or belongs to it.
func (p hotPath) has(name string) bool { return name == p.name || strings.HasPrefix(name, p.name+"/") }

// yardstickOf returns what the benchmark is held against, nothing where no hot path has it.
func yardstickOf(folder, name string) string {
	for _, p := range hotPaths {
		if p.folder == folder && p.has(name) {
			return p.yardstick
		}
	}
	return ""
}
