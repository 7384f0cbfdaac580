package load

import (
	"encoding/binary"
	"fmt"
	"os"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v3/pkg/media/oggwriter"

	"freshet/cluster/stream"
)

type h264Sink struct{ f *os.File }

func (s *h264Sink) write(t sinkTrack, f assembled) error {
	if t.kind != stream.Video {
		return nil
	}
	if t.codec.Name != "H264" {
		return fmt.Errorf("%s cannot be written as H.264: take .webm or .ivf", t.codec.Name)
	}
	_, err := s.f.Write(f.data)
	return err
}

func (s *h264Sink) close() error { return s.f.Close() }

// ivfSink writes IVF with the true size and times, and VP9 too; pion's writer has none of the three. A unit
// of its time is 1/90,000 s.
type ivfSink struct {
	f      *os.File
	frames uint32
}

func (s *ivfSink) write(t sinkTrack, f assembled) error {
	if t.kind != stream.Video {
		return nil
	}
	if s.frames == 0 {
		four := map[string]string{"VP8": "VP80", "VP9": "VP90", "AV1": "AV01"}[t.codec.Name]
		if four == "" {
			return fmt.Errorf("%s cannot be written as IVF: take .h264", t.codec.Name)
		}
		h := append(make([]byte, 0, 32), "DKIF\x00\x00\x20\x00"...)
		h = append(h, four...)
		h = binary.LittleEndian.AppendUint16(h, uint16(f.width))
		h = binary.LittleEndian.AppendUint16(h, uint16(f.height))
		h = binary.LittleEndian.AppendUint32(h, 90000)
		h = binary.LittleEndian.AppendUint32(h, 1)
		if _, err := s.f.Write(h[:32]); err != nil { // the count of frames is written at the end
			return err
		}
	}
	s.frames++
	h := binary.LittleEndian.AppendUint32(nil, uint32(len(f.data)))
	h = binary.LittleEndian.AppendUint64(h, uint64(f.at*90000/time.Second))
	_, err := s.f.Write(append(h, f.data...))
	return err
}

func (s *ivfSink) close() error {
	// What is no file with places, such as a pipe, keeps a count of 0, which readers take for unknown.
	_, _ = s.f.WriteAt(binary.LittleEndian.AppendUint32(nil, s.frames), 24)
	return s.f.Close()
}

type oggSink struct{ w *oggwriter.OggWriter }

func (s *oggSink) write(t sinkTrack, f assembled) error {
	if t.kind != stream.Audio {
		return nil
	}
	p := &rtp.Packet{Payload: f.data}
	p.Timestamp = uint32(f.at * 48000 / time.Second)
	return s.w.WriteRTP(p)
}

func (s *oggSink) close() error { return s.w.Close() }
