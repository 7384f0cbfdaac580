package egress

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"freshet/bench/report"
	"freshet/bench/stand"
)

const (
	keyViewers = 5000
	keyWatched = 25 // one in so many
	keyFloors  = 5  // key frames of the bare loops, before and after
	keyFor     = 12 * time.Second

	// keyBefore and keyAfter are when, around a key frame, sound counts as behind it.
	keyBefore = 20 * time.Millisecond
	keyAfter  = 300 * time.Millisecond
)

// keyIDs are the ids of what a row with that name gives.
func keyIDs(row string) (ids []string) {
	for _, what := range []string{"floor", "spread", "ratio", "median", "sound", "got"} {
		ids = append(ids, row+"-"+what)
	}
	return ids
}

// keyRow measures how a large key frame in the ordinary stream comes to many fake viewers.
func keyRow(row string, a attendance) stand.Row {
	return fakeRow(row, keyIDs(row), fmt.Sprintf("a key frame of %d kB each 2 s to %s, beside bare loops that send it alone", keyPackets*videoSize/1000, a.words),
		func(b *stand.Bench) audience { return keyAudience(a.viewers(b), keyWatched, b.Length(keyFor)) },
		func(f *finding) ([]*report.Result, error) { return keyResults(row, runtime.NumCPU(), f) })
}

// keyAudience are n viewers of large key frames. They give no transport-wide feedback: what is made up says that packets come
// evenly, and of a key frame that would be a lie.
func keyAudience(n, every int, length time.Duration) audience {
	return audience{viewers: n, every: every, key: keyPackets, keys: keyFloors, windows: 1, each: length}
}

// A keyFrame is how one large key frame came to those who are watched: its last packet to each.
type keyFrame struct {
	spread time.Duration // from the first viewer's to the last one's
	wait   time.Duration // from when it was begun to the median viewer's
	came   int           // to how many
}

// keyFrames returns how those that were begun at the moments in begun came. moment says of an arrival to which it belongs.
func keyFrames(begun []int64, all []arrival, moment func(arrival) int64) (frames []keyFrame) {
	at := map[int64][]int64{}
	for _, a := range all {
		m := moment(a)
		at[m] = append(at[m], a.At)
	}
	for _, b := range begun {
		came := at[b]
		if len(came) == 0 {
			frames = append(frames, keyFrame{})
			continue
		}
		slices.Sort(came)
		frames = append(frames, keyFrame{time.Duration(came[len(came)-1] - came[0]), time.Duration(came[len(came)/2] - b), len(came)})
	}
	return frames
}

// newestOf returns the newest of moments that is not after a came: key frames of a bare loop do not overlap.
func newestOf(moments []int64) func(arrival) int64 {
	return func(a arrival) int64 {
		i, found := slices.BinarySearch(moments, a.At)
		if !found {
			i--
		}
		if i < 0 {
			return 0
		}
		return moments[i]
	}
}

// behind returns for each key frame the longest wait of sound that was written about then, and how much of it is missing
// at watched viewers.
func behind(keys []int64, sound []arrival, watched int) (longest []float64, missing float64) {
	written, came := map[int64]bool{}, 0
	for _, k := range keys {
		most := time.Duration(0)
		for _, a := range sound {
			if a.Written < k-int64(keyBefore) || a.Written > k+int64(keyAfter) {
				continue
			}
			written[a.Written] = true
			came++
			most = max(most, time.Duration(a.At-a.Written))
		}
		longest = append(longest, report.MS(most))
	}
	return longest, 1 - float64(came)/float64(max(1, watched*len(written)))
}

// keyResults holds what came of the viewers that are watched to what is asked of key frames.
func keyResults(row string, shards int, f *finding) ([]*report.Result, error) {
	watching := 0
	for i := range f.viewers {
		if watched(i, shards, f.every) {
			watching++
		}
	}
	var begun []int64
	for _, each := range f.floors {
		begun = append(begun, each.Keys...)
	}
	bare := keyFrames(begun, f.plain, newestOf(begun))
	sent := keyFrames(f.edge.Keys, f.sinks.Keys, func(a arrival) int64 { return a.Written })
	// Whoever is watched stands every seats from the next: first and last are so much further apart.
	whole := 1.
	if per := float64(watching) / float64(shards); per > 1 {
		whole = per / (per - 1)
	}
	floor, floorWait, floorCame := keyTimes(bare, whole)
	spread, wait, came := keyTimes(sent, whole)
	if floorCame == 0 || came == 0 {
		return nil, fmt.Errorf("key frames came to %d watched viewers from the bare loops, to %d from the edge", floorCame, came)
	}
	sound, missing := behind(f.edge.Keys, f.sinks.Sound, watching)
	if len(f.sinks.Sound) == 0 {
		return nil, errors.New("no sound came to watched viewers")
	}
	ratio, later := make([]float64, len(spread)), make([]float64, len(wait))
	for i := range spread {
		ratio[i], later[i] = spread[i]/median(floor), wait[i]-median(floorWait)
	}
	worst := report.GoalAtMost(row+"-sound", "ms", slices.Max(sound), 20)
	worst.Repeats("value", sound...)
	worst.AtMost("missing", report.Round(missing, 4), .005)
	got := report.GoalAtLeast(row+"-got", "share", float64(came)/float64(watching*len(sent)), .995)
	got.Set("key_frames", len(sent))
	got.Set("watched", watching)
	got.Set("viewers", f.viewers)
	return []*report.Result{
		figure(row+"-floor", "ms", floor),
		atMost(row+"-spread", "ms", spread, 120),
		atMost(row+"-ratio", "ratio", ratio, 1.6),
		atMost(row+"-median", "ms later than unpaced", later, 10),
		worst,
		got,
	}, nil
}

// keyTimes returns spreads, times whole, and waits of frames in milliseconds, and to how many viewers they came in all.
func keyTimes(frames []keyFrame, whole float64) (spreads, waits []float64, came int) {
	for _, k := range frames {
		if k.came == 0 {
			continue
		}
		spreads = append(spreads, report.Round(report.MS(k.spread)*whole, 3))
		waits = append(waits, report.MS(k.wait))
		came += k.came
	}
	return spreads, waits, came
}
