package report

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// A Machine is where a run was made. What the system does not tell is empty.
type Machine struct {
	CPU        string  `json:"cpu"` // model
	Cores      int     `json:"cores"`
	Memory     int64   `json:"memory_bytes"`
	Kernel     string  `json:"kernel"`
	System     string  `json:"system"` // as linux/amd64
	Go         string  `json:"go"`
	MaxProcs   int     `json:"gomaxprocs"`
	LoadBefore float64 `json:"load_before"` // average of the minute before the run
	During     Load    `json:"during"`
	Drift      float64 `json:"drift,omitempty"` // share by which the same work's cost moved over the run; 0: not measured
}

// ReadMachine describes this machine as it is now.
func ReadMachine() Machine {
	m := Machine{
		Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH,
		Go: runtime.Version(), MaxProcs: runtime.GOMAXPROCS(0), LoadBefore: loadAverage(),
	}
	m.CPU = field(readText("/proc/cpuinfo"), "model name")
	m.Memory = parseMemory(field(readText("/proc/meminfo"), "MemTotal"))
	m.Kernel = strings.TrimSpace(readText("/proc/sys/kernel/osrelease"))
	return m
}

// readText returns what file holds, nothing where it cannot be read.
func readText(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return string(b)
}

// field returns the value of the first line of text that is "name : value", as in /proc/cpuinfo.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// parseMemory reads "16384 kB" as bytes; 0 where it is something else.
func parseMemory(text string) int64 {
	number, ok := strings.CutSuffix(text, " kB")
	n, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || n < 0 || n > 1<<50 {
		return 0
	}
	return n << 10
}

// lines describe m for people: a name and a value each.
func (m Machine) lines() [][2]string {
	cpu := m.CPU
	if cpu == "" {
		cpu = "unknown"
	}
	during := "not measured"
	if m.During.Cores > 0 {
		during = m.During.String()
	}
	drift := "not measured"
	if m.Drift > 0 {
		drift = percent(m.Drift) + " in what the same work costs"
	}
	return [][2]string{
		{"Processor", fmt.Sprintf("%s, %d cores", cpu, m.Cores)},
		{"Memory", size(m.Memory)},
		{"System", strings.TrimSpace(m.System + " " + m.Kernel)},
		{"Go", fmt.Sprintf("%s, GOMAXPROCS %d", m.Go, m.MaxProcs)},
		{"Load before", Number(m.LoadBefore)},
		{"Load meanwhile", during},
		{"Drift", drift},
	}
}

func size(bytes int64) string {
	if bytes <= 0 {
		return "unknown"
	}
	return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
}

// differs says in which ways b is another machine than m, as far as that moves figures. Memory that differs by
// less than one percent is the same: kernels reserve some of it.
func (m Machine) differs(b Machine) []string {
	var all []string
	note := func(what, was, is string) {
		if was != is {
			all = append(all, fmt.Sprintf("%s: %s, then %s", what, was, is))
		}
	}
	note("another processor", m.CPU, b.CPU)
	note("another number of cores", strconv.Itoa(m.Cores), strconv.Itoa(b.Cores))
	if least, most := min(m.Memory, b.Memory), max(m.Memory, b.Memory); most-least > most/100 {
		note("another size of memory", size(m.Memory), size(b.Memory))
	}
	note("another system", m.System, b.System)
	note("another kernel", m.Kernel, b.Kernel)
	note("another Go", m.Go, b.Go)
	note("another GOMAXPROCS", strconv.Itoa(m.MaxProcs), strconv.Itoa(b.MaxProcs))
	return all
}
