package load

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"freshet/bench/report"
)

// A use is what processes have taken up to a moment.
type use struct {
	at      time.Time
	pid     int
	cpu     time.Duration // user and system
	rss     int64
	threads int
	own     time.Duration
	ownRSS  int64
}

// readUse reads what pid (0: none) and this program have taken so far.
func readUse(pid int) (use, error) {
	u := use{at: time.Now(), pid: pid}
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err == nil {
		u.own = time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	if b, err := os.ReadFile("/proc/self/status"); err == nil { // elsewhere than on Linux it is not told
		u.ownRSS, _ = parseStatus(string(b))
	}
	if pid == 0 {
		return u, nil
	}
	var err error
	if u.cpu, err = report.CPUOf(pid); err != nil {
		return u, fmt.Errorf("processor time of process %d: %w", pid, err)
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, fmt.Errorf("memory of process %d: %w", pid, err)
	}
	u.rss, u.threads = parseStatus(string(b))
	return u, nil
}

// parseStatus returns resident memory in bytes and threads of /proc/PID/status, 0 for what is not in it.
func parseStatus(text string) (rss int64, threads int) {
	s := bufio.NewScanner(strings.NewReader(text))
	for s.Scan() {
		name, value, _ := strings.Cut(s.Text(), ":")
		number, _, _ := strings.Cut(strings.TrimSpace(value), " ")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			continue
		}
		switch name {
		case "VmRSS":
			rss = n << 10
		case "Threads":
			threads = int(n)
		}
	}
	return rss, threads
}

// used takes what was used between from and to; before is from before the first viewer.
func (r *SwarmResult) used(before, from, to use) {
	s := to.at.Sub(from.at).Seconds()
	if s <= 0 {
		return
	}
	r.SteadySeconds = s
	r.Own = OwnUse{Cores: (to.own - from.own).Seconds() / s, RSS: to.ownRSS, Goroutines: runtime.NumGoroutine()}
	if to.pid == 0 {
		return
	}
	cpu := (to.cpu - from.cpu).Seconds()
	r.Server = &ServerUse{PID: to.pid, CPUSeconds: cpu, Cores: cpu / s, RSSBefore: before.rss, RSS: to.rss, Threads: to.threads}
}
