package relay

import (
	"fmt"
	"time"

	"freshet/bench/impair"
	"freshet/bench/load"
	"freshet/bench/report"
	"freshet/bench/stand"
	"freshet/bench/testmesh"
)

// A hop that narrows to 56 % of what it carries, and widens again.
const (
	narrowRTT    = 50 * time.Millisecond
	narrowRate   = 2_000_000
	narrowBuffer = 100 * time.Millisecond
	narrowLength = 30 * time.Second
	narrowBack   = 5 * time.Second // from the room's return until all layers are there
	narrowSound  = 150             // ms: p99 of sound after the first second
	narrowEvery  = 10 * time.Second
)

func narrowRow() stand.Row {
	return stand.Row{
		ID: "narrow-rtt-50", Run: runNarrow,
		About: fmt.Sprintf("one hop of %v that has 2 Mbit/s for %v, then room again", narrowRTT, narrowLength),
	}
}

// runNarrow cuts the hop's rate under a viewer, and opens it again.
func runNarrow(b *stand.Bench) []*report.Result {
	wide := impair.Path{Delay: narrowRTT / 2}
	narrow := wide
	narrow.Rate, narrow.Buffer = narrowRate, narrowBuffer
	l := newLab(b, testmesh.Chain(1), wide, load.Simulcast())
	last := l.Last()
	at := l.watch(last)
	seen := l.viewer(last)
	l.waitLive(last)
	b.During(warm+2*time.Second, "begin")

	sent, proxy := l.rings[testmesh.Origin], l.paths["edge-1 "+testmesh.Origin]
	layers := l.sample(at)
	length := b.Length(narrowLength)
	whole := sent.mark()
	cut := time.Now()
	proxy.Set(wide, narrow)
	b.During(time.Second, "the first second")
	from := sent.mark()
	b.During(length-time.Second, "narrow")
	to, back := sent.mark(), time.Now()
	proxy.Set(wide, wide)
	b.During(2*narrowBack, "room again")
	end := sent.mark()
	l.settle(narrowRTT)
	steps := layers()

	audio, base := sent.passed(at, whole, end, soundLayer), sent.passed(at, whole, end, baseLayer)
	late := sent.passed(at, from, to, soundLayer)
	r := &report.Result{ID: "narrow-rtt-50", Target: fmt.Sprintf(
		"audio and base layer whole, audio p99 at most %d ms late after the first second, all layers back within %v, at most one change in %v between",
		narrowSound, narrowBack, narrowEvery)}
	r.Set("rtt_ms", report.MS(narrowRTT))
	r.Set("rate_bps", narrowRate)
	r.Set("seconds", length.Seconds())
	r.Set("audio_n", audio.sent)
	r.AtLeast("audio_delivered", audio.delivered(), 1)
	r.Set("base_n", base.sent)
	r.AtLeast("base_delivered", base.delivered(), 1)
	r.Set("audio_first_p99_ms", report.MS(sent.passed(at, whole, from, soundLayer).at(.99)-narrowRTT/2))
	r.AtMost("audio_p99_ms", report.MS(late.at(.99)-narrowRTT/2), narrowSound)
	r.Set("audio_max_ms", report.MS(late.at(1)-narrowRTT/2))
	upper := sent.passed(at, from, to, upperLayer)
	r.Set("upper_delivered", upper.delivered())
	r.Set("viewer_audio_delivered", sent.passed(seen, whole, end, soundLayer).delivered())
	returned := steps.complete(back)
	r.Want(returned > 0, "the layers did not come back within %v", 2*narrowBack)
	r.AtMost("layers_back_ms", report.MS(returned), report.MS(narrowBack))
	r.Set("shed_ms", report.MS(steps.firstChange(cut)))
	r.AtMost("changes", float64(steps.most(cut.Add(2*time.Second), back, narrowEvery)), 1)
	return []*report.Result{r}
}

// A step is a change in which video layers come.
type step struct {
	at   time.Time
	have [topLayer + 1]bool
}

type steps []step

// carriedFor is how long after its last packet a layer still counts as carried: ten pictures.
const carriedFor = 330 * time.Millisecond

// sample notes which video layers come to at, until the returned function is called.
func (l *lab) sample(at *arrivals) func() steps {
	var all steps
	var news [topLayer + 1]time.Time // when each layer last grew
	var had mark
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-l.b.Context().Done():
				return
			case now := <-tick.C:
				has := at.mark()
				s := step{at: now}
				for i := range news {
					if has[i] > had[i] {
						news[i] = now
					}
					s.have[i] = now.Sub(news[i]) < carriedFor
				}
				had = has
				if len(all) == 0 || all[len(all)-1].have != s.have {
					all = append(all, s)
				}
			}
		}
	}()
	return func() steps {
		close(quit)
		<-ended
		return all
	}
}

// complete returns how long after from all layers came for good, 0 where they did not.
func (s steps) complete(from time.Time) time.Duration {
	if len(s) == 0 || s[len(s)-1].have != [topLayer + 1]bool{true, true, true} {
		return 0
	}
	return max(time.Millisecond, s[len(s)-1].at.Sub(from))
}

// firstChange returns how long after from the layers changed first, 0 where they did not.
func (s steps) firstChange(from time.Time) time.Duration {
	for _, c := range s[min(1, len(s)):] { // the first is no change
		if c.at.After(from) {
			return c.at.Sub(from)
		}
	}
	return 0
}

// most returns the most changes within any window of length every, from from to to.
func (s steps) most(from, to time.Time, every time.Duration) int {
	most := 0
	for i, first := range s {
		if first.at.Before(from) {
			continue
		}
		n := 0
		for _, c := range s[i:] {
			if c.at.Before(to) && c.at.Sub(first.at) < every {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}
