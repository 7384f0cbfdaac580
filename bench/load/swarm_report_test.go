package load

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"freshet/bench/report"
)

func TestSwarmFillsAReport(t *testing.T) {
	p99 := 7.5
	r := SwarmResult{
		Mode: ModeLean, SRTP: SRTPGCM, Wanted: 2, Joined: 1, Failed: 1, Failures: map[End]int{EndICE: 1},
		LeavesOut: leavesOut[ModeLean], Server: &ServerUse{PID: 7, Cores: 0.5},
		Viewers: []ViewerRecord{
			{Answer: 3, ICE: 4, DTLS: 9, FirstPacket: 10, FirstPicture: 11, End: EndStopped, Lost: 2, DelayP99: &p99},
			{Viewer: 1, Answer: 3, End: EndICE},
		},
	}
	limit := int64(1)
	late := time.Second
	r.judge(SwarmBounds{Failed: &limit, Lost: &limit, P99Delay: &late})
	run := report.New("swarm", "devel", []string{"freshet"}, time.Now())
	r.Fill(run)
	run.Finish(time.Now())
	if err := run.Validate(); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := run.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	back, err := report.Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	row := map[string][2]float64{}
	for i, c := range back.Viewers.Columns {
		row[c.Name] = [2]float64{back.Viewers.Rows[0][i], back.Viewers.Rows[1][i]}
	}
	for name, want := range map[string][2]float64{
		"first picture": {11, math.NaN()}, "answer": {3, 3}, "lost": {2, 0}, "failed": {0, 1}, "delay p99": {7.5, math.NaN()},
	} {
		for i := range want {
			if got := row[name][i]; got != want[i] && !(math.IsNaN(got) && math.IsNaN(want[i])) {
				t.Errorf("%s of viewer %d: got %v, want %v", name, i, got, want[i])
			}
		}
	}
	var missed []string
	for _, g := range back.Missed() {
		missed = append(missed, g.ID)
	}
	if got := strings.Join(missed, " "); got != "max-p99-delay" {
		t.Errorf("bounds not kept: %s, want max-p99-delay, of which nothing was measured, and no other", got)
	}
	if total := back.Goals[0]; total.ID != "swarm" {
		t.Errorf("first goal: %s", total.ID)
	} else if n, ok := total.Value("failed ice"); !ok || n != 1 {
		t.Errorf("failed by cause: %v, %v", n, ok)
	}
}
