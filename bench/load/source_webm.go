package load

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/at-wat/ebml-go"
	"github.com/at-wat/ebml-go/webm"

	"freshet/cluster/stream"
)

// matroska reads WebM, and of Matroska what ffmpeg writes for us: VP8, VP9, AV1 or H.264, and Opus. ebml-go
// parses in a goroutine that ends with the input; close waits for it.
type matroska struct {
	in     io.Closer
	all    []track
	number map[uint64]int // track number in the file to index in all
	avc    avcConfig
	scale  uint64 // ns of one unit of time
	last   []time.Duration
	queue  []frame

	timecode chan uint64
	simple   chan ebml.Block
	group    chan blockGroup
	ended    chan error // the parser's last word

	cluster int64 // time of the cluster being read
}

type blockGroup struct {
	Block ebml.Block
}

// An ending gives io.EOF for whatever ends r, and keeps the true reason: ebml-go, told to pass over what it
// does not know, would try again for ever after any other error. err is for after the parser has ended.
type ending struct {
	r   io.Reader
	err error
}

func (e *ending) Read(b []byte) (int, error) {
	n, err := e.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		e.err, err = err, io.EOF
	}
	return n, err
}

// newMatroska reads as far as the description of the tracks. Tracks of other codecs are an error: silence
// where there should be sound is worse than a message.
func newMatroska(in io.ReadCloser) (source, error) {
	var head struct {
		Segment struct {
			Info struct {
				TimecodeScale uint64
			}
			Tracks struct {
				TrackEntry []webm.TrackEntry
			} `ebml:"Tracks,stop"`
		}
	}
	r := &ending{r: in}
	options := []ebml.UnmarshalOption{ebml.WithIgnoreUnknown(true), ebml.WithMaxLeafElementSize(maxFrame)}
	if err := ebml.Unmarshal(r, &head, options...); !errors.Is(err, ebml.ErrReadStopped) {
		return nil, fmt.Errorf("WebM: no tracks: %w", cmp.Or(r.err, unexpected(err), io.ErrUnexpectedEOF))
	}
	s := &matroska{
		in: in, number: map[uint64]int{}, scale: head.Segment.Info.TimecodeScale,
		timecode: make(chan uint64), simple: make(chan ebml.Block), group: make(chan blockGroup), ended: make(chan error, 1),
	}
	if s.scale == 0 {
		s.scale = uint64(time.Millisecond)
	}
	for _, e := range head.Segment.Tracks.TrackEntry {
		if err := s.addTrack(e); err != nil {
			return nil, err
		}
	}
	if len(s.all) == 0 {
		return nil, errors.New("WebM: neither a video nor an audio track")
	}
	s.last = make([]time.Duration, len(s.all))
	go func() {
		c := struct {
			Cluster struct {
				Timecode    chan uint64
				SimpleBlock chan ebml.Block
				BlockGroup  chan blockGroup
			}
		}{}
		c.Cluster.Timecode, c.Cluster.SimpleBlock, c.Cluster.BlockGroup = s.timecode, s.simple, s.group
		err := ebml.Unmarshal(r, &c, options...)
		s.ended <- cmp.Or(r.err, err)
		close(s.ended)
	}()
	return s, nil
}

func (s *matroska) addTrack(e webm.TrackEntry) error {
	t := track{kind: stream.Video}
	switch e.CodecID {
	case "V_VP8":
		t.codec = videoCodec("VP8", "")
	case "V_VP9":
		t.codec = videoCodec("VP9", "profile-id=0")
	case "V_AV1":
		t.codec = videoCodec("AV1", "")
	case "V_MPEG4/ISO/AVC":
		avc, err := parseAVCConfig(e.CodecPrivate)
		if err != nil {
			return err
		}
		s.avc, t.codec = avc, videoCodec("H264", avc.fmtp)
	case "A_OPUS":
		t = track{kind: stream.Audio, codec: opusCodec()}
	default:
		switch e.TrackType {
		case 1, 2:
			return fmt.Errorf("WebM: codec %q; VP8, VP9, AV1, H.264 and Opus can be sent", e.CodecID)
		}
		return nil // subtitles and the like
	}
	for _, other := range s.all {
		if other.kind == t.kind {
			return errTwoPictures
		}
	}
	s.number[e.TrackNumber] = len(s.all)
	s.all = append(s.all, t)
	return nil
}

func (s *matroska) tracks() []track { return s.all }

func (s *matroska) next() (frame, error) {
	for len(s.queue) == 0 {
		var err error
		select {
		case t := <-s.timecode:
			s.cluster = int64(t)
		case b := <-s.simple:
			err = s.take(b)
		case g := <-s.group:
			err = s.take(g.Block)
		case err = <-s.ended:
			// What the file lacks at its end is no reason to call off what was played.
			if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return frame{}, io.EOF
			}
			err = fmt.Errorf("WebM: %w", err)
		}
		if err != nil {
			return frame{}, err
		}
	}
	f := s.queue[0]
	s.queue = s.queue[1:]
	return f, nil
}

// take queues the frames of one block.
func (s *matroska) take(b ebml.Block) error {
	i, ok := s.number[b.TrackNumber]
	if !ok {
		return nil
	}
	at, err := scale(s.cluster+int64(b.Timecode), s.scale, uint64(time.Second))
	if err != nil {
		return fmt.Errorf("WebM: %w", err)
	}
	for _, data := range b.Data {
		f := frame{track: i, at: at, data: data}
		if s.all[i].kind == stream.Audio {
			at += time.Duration(opusSamples(data)) * time.Second / 48000
		} else if f.at < s.last[i] {
			return errReordered
		}
		if s.all[i].codec.Name == "H264" {
			if f.data, err = s.avc.annexB(data); err != nil {
				return err
			}
		}
		s.last[i] = f.at
		s.queue = append(s.queue, f)
	}
	return nil
}

func (s *matroska) close() error {
	err := s.in.Close()
	for {
		select {
		case <-s.timecode:
		case <-s.simple:
		case <-s.group:
		case _, open := <-s.ended:
			if !open {
				return err
			}
		}
	}
}
