package relay

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
// it is void: a core that is waited for shows as lateness that no relay caused.
const (
	starvedAt = 0.9
	othersAt  = 0.1
)

// A machine is what its processors have done so far.
type machine struct {
	total, busy time.Duration // of all cores, since the machine started
	own         time.Duration // of this process, and of nodes it started
}

// tick is the unit of times in /proc: USER_HZ is 100 on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// A machineLoad is what a machine did during a run.
type machineLoad struct {
	cores   int
	average float64 // load average of the last minute
	busy    float64 // share of all cores
	others  float64 // of that, what other programs and other machines on the same iron took
}

func (l machineLoad) starved() bool { return l.busy > starvedAt && l.others > othersAt }

func (l machineLoad) String() string {
	return fmt.Sprintf("%d cores, load %.2f, busy %.0f %%, others %.0f %%", l.cores, l.average, 100*l.busy, 100*l.others)
}

// readMachine returns the counts as they are now; zero where the system does not tell.
func readMachine() machine {
	var m machine
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return m
	}
	m.total, m.busy = parseStat(string(b))
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			m.own += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return m
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

// since returns the load between before and m.
func (m machine) since(before machine) machineLoad {
	l := machineLoad{cores: runtime.NumCPU()}
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		one, _, _ := strings.Cut(string(b), " ")
		l.average, _ = strconv.ParseFloat(one, 64) // 0 where it is no number
	}
	if total := m.total - before.total; total > 0 {
		l.busy = round(float64(m.busy-before.busy)/float64(total), 3)
		l.others = round(max(0, float64(m.busy-before.busy-(m.own-before.own))/float64(total)), 3)
	}
	return l
}

func round(v float64, digits int) float64 {
	f, err := strconv.ParseFloat(strconv.FormatFloat(v, 'f', digits, 64), 64)
	if err != nil {
		return v
	}
	return f
}

// cpuOf returns the processor time that the process pid has used.
func cpuOf(pid int) (time.Duration, error) {
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
