package load

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pion/webrtc/v3/pkg/media/h264reader"

	"freshet/cluster/stream"
)

// errReordered is what a stream gets whose pictures are not shown in the order they are sent in: no WebRTC
// receiver puts them right.
var errReordered = errors.New("the video has B-frames, which WebRTC cannot carry: encode it without (ffmpeg -bf 0)")

const defaultRate = 30 // frames a second of H.264 that does not say

// annexB reads H.264 from an Annex B byte stream. Such a stream has no times: they come from the rate that
// the caller, or else the sequence parameter set, gives.
type annexB struct {
	in     io.Closer
	reader *h264reader.H264Reader
	codec  stream.Codec
	rate   float64
	count  int64
	unit   []byte // what has been read of the next access unit
	vcl    bool   // unit has a slice
	ended  bool
}

// newAnnexB reads up to the first slice. rate is in frames a second, 0 for what the stream says.
func newAnnexB(in io.ReadCloser, rate float64) (source, error) {
	r, err := h264reader.NewReader(bufio.NewReaderSize(in, 64<<10))
	if err != nil {
		return nil, fmt.Errorf("H.264: %w", err)
	}
	s := &annexB{in: in, reader: r, rate: rate}
	for s.codec.Name == "" {
		n, err := r.NextNAL()
		if err != nil {
			return nil, fmt.Errorf("H.264: no sequence parameter set: %w", unexpected(err))
		}
		if n.UnitType != h264reader.NalUnitTypeSPS {
			continue // a decoder could not start here either
		}
		sps, err := parseSPS(n.Data)
		if err != nil {
			return nil, fmt.Errorf("H.264: %w", err)
		}
		if s.rate == 0 {
			s.rate = sps.rate
		}
		s.codec = videoCodec("H264", sps.fmtp())
		s.add(n.Data)
	}
	if s.rate == 0 {
		s.rate = defaultRate
	}
	return s, nil
}

func (s *annexB) tracks() []track { return []track{{kind: stream.Video, codec: s.codec}} }
func (s *annexB) close() error    { return s.in.Close() }

func (s *annexB) next() (frame, error) {
	for !s.ended {
		n, err := s.reader.NextNAL()
		if errors.Is(err, io.EOF) {
			s.ended = true
			break
		}
		if err != nil {
			return frame{}, fmt.Errorf("H.264: %w", err)
		}
		slice := n.UnitType == h264reader.NalUnitTypeCodedSliceNonIdr || n.UnitType == h264reader.NalUnitTypeCodedSliceIdr
		if slice && bidirectional(n.Data) {
			return frame{}, errReordered
		}
		var f frame
		begins := s.vcl && beginsUnit(n)
		if begins {
			f = s.take()
		}
		if len(s.unit)+len(n.Data) > maxFrame {
			return frame{}, errFrameSize
		}
		s.add(n.Data)
		s.vcl = s.vcl || slice
		if begins {
			return f, nil
		}
	}
	if !s.vcl {
		return frame{}, io.EOF
	}
	return s.take(), nil
}

func (s *annexB) add(nal []byte) { s.unit = append(append(s.unit, 0, 0, 0, 1), nal...) }

func (s *annexB) take() frame {
	f := frame{at: time.Duration(float64(s.count) / s.rate * float64(time.Second)), data: s.unit}
	s.unit, s.vcl = nil, false
	s.count++
	return f
}

// beginsUnit says whether n begins an access unit, once the one before has a slice (H.264, section 7.4.1.2.3).
func beginsUnit(n *h264reader.NAL) bool {
	switch n.UnitType {
	case h264reader.NalUnitTypeCodedSliceNonIdr, h264reader.NalUnitTypeCodedSliceIdr:
		return len(n.Data) > 1 && n.Data[1]&0x80 != 0 // first_mb_in_slice is 0, one bit in Exp-Golomb
	case h264reader.NalUnitTypeSEI, h264reader.NalUnitTypeSPS, h264reader.NalUnitTypePPS, h264reader.NalUnitTypeAUD:
		return true
	}
	return false
}

// bidirectional says whether the slice nal belongs to a B picture.
func bidirectional(nal []byte) bool {
	b := bits{data: nal, pos: 8}
	b.ue() // first_mb_in_slice
	t := b.ue()
	return b.err == nil && (t == 1 || t == 6)
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
