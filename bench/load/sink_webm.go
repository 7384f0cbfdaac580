package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/at-wat/ebml-go/webm"

	"freshet/cluster/stream"
)

// webmSink writes WebM. Nothing is written before the first key frame, or the first sound where there is no
// picture, since the size of the picture stands at the beginning. ebml-go writes in goroutines of its own,
// which end with close.
type webmSink struct {
	f            *sticky
	video, audio bool
	out          map[stream.Kind]webm.BlockWriteCloser
}

func (s *webmSink) write(t sinkTrack, f assembled) error {
	if s.out == nil {
		if s.video && t.kind == stream.Audio {
			return nil
		}
		if err := s.begin(t, f); err != nil {
			return err
		}
	}
	w := s.out[t.kind]
	if w == nil {
		return nil
	}
	if _, err := w.Write(f.key, (t.begun + f.at).Milliseconds(), f.data); err != nil {
		return err
	}
	return s.f.first()
}

func (s *webmSink) begin(t sinkTrack, f assembled) error {
	var kinds []stream.Kind
	var entries []webm.TrackEntry
	add := func(k stream.Kind, e webm.TrackEntry) {
		kinds = append(kinds, k)
		e.TrackNumber, e.TrackUID = uint64(len(kinds)), uint64(len(kinds))
		entries = append(entries, e)
	}
	if s.video {
		id := map[string]string{"VP8": "V_VP8", "VP9": "V_VP9", "AV1": "V_AV1"}[t.codec.Name]
		if id == "" {
			return fmt.Errorf("%s cannot be written as WebM: take .h264", t.codec.Name)
		}
		add(stream.Video, webm.TrackEntry{
			Name: "video", CodecID: id, TrackType: 1,
			Video: &webm.Video{PixelWidth: uint64(f.width), PixelHeight: uint64(f.height)},
		})
	}
	if s.audio {
		add(stream.Audio, webm.TrackEntry{
			Name: "audio", CodecID: "A_OPUS", TrackType: 2, CodecPrivate: opusHead(),
			Audio: &webm.Audio{SamplingFrequency: 48000, Channels: 2},
		})
	}
	out, err := webm.NewSimpleBlockWriter(s.f, entries)
	if err != nil {
		return err
	}
	s.out = map[stream.Kind]webm.BlockWriteCloser{}
	for i, k := range kinds {
		s.out[k] = out[i]
	}
	return nil
}

func (s *webmSink) close() error {
	if s.out == nil {
		return s.f.Close()
	}
	var errs []error
	for _, w := range s.out {
		errs = append(errs, w.Close()) // the last one closes the file
	}
	return errors.Join(append(errs, s.f.first())...)
}

// opusHead is the identification header that Matroska keeps for Opus (RFC 7845, section 5.1).
func opusHead() []byte {
	h := append([]byte("OpusHead"), 1, 2)
	h = binary.LittleEndian.AppendUint16(h, 0) // pre-skip: a live stream has none that anyone knows
	h = binary.LittleEndian.AppendUint32(h, 48000)
	return append(h, 0, 0, 0)
}

// sticky is a file that keeps its first error to itself: ebml-go's goroutine ends at an error, and whoever
// writes to it next would wait for ever.
type sticky struct {
	f   *os.File
	mu  sync.Mutex
	err error
}

func (s *sticky) Write(b []byte) (int, error) {
	if s.first() == nil {
		_, err := s.f.Write(b)
		s.keep(err)
	}
	return len(b), nil
}

func (s *sticky) Close() error {
	s.keep(s.f.Close())
	return s.first()
}

func (s *sticky) keep(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
}

func (s *sticky) first() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}
