package relay

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/quic-go/quic-go"

	"freshet/bench/load"
	"freshet/bench/report"
	"freshet/bench/stand"
	"freshet/bench/testmesh"
	"freshet/cluster/identity"
)

// Two streams of 1,150 packets a second: together what the target asks for and some more, each within what an
// origin takes of one publisher.
const (
	cpuStreams  = 2
	cpuPictures = 50
	cpuBurst    = 22 // packets of a picture
	cpuSize     = 1065
	cpuPace     = 20_000_000 // bit/s within a picture, so that half of the time is quiet
	cpuLength   = 20 * time.Second
	cpuLeast    = 2000 // packets a second
	cpuMost     = 150. // µs of receiving a packet and sending it once
	cpuProfile  = 10 * time.Second
	cpuShown    = 14 // packages of the profile
)

func cpuRow() stand.Row {
	return stand.Row{
		ID: "cpu", Run: runCPU,
		About: fmt.Sprintf("a middle edge at %d packets a second, and a plain forwarder of QUIC datagrams at the same", cpuStreams*(cpuPictures*cpuBurst+50)),
	}
}

// runCPU measures a middle edge, looks where its time goes, and measures the forwarder.
func runCPU(b *stand.Bench) []*report.Result {
	dir := b.TempDir()
	var streams, args []string
	for i := range cpuStreams {
		streams = append(streams, fmt.Sprintf("%s%d", benchStream, i+1))
		args = append(args, "--stream", streams[i]+"="+benchKey)
	}
	origin := b.Node(dir, "origin", testmesh.Origin, args...)
	middle := b.Node(dir, "edge", "middle", "--shards", "1", "--upstream", testmesh.Origin+"="+origin.Relay)
	last := b.Node(dir, "edge", "last", "--shards", "1", "--upstream", "middle="+middle.Relay)
	// A viewer of sound alone keeps the whole stream at the last edge, whose cost is none of this.
	watch, stop := context.WithCancel(b.Context())
	defer stop()
	var watched sync.WaitGroup
	for _, id := range streams {
		publish(b, origin, id, load.RawConfig{
			Rate: cpuPictures, Audio: true, PaceBPS: cpuPace,
			Layers: []load.RawLayer{{Packets: cpuBurst, Size: cpuSize}},
		})
		watched.Go(func() { watchAgain(watch, load.PlayConfig{URL: last.WHEP(id), NoVideo: true}, b) })
	}
	const received = "freshet_relay_received_packets_total"
	b.Until("packets at the last edge", patience, func() bool { return b.Scrape(last.URL).Sum(received) > cpuLeast })
	b.During(warm, "begin")

	length := b.Length(cpuLength)
	before, used, begun := b.Scrape(middle.URL), middle.CPU(), time.Now()
	b.During(length, "middle edge")
	used = middle.CPU() - used
	took := time.Since(begun)
	now := b.Scrape(middle.URL).Since(before)
	packets := now.Sum(received)
	sent := now.Sum("freshet_relay_sent_packets_total")
	size := int(now.Sum("freshet_relay_received_bytes_total") / max(1, packets))

	ctx, done := context.WithTimeout(b.Context(), cpuProfile+patience)
	defer done()
	b.Tell("profile of the middle edge: %v", cpuProfile)
	raw, err := middle.Get(ctx, "/debug/pprof/profile", url.Values{"seconds": {fmt.Sprint(int(cpuProfile.Seconds()))}}, mostProfile)
	if err != nil {
		b.Fatal(err)
	}
	shares, err := byPackage(raw)
	if err != nil {
		b.Fatal(err)
	}
	stop()
	watched.Wait()
	// The forwarder stands where the middle edge stood; the publishers and the origin go on, as they did.
	for _, p := range []*stand.Process{last, middle} {
		p.Stop()
	}
	plain := forwarder(b, dir, size, length)

	r := &report.Result{ID: "cpu", Target: fmt.Sprintf("receive and one send at most %g µs at %d packets a second and more", cpuMost, cpuLeast)}
	r.Set("seconds", took.Seconds())
	r.Set("n", int(packets))
	r.Set("sent", int(sent))
	r.Set("bytes_a_packet", size)
	r.AtLeast("packets_per_second", packets/took.Seconds(), cpuLeast)
	r.Want(sent > .99*packets, "of %.0f packets only %.0f went on", packets, sent)
	each := float64(used.Microseconds()) / max(1, packets)
	r.AtMost("us_a_packet", report.Round(each, 1), cpuMost)
	r.Set("plain_us_a_packet", report.Round(plain.each, 1))
	r.Set("plain_packets_per_second", report.Round(plain.rate, 0))
	r.Set("over_plain", report.Round(each/plain.each, 2))
	var made []string
	for _, s := range shares[:min(len(shares), cpuShown)] {
		made = append(made, fmt.Sprintf("%s %.0f%%", s.name, 100*s.share))
	}
	r.Set("made_of", strings.Join(made, ", "))
	return []*report.Result{r}
}

// A plainCost is what a forwarder came to.
type plainCost struct{ each, rate float64 } // µs a packet, packets a second

// forwarder has a process forward datagrams of size bytes at the pace of the stream for length.
func forwarder(b *stand.Bench, dir string, size int, length time.Duration) plainCost {
	b.Helper()
	ca := filepath.Join(dir, "ca")
	sink, err := forwardIdentity(ca, "sink")
	if err != nil {
		b.Fatal(err)
	}
	ln, err := quic.ListenAddr("127.0.0.1:0", sink.ServerTLS([]string{forwardALPN}, identity.RoleEdge), forwardQUIC())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := ln.Close(); err != nil {
			b.Errorf("sink: %v", err)
		}
	})
	var got atomic.Int64
	b.Background("sink", func(ctx context.Context) error { return drain(ctx, ln, func() { got.Add(1) }) })

	cmd := exec.Command(b.Config.Binary, "bench", "forward", "--ca", ca, "--listen", "127.0.0.1:0", "--target", ln.Addr().String())
	cmd.Env = stand.Environment()
	cmd.Stderr = b.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it ends with its connection anyway
		if err := cmd.Wait(); err != nil {
			b.Errorf("forwarder: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	var where struct{ Listen string }
	if err == nil {
		err = json.Unmarshal(line, &where)
	}
	if err != nil {
		b.Fatalf("forwarder: %v", err)
	}
	source, err := forwardIdentity(ca, "source")
	if err != nil {
		b.Fatal(err)
	}
	conn, err := dialForward(b.Context(), source, where.Listen, "forwarder")
	if err != nil {
		b.Fatalf("dial the forwarder: %v", err)
	}
	b.Cleanup(func() { _ = conn.CloseWithError(0, "") })
	pace := cpuSize * 8 * time.Second / cpuPace / cpuStreams
	b.Background("source", func(ctx context.Context) error {
		return pour(ctx, conn, size, cpuStreams*cpuBurst, time.Second/cpuPictures, pace)
	})
	b.Until("datagrams at the sink", patience, func() bool { return got.Load() > cpuLeast })
	b.During(warm, "begin")
	used, err := report.CPUOf(cmd.Process.Pid)
	if err != nil {
		b.Fatal(err)
	}
	from, begun := got.Load(), time.Now()
	b.During(length, "plain forwarder")
	end, err := report.CPUOf(cmd.Process.Pid)
	if err != nil {
		b.Fatal(err)
	}
	n := float64(got.Load() - from)
	if n == 0 || end == used {
		b.Fatalf("forwarder: %.0f packets in %v of processor time", n, end-used)
	}
	return plainCost{each: float64((end - used).Microseconds()) / n, rate: n / time.Since(begun).Seconds()}
}
