package origin_test

import (
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3"

	"freshet/cluster/stream"
	"freshet/proto/rtpq"
)

// What a publisher sends stands in the table in the mesh's form, for each codec.
func TestPublish(t *testing.T) {
	for _, row := range []struct {
		name string
		c    webrtc.RTPCodecParameters
	}{
		{"H264", videoCodec("H264", h264)},
		{"VP8", videoCodec("VP8", "")},
		{"VP9", videoCodec("VP9", "profile-id=0")},
		{"AV1", videoCodec("AV1", "profile=0;level-idx=5;tier=0")},
	} {
		t.Run(row.name, func(t *testing.T) {
			n := start(t)
			p := newPublisher(t, row.c).publish(n, "floor")
			s := n.live(t, "floor")
			if len(s.Flows) != 2 {
				t.Fatalf("flows: %d, want audio and video", len(s.Flows))
			}
			audio, video := s.Find("audio", ""), s.Find("video", "")
			if audio == nil || video == nil || video.Format.Codec.Name != row.name || audio.Format.Codec.Channels != 2 {
				t.Fatalf("formats: %+v, %+v", audio, video)
			}
			inMeshForm(t, audio, rtpq.TypeOpus)
			inMeshForm(t, video, rtpq.TypeVideo)
			if _, ok := video.Ring.Newest(); !ok {
				t.Error("no group of pictures in the ring")
			}
			video.RequestKeyframe(time.Now().Add(2 * time.Second))
			await(t, 2*time.Second, "second key frame", func() bool { return p.outs[1].keys.Load() >= 2 })
			if got := p.end(); got != 200 {
				t.Errorf("DELETE: %d", got)
			}
			await(t, 5*time.Second, "end of the session", func() bool { return n.value(t, "freshet_whip_sessions") == 0 })
			if n.table.Get("floor") == nil {
				t.Error("the stream is gone at once, want it to wait for its publisher")
			}
		})
	}
}

// inMeshForm checks all packets of a flow: type, SSRC, extensions, and numbers without a gap.
func inMeshForm(t *testing.T, f *stream.Flow, kind uint8) {
	t.Helper()
	var last *rtp.Packet
	for i := range f.Ring.Head() {
		stored := f.Ring.At(i)
		p := &rtp.Packet{}
		if err := p.Unmarshal(stored.Data); err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		if p.PayloadType != kind || p.SSRC != uint32(f.Index+1) || p.Padding || len(p.CSRC) > 0 {
			t.Fatalf("packet %d: header %+v", i, p.Header)
		}
		for _, id := range p.GetExtensionIDs() {
			if rtpq.ExtensionURI[id] == "" {
				t.Fatalf("packet %d: extension %d", i, id)
			}
		}
		if f.Format.Kind == stream.Audio && p.GetExtension(rtpq.ExtAudioLevel) == nil {
			t.Fatalf("packet %d has lost its audio level", i)
		}
		if last != nil && (p.SequenceNumber != last.SequenceNumber+1 || int32(p.Timestamp-last.Timestamp) <= 0) {
			t.Fatalf("packet %d: %d/%d after %d/%d", i, p.SequenceNumber, p.Timestamp, last.SequenceNumber, last.Timestamp)
		}
		last = p
	}
}

func TestSimulcast(t *testing.T) {
	n := start(t)
	p := newPublisher(t, videoCodec("VP8", ""), "f", "h", "q").publish(n, "floor")
	s := n.live(t, "floor")
	for rank, rid := range []string{"q", "h", "f"} {
		f := s.Find("video", rid)
		if f == nil || f.Format.Rank != rank {
			t.Fatalf("layer %s: %+v, want rank %d", rid, f, rank)
		}
		inMeshForm(t, f, rtpq.TypeVideo)
	}
	before := []int64{p.outs[1].keys.Load(), p.outs[3].keys.Load()}
	s.Find("video", "q").RequestKeyframe(time.Now().Add(2 * time.Second))
	await(t, 2*time.Second, "key frame of layer q", func() bool { return p.outs[3].keys.Load() > before[1] })
	if p.outs[1].keys.Load() != before[0] {
		t.Error("layer f was asked for a key frame as well")
	}
}
