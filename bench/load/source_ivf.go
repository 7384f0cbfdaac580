package load

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pion/webrtc/v3/pkg/media/ivfreader"

	"freshet/cluster/stream"
)

// ivf reads VP8, VP9 or AV1 from IVF. Its times are the file's.
type ivf struct {
	in       io.Closer
	buffered *bufio.Reader
	reader   *ivfreader.IVFReader
	codec    stream.Codec
	num, den uint64 // one unit of time is num/den s
	first    uint64
	begun    bool
}

func newIVF(in io.ReadCloser) (source, error) {
	b := bufio.NewReader(in)
	r, h, err := ivfreader.NewWith(b)
	if err != nil {
		return nil, fmt.Errorf("IVF: %w", err)
	}
	s := &ivf{in: in, buffered: b, reader: r, num: uint64(h.TimebaseNumerator), den: uint64(h.TimebaseDenominator)}
	switch h.FourCC {
	case "VP80":
		s.codec = videoCodec("VP8", "")
	case "VP90":
		s.codec = videoCodec("VP9", "profile-id=0")
	case "AV01":
		s.codec = videoCodec("AV1", "")
	default:
		return nil, fmt.Errorf("IVF: codec %q; VP8, VP9 and AV1 can be sent", h.FourCC)
	}
	if s.num == 0 || s.den == 0 {
		return nil, errors.New("IVF: the time base is 0")
	}
	return s, nil
}

func (s *ivf) tracks() []track { return []track{{kind: stream.Video, codec: s.codec}} }
func (s *ivf) close() error    { return s.in.Close() }

func (s *ivf) next() (frame, error) {
	// The reader would allocate whatever the header claims.
	switch size, err := s.buffered.Peek(4); {
	case err != nil && len(size) == 0:
		return frame{}, io.EOF
	case err != nil:
		return frame{}, fmt.Errorf("IVF: %w", io.ErrUnexpectedEOF)
	case binary.LittleEndian.Uint32(size) > maxFrame:
		return frame{}, errFrameSize
	}
	data, h, err := s.reader.ParseNextFrame()
	if err != nil {
		return frame{}, fmt.Errorf("IVF: %w", err)
	}
	if !s.begun {
		s.begun, s.first = true, h.Timestamp
	}
	at, err := scale(int64(h.Timestamp-s.first), s.num, s.den)
	if err != nil {
		return frame{}, fmt.Errorf("IVF: %w", err)
	}
	return frame{at: at, data: data}, nil
}

// scale returns units*num/den s, or an error where no clip can be that long.
func scale(units int64, num, den uint64) (time.Duration, error) {
	s := float64(units) * float64(num) / float64(den)
	if s < -1 || s > 1e7 {
		return 0, errors.New("a time stamp is out of any reason: the file is damaged")
	}
	return time.Duration(s * float64(time.Second)), nil
}

func videoCodec(name, fmtp string) stream.Codec {
	return stream.Codec{Name: name, ClockRate: 90000, FMTP: fmtp}
}

// opusCodec is stereo in SDP whatever the file has (RFC 7587, section 7); fmtp says that stereo is worth decoding.
func opusCodec() stream.Codec {
	return stream.Codec{Name: "opus", ClockRate: 48000, Channels: 2, FMTP: "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1"}
}
