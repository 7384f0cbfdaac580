package load

import (
	"runtime"
	"strings"
	"testing"

	"github.com/pion/srtp/v2"
	"golang.org/x/sys/unix"
)

// mostLean is what one lean viewer may take of the heap.
const mostLean = 20 << 10

func TestLeanViewerIsSmall(t *testing.T) {
	answer, err := parseLeanAnswer(strings.ReplaceAll(leanExample, "\n", "\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	const n = 500
	seats := make([]seat, n)
	viewers := make([]*leanViewer, n)
	key := make([]byte, 16)
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	for i := range viewers {
		v := newLeanViewer(nil, &seats[i], -1, newCredentials(), answer)
		if v.keys.in, err = srtp.CreateContext(key, key[:12], srtp.ProtectionProfileAeadAes128Gcm); err != nil {
			t.Fatal(err)
		}
		if v.keys.out, err = srtp.CreateContext(key, key[:12], srtp.ProtectionProfileAeadAes128Gcm); err != nil {
			t.Fatal(err)
		}
		for _, typ := range []uint8{104, 111} {
			if track, _ := v.lane(typ); track == nil {
				t.Fatalf("no track of type %d", typ)
			}
		}
		viewers[i] = v
	}
	each := (heap() - before) / n
	runtime.KeepAlive(viewers)
	t.Logf("%d bytes a viewer", each)
	if each < 2000 || each > mostLean {
		t.Errorf("%d bytes a viewer, want %d at most, and not next to none", each, mostLean)
	}
}

// The filter drops media and nothing else, and the kernel counts what it drops.
func TestFilterDropsMediaAlone(t *testing.T) {
	local, err := localAddress("http://127.0.0.1/")
	if err != nil {
		t.Fatal(err)
	}
	a, from, err := openLean(local)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(a) }()
	b, to, err := openLean(local)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(b) }()
	if err := unix.Connect(a, sockaddr(to)); err != nil {
		t.Fatal(err)
	}
	if err := unix.Connect(b, sockaddr(from)); err != nil {
		t.Fatal(err)
	}
	if err := filterMedia(b); err != nil {
		t.Fatal(err)
	}
	for _, first := range []byte{0, 20, 127, 128, 150, 191, 192, 255} {
		if _, err := unix.Write(a, []byte{first, 200, 3}); err != nil {
			t.Fatal(err)
		}
	}
	r := newLeanReader()
	var got []byte
	for n := r.read(b); n > 0; n = r.read(b) {
		for i := range n {
			if d := r.datagram(i); len(d) == 3 {
				got = append(got, d[0])
			}
		}
	}
	if string(got) != string([]byte{0, 20, 127, 192, 255}) || drops(b) != 3 {
		t.Errorf("got %v through, %d dropped, want 0 20 127 192 255, and 3", got, drops(b))
	}
}

// The filter waits for a key frame: a server that keeps no pictures begins in the middle of a group.
func TestFilterWaitsForAKeyFrame(t *testing.T) {
	v := &leanViewer{video: &leanTrack{}}
	v.answer.video.formats = []leanFormat{{}}
	for _, row := range []struct {
		frames, keys int64
		want         bool
	}{{filterAfter + 20, 0, false}, {filterAfter - 1, 1, false}, {filterAfter, 1, true}} {
		v.video.frames, v.video.keys = row.frames, row.keys
		if got := v.seen(); got != row.want {
			t.Errorf("%d pictures, %d of them key frames: got %v, want %v", row.frames, row.keys, got, row.want)
		}
	}
}
