package report

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// starvedAt is how busy a machine is, and othersAt how much of that may be for other things, before a run on
// it is void: a core that is waited for shows as lateness that nothing under test caused.
const (
	starvedAt = 0.9
	othersAt  = 0.1
)

// Counters are what a machine's processors have done so far.
type Counters struct {
	total, busy time.Duration // of all cores, since the machine started
	own         time.Duration // of this process, and of those it started and has waited for
}

// tick is the unit of times in /proc: USER_HZ is 100 on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// A Load is what a machine did during a run.
type Load struct {
	Cores   int     `json:"cores"`
	Average float64 `json:"load_average"` // of the last minute
	Busy    float64 `json:"busy"`         // share of all cores
	Others  float64 `json:"busy_others"`  // of that, what other programs and other machines on the same iron took
}

// Starved says that the machine was so busy with other things that a run on it proves nothing.
func (l Load) Starved() bool { return l.Busy > starvedAt && l.Others > othersAt }

func (l Load) String() string {
	return fmt.Sprintf("%d cores, load %.2f, busy %.0f %%, others %.0f %%", l.Cores, l.Average, 100*l.Busy, 100*l.Others)
}

// ReadCounters returns the counts as they are now; zero where the system does not tell. What children have used counts as
// this process's own; of those that still run, or have not been waited for, it has to be told.
func ReadCounters(children ...int) Counters {
	var c Counters
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return c
	}
	c.total, c.busy = parseStat(string(b))
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			c.own += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	for _, pid := range children {
		if used, err := CPUOf(pid); err == nil { // otherwise it was waited for, and counts above
			c.own += used
		}
	}
	return c
}

// parseStat reads the first line of /proc/stat (proc(5)): user nice system idle iowait irq softirq steal guest…,
// where guests are counted in user already.
func parseStat(text string) (total, busy time.Duration) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, 0
	}
	for i, f := range fields[1:9] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, 0
		}
		d := time.Duration(n) * tick
		total += d
		if i != 3 && i != 4 { // idle, iowait
			busy += d
		}
	}
	return total, busy
}

// Since returns the load between before and c.
func (c Counters) Since(before Counters) Load {
	l := Load{Cores: runtime.NumCPU(), Average: loadAverage()}
	if total := c.total - before.total; total > 0 {
		l.Busy = Round(float64(c.busy-before.busy)/float64(total), 3)
		l.Others = Round(max(0, float64(c.busy-before.busy-(c.own-before.own))/float64(total)), 3)
	}
	return l
}

// loadAverage is that of the last minute; 0 where the system does not tell.
func loadAverage() float64 {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	one, _, _ := strings.Cut(string(b), " ")
	v, err := strconv.ParseFloat(one, 64)
	if err != nil {
		return 0
	}
	return v
}

// CPUOf returns the processor time that the process pid has used.
func CPUOf(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parsePIDStat(string(b))
}

// parsePIDStat returns utime and stime of /proc/PID/stat. The name before them may hold anything.
func parsePIDStat(text string) (time.Duration, error) {
	_, rest, ok := strings.Cut(text[max(0, strings.LastIndex(text, ")")):], ") ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 13 {
		return 0, fmt.Errorf("stat of a process: %q", text)
	}
	var sum time.Duration
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("stat of a process: %w", err)
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}
