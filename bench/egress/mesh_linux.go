package egress

import (
	"strconv"
	"time"

	"freshet/bench/load"
	"freshet/bench/stand"
	"freshet/bench/testmesh"
)

// The stream of rows with real sessions, and who may publish it.
const (
	meshStream = "s"
	meshKey    = "publisher-key"
)

// roomy is what an edge is told that it can send where nobody is to be refused: more than any row asks for.
const roomy = 100_000 // Mbit/s

// airWithin is how long the first picture may take from the publisher's connection.
const airWithin = 10 * time.Second

// A mesh is an origin and an edge below it, each a process of the real binary, with a publisher of 1 Mbit/s.
type mesh struct {
	origin, edge *stand.Process
	raw          *load.Raw // the publisher
	offAir       func()    // ends it
}

// newMesh starts one, whose edge has args on top, and returns once the stream is on the air. It ends with the row.
func newMesh(b *stand.Bench, args ...string) *mesh {
	b.Helper()
	dir := b.TempDir()
	origin := b.Node(dir, "origin", testmesh.Origin, "--stream", meshStream+"="+meshKey)
	args = append([]string{"--upstream", testmesh.Origin + "=" + origin.Relay}, args...)
	edge := b.Node(dir, "edge", "edge", args...)
	raw, off := b.Publish(megabit(origin.WHIP(meshStream), meshKey))
	b.Until("a picture at the origin", airWithin, func() bool { return b.Scrape(origin.URL).Sum("freshet_ingest_keyframes_total") > 0 })
	return &mesh{origin: origin, edge: edge, raw: raw, offAir: off}
}

// end ends all of it before the row does, so that nothing of it runs beside what follows.
func (m *mesh) end() {
	m.offAir()
	m.edge.Stop()
	m.origin.Stop()
}

// newRoomyMesh starts one whose edge refuses nobody for want of room.
func newRoomyMesh(b *stand.Bench) *mesh {
	b.Helper()
	return newMesh(b, "--capacity-mbps", strconv.Itoa(roomy))
}

// whep is where viewers of the edge watch.
func (m *mesh) whep() string { return m.edge.WHEP(meshStream) }

// megabit is a publisher to url: 30 pictures of four packets and 50 packets of sound a second.
func megabit(url, key string) load.RawConfig {
	return load.RawConfig{URL: url, Key: key, Audio: true, KeyOnAsk: true}
}

// megabitPackets is what a viewer of it gets in a second.
const megabitPackets = 30*4 + 50
