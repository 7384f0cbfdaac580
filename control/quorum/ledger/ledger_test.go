package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	pb "freshet/proto"
)

const minute = 60_000 // ms

// A book is a ledger to which a test writes.
type book struct {
	testing.TB
	l     *Ledger
	index uint64
	at    int64
}

func open(t testing.TB) *book { return &book{TB: t, l: New(), at: 1_000_000} }

func req(n uint64) []byte { return binary.BigEndian.AppendUint64(make([]byte, 8), n) }

// write applies e under a request of its own and returns its outcome.
func (b *book) write(e *pb.Entry) *pb.Outcome {
	b.Helper()
	b.index++
	if e.Version == 0 {
		e.Version = Version
	}
	if e.Request == nil {
		e.Request = req(b.index)
	}
	e.AtUnixMs = b.at
	o, err := b.l.Apply(b.index, bytesOf(b, e))
	if err != nil {
		b.Fatal(err)
	}
	return o
}

// want writes e and checks the verdict; it returns the number.
func (b *book) want(v pb.Verdict, e *pb.Entry) uint64 {
	b.Helper()
	o := b.write(e)
	if o.Verdict != v {
		b.Fatalf("%v: %v, want %v", e.Body, o.Verdict, v)
	}
	return o.Number
}

func bytesOf(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func snapshotOf(t testing.TB, l *Ledger) []byte {
	t.Helper()
	b, err := l.Snapshot().Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func key(n int) []byte { return bytes.Repeat([]byte{byte(n)}, 32) }

func putNode(node, role string, k int) *pb.Entry {
	return &pb.Entry{Body: &pb.Entry_PutNode{PutNode: &pb.PutNode{Node: node, Role: role, Region: "yul", Key: key(k)}}}
}

func setAdmin(node string, s pb.AdminState) *pb.Entry {
	return &pb.Entry{Body: &pb.Entry_SetAdmin{SetAdmin: &pb.SetAdmin{Node: node, State: s}}}
}

func removeNode(node string) *pb.Entry {
	return &pb.Entry{Body: &pb.Entry_RemoveNode{RemoveNode: &pb.RemoveNode{Node: node}}}
}

func addToken(secret int, role, region string) *pb.Entry {
	return &pb.Entry{Body: &pb.Entry_AddToken{AddToken: &pb.AddToken{SecretSha256: key(secret), Role: role, Region: region, ValidMs: 10 * minute}}}
}

func useToken(secret int, node, role string, k int) *pb.Entry {
	n := &pb.PutNode{Node: node, Role: role, Region: "par", Key: key(k)}
	return &pb.Entry{Body: &pb.Entry_UseToken{UseToken: &pb.UseToken{SecretSha256: key(secret), Node: n}}}
}

func place(stream, origin, standby string, expect uint64) *pb.Entry {
	return &pb.Entry{Body: &pb.Entry_Place{Place: &pb.Place{Stream: stream, Origin: origin, Standby: standby, Expect: expect}}}
}

func unplace(stream string, expect uint64) *pb.Entry {
	return &pb.Entry{Body: &pb.Entry_Unplace{Unplace: &pb.Unplace{Stream: stream, Expect: expect}}}
}

func setTree(stream string, epoch, expect uint64, hubs ...*pb.Hub) *pb.Entry {
	return &pb.Entry{Body: &pb.Entry_SetTree{SetTree: &pb.SetTree{Stream: stream, Epoch: epoch, Expect: expect, Hubs: hubs}}}
}

func putKey(kind pb.KeyKind, id string, sealed string) *pb.Entry {
	return &pb.Entry{Body: &pb.Entry_PutKey{PutKey: &pb.PutKey{Kind: kind, Id: id, Sealed: []byte(sealed)}}}
}

func useKey(kind pb.KeyKind, id string) *pb.Entry {
	return &pb.Entry{Body: &pb.Entry_UseKey{UseKey: &pb.UseKey{Kind: kind, Id: id}}}
}

func retireKey(kind pb.KeyKind, id string) *pb.Entry {
	return &pb.Entry{Body: &pb.Entry_RetireKey{RetireKey: &pb.RetireKey{Kind: kind, Id: id}}}
}

func putSetting(name, value string) *pb.Entry {
	return &pb.Entry{Body: &pb.Entry_PutSetting{PutSetting: &pb.PutSetting{Name: name, Value: []byte(value)}}}
}

const (
	done      = pb.Verdict_VERDICT_DONE
	malformed = pb.Verdict_VERDICT_MALFORMED
	unknown   = pb.Verdict_VERDICT_UNKNOWN
	taken     = pb.Verdict_VERDICT_TAKEN
	stale     = pb.Verdict_VERDICT_STALE
	expired   = pb.Verdict_VERDICT_EXPIRED
	usedUp    = pb.Verdict_VERDICT_USED
	wrongRole = pb.Verdict_VERDICT_WRONG_ROLE
	removed   = pb.Verdict_VERDICT_REMOVED
	full      = pb.Verdict_VERDICT_FULL
	inUse     = pb.Verdict_VERDICT_IN_USE

	signing = pb.KeyKind_KEY_KIND_SIGNING
	gossip  = pb.KeyKind_KEY_KIND_GOSSIP
)

func TestNodes(t *testing.T) {
	b := open(t)
	b.want(done, putNode("edge-1", "edge", 1))
	b.want(done, putNode("edge-1", "edge", 1))
	b.want(taken, putNode("edge-1", "edge", 2))
	b.want(taken, putNode("edge-1", "origin", 1))
	b.want(done, putNode("edge-2", "edge", 1)) // a key has one name
	if got := b.l.View().Nodes; len(got) != 1 || got["edge-2"] == nil {
		t.Errorf("nodes %v, want edge-2 in the place of edge-1", got)
	}
	b.want(taken, putNode("origin-1", "origin", 1))
	b.want(done, putNode("edge-1", "edge", 1))
	b.want(done, setAdmin("edge-1", pb.AdminState_ADMIN_STATE_DRAINING))
	b.want(done, putNode("edge-1", "edge", 1))
	if got := b.l.View().Nodes["edge-1"]; got.State != pb.AdminState_ADMIN_STATE_DRAINING || got.AtUnixMs != b.at {
		t.Errorf("a node that comes again is %v, want it draining as it was", got)
	}
	b.want(malformed, setAdmin("edge-1", pb.AdminState_ADMIN_STATE_UNSPECIFIED))
	b.want(unknown, setAdmin("edge-9", pb.AdminState_ADMIN_STATE_IN))
	b.want(done, removeNode("edge-1"))
	b.want(removed, removeNode("edge-1"))
	b.want(removed, setAdmin("edge-1", pb.AdminState_ADMIN_STATE_IN))
	b.want(removed, putNode("edge-3", "edge", 1)) // its key is refused for good
	b.want(done, putNode("edge-1", "edge", 3))    // and its name is free
	if b.l.View().IsRemoved("edge-1") {
		t.Error("edge-1 is in, and counts as removed")
	}
	b.want(unknown, removeNode("edge-9"))
	for _, bad := range []*pb.PutNode{
		{Node: "", Role: "edge", Key: key(1)}, {Node: "Edge", Role: "edge", Key: key(1)}, {Node: "e/1", Role: "edge", Key: key(1)},
		{Node: "e", Role: "ops", Key: key(1)}, {Node: "e", Role: "edge", Key: key(1)[:31]}, {Node: "e", Role: "edge", Region: "a b", Key: key(1)},
		{Node: string(bytes.Repeat([]byte("e"), 65)), Role: "edge", Key: key(1)},
	} {
		b.want(malformed, &pb.Entry{Body: &pb.Entry_PutNode{PutNode: bad}})
	}
}

func TestTokens(t *testing.T) {
	b := open(t)
	b.want(done, addToken(1, "edge", "yul"))
	b.want(taken, addToken(1, "edge", "yul"))
	b.want(unknown, useToken(9, "edge-1", "edge", 1))
	b.want(wrongRole, useToken(1, "origin-1", "origin", 1))
	b.want(malformed, useToken(1, "Edge", "edge", 1))
	b.want(done, useToken(1, "edge-1", "edge", 1))
	if got := b.l.View().Nodes["edge-1"]; got.GetRegion() != "yul" {
		t.Errorf("the node is %v, want it in the region of its token", got)
	}
	b.want(done, useToken(1, "edge-1", "edge", 1)) // its answer was lost
	b.want(usedUp, useToken(1, "edge-1", "edge", 2))
	b.want(usedUp, useToken(1, "edge-2", "edge", 2))

	b.want(done, addToken(2, "edge", ""))
	b.want(taken, useToken(2, "edge-1", "edge", 7)) // the name is edge-1's, and the token not used up
	b.want(done, useToken(2, "edge-2", "edge", 2))
	if got := b.l.View().Nodes["edge-2"]; got.GetRegion() != "par" {
		t.Errorf("the node is %v, want it where it says it is", got)
	}

	b.want(done, addToken(3, "edge", ""))
	b.at += 10*minute - 1
	b.want(done, useToken(3, "edge-3", "edge", 3))
	b.at++
	b.want(expired, useToken(3, "edge-3", "edge", 3))
	b.at += tokenMemory + 1
	b.want(expired, useToken(3, "edge-3", "edge", 3))
	b.want(done, addToken(4, "edge", ""))
	b.want(unknown, useToken(3, "edge-3", "edge", 3))

	b.want(done, removeNode("edge-2"))
	b.want(removed, useToken(4, "edge-4", "edge", 2))
	b.want(done, useToken(4, "edge-4", "edge", 4))
	for _, valid := range []int64{0, -1, maxTokenLife + 1} {
		e := addToken(5, "edge", "")
		e.GetAddToken().ValidMs = valid
		b.want(malformed, e)
	}
}

// Whatever comes to pass in between, an origin has an epoch that no other origin of the stream has had.
func TestEpochs(t *testing.T) {
	b := open(t)
	epoch := b.want(done, place("a", "origin-1", "origin-2", 0))
	if epoch != 1 {
		t.Errorf("first epoch %d, want 1", epoch)
	}
	if have := b.want(stale, place("a", "origin-2", "", 0)); have != 1 {
		t.Errorf("stale says %d, want 1", have)
	}
	if e := b.want(done, place("a", "origin-1", "origin-3", 1)); e != 1 {
		t.Errorf("another standby has epoch %d, want 1 as before", e)
	}
	if e := b.want(done, place("a", "origin-3", "origin-1", 1)); e != 2 {
		t.Errorf("another origin has epoch %d, want 2", e)
	}
	b.want(stale, unplace("a", 1))
	b.want(done, unplace("a", 2))
	b.want(unknown, unplace("a", 2))
	b.want(stale, place("a", "origin-1", "", 2))
	if e := b.want(done, place("a", "origin-1", "", 0)); e != 3 {
		t.Errorf("placed again: epoch %d, want 3", e)
	}
	b.want(malformed, place("a", "origin-1", "origin-1", 3))
	b.want(malformed, place("a", "", "", 3))
	b.want(malformed, place("A", "origin-1", "", 3))
	b.want(done, putNode("origin-9", "origin", 9))
	b.want(done, removeNode("origin-9"))
	b.want(removed, place("b", "origin-9", "", 0))
	b.want(removed, place("b", "origin-1", "origin-9", 0))
}

// The epochs of streams that are long gone are forgotten together: each starts above all of them.
func TestEpochFloor(t *testing.T) {
	b := open(t)
	for e := range uint64(3) {
		b.want(done, place("old", fmt.Sprintf("origin-%d", e+1), "", e))
	}
	b.want(done, unplace("old", 3))
	for i := range maxUnplaced - 1 {
		b.l.s.unplaced = append(b.l.s.unplaced, &pb.Unplaced{Stream: fmt.Sprintf("s%d", i), Epoch: 1})
	}
	b.want(done, place("last", "origin-1", "", 0))
	b.want(done, unplace("last", 1))
	if n := len(b.l.View().unplaced); n != maxUnplaced {
		t.Errorf("%d epochs of streams without origin are kept, want %d", n, maxUnplaced)
	}
	if e := b.want(done, place("old", "origin-1", "", 0)); e != 4 {
		t.Errorf("the stream that was forgotten goes on with epoch %d, want 4", e)
	}
	if e := b.want(done, place("new", "origin-1", "", 0)); e != 4 {
		t.Errorf("a new one begins with %d, want 4: nobody knows that it is new", e)
	}
	if e := b.want(done, place("last", "origin-1", "", 0)); e != 4 {
		t.Errorf("one that is remembered goes on with %d, want above the floor too", e)
	}
	b.l.s.floor = maxPlaceEpoch
	b.want(full, place("newer", "origin-1", "", 0))
}

func TestTrees(t *testing.T) {
	b := open(t)
	b.want(unknown, setTree("a", 0, 0))
	b.want(done, place("a", "origin-1", "", 0))
	hub := func(node, parent string) *pb.Hub { return &pb.Hub{Node: node, Region: "yul", Parent: parent} }
	v := b.want(done, setTree("a", 1, 0, hub("edge-1", ""), hub("edge-2", "edge-1")))
	if v != b.index {
		t.Errorf("version %d, want the index %d", v, b.index)
	}
	b.want(stale, setTree("a", 1, 0))
	b.want(stale, setTree("a", 2, v)) // made for another origin
	v2 := b.want(done, setTree("a", 1, v, hub("edge-2", "")))
	if v2 <= v {
		t.Errorf("version %d after %d", v2, v)
	}
	b.want(malformed, setTree("a", 1, v2, hub("edge-1", "edge-2"), hub("edge-2", "edge-1"))) // a ring
	b.want(malformed, setTree("a", 1, v2, hub("edge-1", "edge-1")))
	b.want(malformed, setTree("a", 1, v2, hub("edge-1", ""), hub("edge-1", "")))
	b.want(malformed, setTree("a", 1, v2, make([]*pb.Hub, maxHubs+1)...))
	b.want(done, place("a", "origin-2", "", 1))
	if tree := b.l.View().Trees["a"]; tree.GetEpoch() != 1 || len(tree.GetHubs()) != 1 {
		t.Errorf("after the origin's death the tree is %v, want it as it was", tree)
	}
	b.want(stale, setTree("a", 1, v2))
	b.want(done, setTree("a", 2, v2))
	b.want(done, unplace("a", 2))
	if tree := b.l.View().Trees["a"]; tree != nil {
		t.Errorf("a stream without origin has the tree %v", tree)
	}
}

func TestKeys(t *testing.T) {
	b := open(t)
	b.want(done, putKey(signing, "k1", "x"))
	b.want(done, putKey(gossip, "k1", "z")) // another kind, another key
	b.want(done, putKey(signing, "k1", "x"))
	b.want(taken, putKey(signing, "k1", "y"))
	b.want(done, putKey(signing, "k2", "y"))
	if got := b.l.View().InUse(signing); got.GetId() != "k1" {
		t.Errorf("in use: %v, want the first until another is", got)
	}
	b.want(inUse, retireKey(signing, "k1"))
	b.want(unknown, useKey(signing, "k3"))
	b.want(done, useKey(signing, "k2"))
	if got := b.l.View().InUse(signing); got.GetId() != "k2" {
		t.Errorf("in use: %v, want k2", got)
	}
	if got := b.l.View().InUse(gossip); got.GetId() != "k1" {
		t.Errorf("in use for gossip: %v, want k1", got)
	}
	b.want(done, retireKey(signing, "k1"))
	b.want(unknown, retireKey(signing, "k1"))
	b.want(malformed, putKey(signing, "k 1", "x"))
	b.want(malformed, putKey(signing, "k9", ""))
	b.want(malformed, putKey(pb.KeyKind_KEY_KIND_UNSPECIFIED, "k9", "x"))

	b.want(done, putSetting("voters", "3"))
	b.want(done, putSetting("voters", "5"))
	if got := b.l.View().Settings["voters"]; string(got) != "5" {
		t.Errorf("setting %q, want 5", got)
	}
	b.want(done, putSetting("voters", ""))
	if _, ok := b.l.View().Settings["voters"]; ok {
		t.Error("a setting without value is there")
	}
	b.want(malformed, putSetting("", "x"))
	b.want(malformed, putSetting("x", string(make([]byte, maxValue+1))))
}

// Each list has an end.
func TestFull(t *testing.T) {
	k := func(i int) []byte { return append(req(uint64(i)), req(uint64(i))...) }
	for _, c := range []struct {
		name string
		room int
		nth  func(i int) *pb.Entry
	}{
		{"tokens", maxTokens, func(i int) *pb.Entry {
			return &pb.Entry{Body: &pb.Entry_AddToken{AddToken: &pb.AddToken{SecretSha256: k(i), Role: "edge", ValidMs: 1}}}
		}},
		{"placements", maxPlacements, func(i int) *pb.Entry { return place(fmt.Sprintf("s%d", i), "origin-1", "", 0) }},
		{"keys", maxKeys, func(i int) *pb.Entry { return putKey(gossip, fmt.Sprintf("k%d", i), "x") }},
		{"settings", maxSettings, func(i int) *pb.Entry { return putSetting(fmt.Sprintf("s%d", i), "x") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t)
			for i := range c.room {
				b.want(done, c.nth(i))
			}
			b.want(full, c.nth(c.room))
		})
	}
	t.Run("nodes", func(t *testing.T) {
		b := open(t)
		for i := range maxNodes - 1 {
			n := fmt.Sprintf("n%d", i)
			b.l.s.Nodes[n] = &pb.NodeRecord{Node: n, Role: "edge", Key: k(i)}
		}
		b.want(done, putNode("last", "edge", 1))
		b.want(full, putNode("one-more", "edge", 2))
	})
	t.Run("removed", func(t *testing.T) {
		b := open(t)
		for i := range maxRemoved {
			b.l.s.Removed = append(b.l.s.Removed, &pb.RemovedNode{Node: fmt.Sprintf("n%d", i), Key: k(i), AtUnixMs: b.at})
		}
		last := "one-more"
		b.want(done, putNode(last, "edge", 1))
		b.want(full, removeNode(last)) // the oldest could still hold a certificate
		b.at += certificateLife
		b.want(done, removeNode(last))
		if s := b.l.View(); len(s.Removed) != maxRemoved || s.IsRemoved("n0") || !s.IsRemoved(last) {
			t.Error("the node that was removed first should have made room")
		}
	})
}

// What comes again is answered as the first time, and changes nothing.
func TestSameRequest(t *testing.T) {
	b := open(t)
	e := place("a", "origin-1", "", 0)
	e.Request = req(7_000_000)
	first := b.write(e)
	b.want(done, place("a", "origin-2", "", 1))
	again := b.write(e)
	if !proto.Equal(first, again) || first.Number != 1 {
		t.Errorf("again: %v, want %v", again, first)
	}
	if p := b.l.View().Placements["a"]; p.Origin != "origin-2" || p.Epoch != 2 {
		t.Errorf("placed %v by an entry that came again", p)
	}
	l, err := Open(snapshotOf(t, b.l)) // a node that was restored knows it too
	if err != nil {
		t.Fatal(err)
	}
	b.l = l
	if again := b.write(e); !proto.Equal(first, again) {
		t.Errorf("after a restore: %v, want %v", again, first)
	}
	for i := range maxAnswered {
		b.want(done, putSetting("x", fmt.Sprint(i)))
	}
	if got := b.write(e); got.Verdict != stale {
		t.Errorf("after %d others: %v, want it taken anew", maxAnswered, got)
	}
	if n := len(b.l.answered); n != maxAnswered || len(b.l.order) != n {
		t.Errorf("%d outcomes in memory, %d in order, want %d", n, len(b.l.order), maxAnswered)
	}
}

// What a newer release has written is refused by its name, and nothing of it is taken.
func TestTooNew(t *testing.T) {
	good := putSetting("x", "y")
	good.Version, good.Request = Version, req(1)
	newer := proto.Clone(good).(*pb.Entry)
	newer.Version = Version + 1
	wide := proto.Clone(good).(*pb.Entry)
	wide.GetPutSetting().ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 1))
	value := setAdmin("edge-1", pb.AdminState(77))
	value.Version, value.Request = Version, req(1)
	deep := setTree("a", 0, 0, &pb.Hub{Node: "e"})
	deep.Version, deep.Request = Version, req(1)
	deep.GetSetTree().Hubs[0].ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 1))
	bodyless := &pb.Entry{Version: Version, Request: req(1)}
	foreign := append(bytesOf(t, bodyless), protowire.AppendBytes(protowire.AppendTag(nil, 500, protowire.BytesType), nil)...)
	for _, c := range []struct {
		name string
		b    []byte
		want error
	}{
		{"version", bytesOf(t, newer), ErrTooNew},
		{"body", foreign, ErrTooNew},
		{"field of a body", bytesOf(t, wide), ErrTooNew},
		{"field of a hub", bytesOf(t, deep), ErrTooNew},
		{"value", bytesOf(t, value), ErrTooNew},
		{"no body", bytesOf(t, bodyless), ErrMalformed},
		{"no request", bytesOf(t, &pb.Entry{Version: Version, Body: good.Body}), ErrMalformed},
		{"no version", bytesOf(t, &pb.Entry{Request: req(1), Body: good.Body}), ErrMalformed},
		{"garbage", []byte{0xff, 1, 2}, ErrMalformed},
		{"empty", nil, ErrMalformed},
		{"too large", make([]byte, MaxEntry+1), ErrMalformed},
	} {
		b := open(t)
		b.want(done, putSetting("a", "b"))
		before := snapshotOf(t, b.l)
		if _, err := b.l.Apply(2, c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if !bytes.Equal(before, snapshotOf(t, b.l)) {
			t.Errorf("%s: the ledger is another", c.name)
		}
	}
}

func TestBadSnapshots(t *testing.T) {
	b := open(t)
	b.want(done, place("a", "origin-1", "", 0))
	b.want(done, setTree("a", 1, 0))
	good := &pb.Ledger{}
	if err := proto.Unmarshal(snapshotOf(t, b.l), good); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		spoil func(m *pb.Ledger)
		want  error
	}{
		{"version", func(m *pb.Ledger) { m.Version++ }, ErrTooNew},
		{"field", func(m *pb.Ledger) {
			m.Placements[0].ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 1))
		}, ErrTooNew},
		{"no version", func(m *pb.Ledger) { m.Version = 0 }, ErrMalformed},
		{"a stream twice", func(m *pb.Ledger) { m.Placements = append(m.Placements, m.Placements[0]) }, ErrMalformed},
		{"a tree of no stream", func(m *pb.Ledger) { m.Trees[0].Stream = "b" }, ErrMalformed},
		{"a short token", func(m *pb.Ledger) { m.Tokens = []*pb.JoinToken{{SecretSha256: []byte{1}}} }, ErrMalformed},
		{"a request twice", func(m *pb.Ledger) { m.Answered[1].Request = m.Answered[0].Request }, ErrMalformed},
		{"a setting without value", func(m *pb.Ledger) { m.Settings = []*pb.Setting{{Name: "x"}} }, ErrMalformed},
	} {
		m := proto.Clone(good).(*pb.Ledger)
		c.spoil(m)
		if _, err := Open(bytesOf(t, m)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := Open([]byte("garbage")); !errors.Is(err, ErrMalformed) {
		t.Errorf("garbage: %v, want ErrMalformed", err)
	}
}

// A view stays as it was while the ledger goes on.
func TestView(t *testing.T) {
	b := open(t)
	b.want(done, place("a", "origin-1", "", 0))
	v := b.l.View()
	if b.l.View() != v {
		t.Error("two views of one state")
	}
	b.want(done, place("a", "origin-2", "", 1))
	b.want(done, putNode("edge-1", "edge", 1))
	b.want(done, removeNode("edge-1"))
	if v.Index != 1 || v.Placements["a"].Origin != "origin-1" || len(v.Removed) != 0 {
		t.Errorf("an older view has changed: %+v", v)
	}
}

// random returns an entry of few names, so that most say something of what others have said.
func random(r *rand.Rand, n uint64) *pb.Entry {
	node, stream := fmt.Sprintf("n%d", r.IntN(12)), fmt.Sprintf("s%d", r.IntN(6))
	expect := r.Uint64N(4)
	var e *pb.Entry
	switch r.IntN(12) {
	case 0:
		e = putNode(node, "edge", r.IntN(12))
	case 1:
		e = setAdmin(node, pb.AdminState(1+r.IntN(3)))
	case 2:
		e = removeNode(fmt.Sprintf("n%d", r.IntN(40)))
	case 3:
		e = addToken(r.IntN(8), "edge", "")
	case 4:
		e = useToken(r.IntN(8), node, "edge", r.IntN(12))
	case 5, 6:
		e = place(stream, fmt.Sprintf("o%d", r.IntN(3)), "", expect)
	case 7:
		e = unplace(stream, expect)
	case 8:
		e = setTree(stream, expect, 0, &pb.Hub{Node: node})
	case 9:
		e = putKey(pb.KeyKind(1+r.IntN(2)), fmt.Sprintf("k%d", r.IntN(20)), "x")
	case 10:
		e = useKey(pb.KeyKind(1+r.IntN(2)), fmt.Sprintf("k%d", r.IntN(20)))
	default:
		e = retireKey(pb.KeyKind(1+r.IntN(2)), fmt.Sprintf("k%d", r.IntN(20)))
	}
	if r.IntN(10) == 0 {
		n = r.Uint64N(n + 1) // it comes again, or its request does
	}
	e.Version, e.Request, e.AtUnixMs = Version, req(n), int64(n)*5000+r.Int64N(60_000)
	return e
}

// Two nodes that take the same entries are the same to the byte, also where one was restored from a snapshot in between.
func TestDeterministic(t *testing.T) {
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 1))
		a, b := New(), New()
		for i := range uint64(1500) {
			e := bytesOf(t, random(r, i))
			oa, err := a.Apply(i+1, e)
			if err != nil {
				t.Fatal(err)
			}
			if r.IntN(300) == 0 {
				if b, err = Open(snapshotOf(t, b)); err != nil {
					t.Fatal(err)
				}
			}
			if ob, err := b.Apply(i+1, e); err != nil || !proto.Equal(oa, ob) {
				t.Fatalf("seed %d, entry %d: %v and %v, %v", seed, i, oa, ob, err)
			}
		}
		if !bytes.Equal(snapshotOf(t, a), snapshotOf(t, b)) {
			t.Fatalf("seed %d: two ledgers of the same entries differ", seed)
		}
	}
}

// Bytes of whatever kind are an entry, or refused; what a ledger has taken, it can write and read.
func FuzzEntry(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range uint64(40) {
		f.Add(bytesOf(f, random(r, i)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l := New()
		for i := range uint64(3) {
			if _, err := l.Apply(i+1, b); err != nil {
				if l.Index() != i {
					t.Fatalf("refused, and at %d", l.Index())
				}
				return
			}
		}
		again, err := Open(snapshotOf(t, l))
		if err != nil || !bytes.Equal(snapshotOf(t, again), snapshotOf(t, l)) {
			t.Fatalf("what was taken does not come back: %v", err)
		}
	})
}

func FuzzSnapshot(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	l := New()
	f.Add(snapshotOf(f, l))
	for i := range uint64(200) {
		if _, err := l.Apply(i+1, bytesOf(f, random(r, i))); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(snapshotOf(f, l))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := Open(b)
		if err != nil {
			return
		}
		first := snapshotOf(t, l)
		again, err := Open(first)
		if err != nil || !bytes.Equal(snapshotOf(t, again), first) {
			t.Fatalf("round trip: %v", err)
		}
	})
}

func BenchmarkApply(b *testing.B) {
	l := New()
	e := place("a", "origin-1", "", 0)
	e.Version = Version
	b.ReportAllocs()
	var n uint64
	for b.Loop() {
		n++
		e.Request = req(n)
		raw, _ := proto.Marshal(e)
		if _, err := l.Apply(n, raw); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSnapshot writes and reads a ledger as large as clusters become: 1,000 nodes, 1,000 streams with trees.
func BenchmarkSnapshot(b *testing.B) {
	w := open(b)
	for i := range 1000 {
		e := putNode(fmt.Sprintf("n%d", i), "edge", 0)
		e.GetPutNode().Key = append(req(uint64(i)), req(uint64(i))...)
		w.want(done, e)
		s := fmt.Sprintf("s%d", i)
		w.want(done, place(s, "origin-1", "origin-2", 0))
		var hubs []*pb.Hub
		for h := range 20 {
			hubs = append(hubs, &pb.Hub{Node: fmt.Sprintf("n%d", h), Region: "yul"})
		}
		w.want(done, setTree(s, 1, 0, hubs...))
	}
	b.ReportAllocs()
	for b.Loop() {
		raw := snapshotOf(b, w.l)
		if _, err := Open(raw); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(raw)), "bytes")
	}
}
