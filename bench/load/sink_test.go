package load

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pion/rtp"

	"freshet/cluster/stream"
)

// packetsBy cuts a frame as sender does, without a connection.
func packetsBy(cut func([]byte) [][]byte, codec stream.Codec, f frame, sequence *uint16) []*rtp.Packet {
	var out []*rtp.Packet
	parts := cut(f.data)
	for i, part := range parts {
		out = append(out, &rtp.Packet{Payload: part, Header: rtp.Header{
			Version: 2, SequenceNumber: *sequence, Marker: i == len(parts)-1 && codec.Name != "opus",
			Timestamp: 4294900000 + uint32(f.at.Microseconds()*int64(codec.ClockRate)/1e6), // wraps on the way
		}})
		*sequence++
	}
	return out
}

// TestSinksWriteWhatSourcesRead sends a clip through packets, meters and sinks, and reads the file again.
func TestSinksWriteWhatSourcesRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in        string
		arguments []string
		out       string
		video     bool
		audio     bool
	}{
		{"a.ivf", join(picture, asVP8), "out.ivf", true, false},
		{"b.ivf", join(picture, asVP9), "out.ivf", true, false},
		{"c.ivf", join(picture, asAV1), "out.ivf", true, false},
		{"d.h264", join(picture, asH264), "out.h264", true, false},
		{"e.webm", join(picture, sound, asVP8, asOpus), "out.webm", true, true},
		{"f.webm", join(picture, sound, asVP9, asOpus), "out.webm", true, true},
		{"g.webm", join(picture, sound, asAV1, asOpus), "out.webm", true, true},
		{"h.ogg", join(sound, asOpus), "out.ogg", false, true},
		{"i.ogg", join(sound, asOpus), "out.webm", false, true},
	} {
		t.Run(c.in+" to "+c.out, func(t *testing.T) {
			t.Parallel()
			in, err := openAll(t.Context(), PublishConfig{Input: clip(t, c.in, c.arguments...)})
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Join(t.TempDir(), c.out)
			out, err := newSink(name, c.video, c.audio)
			if err != nil {
				t.Fatal(err)
			}
			all := in.tracks()
			meters, sequences := make([]meter, len(all)), []uint16{65500, 65500}
			cuts := make([]func([]byte) [][]byte, len(all))
			for i, tr := range all {
				meters[i] = meter{kind: tr.kind, codec: tr.codec}
				meters[i].frame.codec = tr.codec
				if cuts[i], err = payloader(tr.codec.Name); err != nil {
					t.Fatal(err)
				}
			}
			var sent [][]frame
			for _, f := range drainKeeping(t, in, &sent) {
				m := &meters[f.track]
				now := time.Unix(0, 0).Add(f.at)
				for _, p := range packetsBy(cuts[f.track], m.codec, f, &sequences[f.track]) {
					m.add(p, -1, now, func(a assembled) {
						if err := out.write(sinkTrack{kind: m.kind, codec: m.codec}, a); err != nil {
							t.Fatal(err)
						}
					})
				}
			}
			if err := out.close(); err != nil {
				t.Fatal(err)
			}
			for i := range meters {
				r := meters[i].report(time.Unix(2, 0), true)
				if r.Lost != 0 || r.Damaged != 0 || r.Frames != int64(len(sent[i])) {
					t.Errorf("%s: %d frames sent: %+v", r.Kind, len(sent[i]), r)
				}
				if r.Kind == "video" && (r.KeyFrames < 2 || (r.Width != 320 || r.Height != 180) && r.Codec != "AV1") {
					t.Errorf("video: %+v", r)
				}
			}
			again, err := openAll(t.Context(), PublishConfig{Input: name})
			if err != nil {
				t.Fatal(err)
			}
			for i, got := range drain(t, again) {
				// WebM needs a picture before it can begin, and its writer sorts by time: sound of before is left out.
				if missing := len(sent[i]) - len(got); missing < 0 || missing > 3 {
					t.Errorf("track %d: %d frames written, %d read", i, len(sent[i]), len(got))
				}
			}
		})
	}
}

// drainKeeping returns all frames of s in order, and by track in byTrack.
func drainKeeping(t testing.TB, s source, byTrack *[][]frame) []frame {
	t.Helper()
	var all []frame
	*byTrack = make([][]frame, len(s.tracks()))
	for {
		f, err := s.next()
		if err != nil {
			break
		}
		all = append(all, f)
		(*byTrack)[f.track] = append((*byTrack)[f.track], f)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	return all
}

func TestSinkRefusesOtherFiles(t *testing.T) {
	if _, err := newSink(filepath.Join(t.TempDir(), "out.avi"), true, true); err == nil {
		t.Error("no error for .avi")
	}
	s, err := newSink(filepath.Join(t.TempDir(), "out.ivf"), true, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.write(sinkTrack{kind: stream.Video, codec: videoCodec("H264", "")}, assembled{key: true}); err == nil {
		t.Error("no error for H.264 in IVF")
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}

// matroskaSeeds returns small WebM files as the sink writes them.
func matroskaSeeds(t testing.TB) [][]byte {
	var seeds [][]byte
	for _, c := range []struct {
		video bool
		codec string
	}{{true, "VP8"}, {true, "AV1"}, {false, "opus"}} {
		name := filepath.Join(t.TempDir(), "seed.webm")
		s, err := newSink(name, c.video, true)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			at := time.Duration(i) * 40 * time.Millisecond
			if c.video {
				err = errors.Join(err, s.write(sinkTrack{kind: stream.Video, codec: videoCodec(c.codec, "")},
					assembled{data: []byte{0x10, 1, 2, byte(i)}, at: at, key: i == 0, width: 16, height: 16}))
			}
			err = errors.Join(err, s.write(sinkTrack{kind: stream.Audio, codec: opusCodec()}, assembled{data: []byte{0xfc, byte(i)}, at: at, key: true}))
		}
		if err = errors.Join(err, s.close()); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		seeds = append(seeds, b)
	}
	return seeds
}
