package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pion/webrtc/v3/pkg/media/oggreader"

	"freshet/cluster/stream"
)

// ogg reads Opus from Ogg (RFC 7845). pion's reader parses and checks the pages; where their packets begin
// and end stands only in their lacing tables (RFC 3533, section 6), hence the copy of each page.
type ogg struct {
	in      io.Closer
	page    bytes.Buffer // the page just read, header included
	reader  *oggreader.OggReader
	preSkip int64
	packets [][]byte // of the page just read
	partial []byte   // the packet that goes on in the next page
	at      int64    // where the next packet begins, in samples of 48 kHz, pre-skip included
	base    int64    // where the first began: a recording may start late in its stream
	begun   bool
}

func newOgg(in io.ReadCloser) (source, error) {
	s := &ogg{in: in}
	r, h, err := oggreader.NewWith(io.TeeReader(in, &s.page))
	if err != nil {
		return nil, fmt.Errorf("Ogg: %w (only Opus can be sent)", err)
	}
	s.reader, s.preSkip = r, int64(h.PreSkip)
	return s, nil
}

func (s *ogg) tracks() []track { return []track{{kind: stream.Audio, codec: opusCodec()}} }
func (s *ogg) close() error    { return s.in.Close() }

func (s *ogg) next() (frame, error) {
	for len(s.packets) == 0 {
		if err := s.readPage(); err != nil {
			return frame{}, err
		}
	}
	p := s.packets[0]
	s.packets = s.packets[1:]
	f := frame{at: time.Duration(s.at-s.base-s.preSkip) * time.Second / 48000, data: p}
	s.at += opusSamples(p)
	return f, nil
}

// readPage fills packets with those that end in the next page.
func (s *ogg) readPage() error {
	s.page.Reset()
	payload, h, err := s.reader.ParseNextPage()
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	if err != nil {
		return fmt.Errorf("Ogg: %w", err)
	}
	// 26 bytes of header, the number of lacing values, the values (RFC 3533, section 6).
	raw := s.page.Bytes()
	lacing := raw[27 : 27+int(raw[26])]
	samples := int64(0)
	for _, l := range lacing {
		s.partial = append(s.partial, payload[:l]...)
		payload = payload[l:]
		if len(s.partial) > maxFrame {
			return errFrameSize
		}
		if l == 255 {
			continue
		}
		if p := s.partial; len(p) > 0 && !bytes.HasPrefix(p, []byte("OpusTags")) {
			s.packets = append(s.packets, p)
			samples += opusSamples(p)
		}
		s.partial = nil
	}
	// The granule position is where the page's last packet ends; it jumps where the recording has a gap. On the
	// last page it may be early, to cut the end off: that is not for us.
	begin := int64(h.GranulePosition) - samples
	if len(s.packets) == 0 || begin < s.at {
		return nil
	}
	if !s.begun {
		s.base, s.at = begin, begin
	}
	s.begun = true
	if begin-s.at > int64(maxStep/time.Second)*48000 {
		return errors.New("Ogg: a gap of more than an hour: the file is damaged")
	}
	s.at = begin
	return nil
}

// opusSamples returns how long packet p lasts, in samples of 48 kHz (RFC 6716, section 3.1).
func opusSamples(p []byte) int64 {
	if len(p) == 0 {
		return 0
	}
	var each int64
	switch config := p[0] >> 3; {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		each = []int64{480, 960, 1920, 2880}[config&3]
	case config < 16: // hybrid: 10, 20 ms
		each = []int64{480, 960}[config&1]
	default: // CELT: 2.5, 5, 10, 20 ms
		each = []int64{120, 240, 480, 960}[config&3]
	}
	switch p[0] & 3 {
	case 0:
		return each
	case 3:
		if len(p) < 2 {
			return 0
		}
		return each * int64(p[1]&0x3f)
	}
	return 2 * each
}
