package load

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pion/webrtc/v3/pkg/media/oggwriter"

	"freshet/cluster/stream"
)

// A sink writes received frames to a file. Video begins with a key frame, and again after a damaged frame.
// Its methods are called under the player's lock.
type sink interface {
	write(t sinkTrack, f assembled) error
	close() error
}

// A sinkTrack says where a frame comes from.
type sinkTrack struct {
	kind  stream.Kind
	codec stream.Codec
	begun time.Duration // from the start of the recording to the track's first frame
}

// newSink returns what writes a file of the kind that name's ending says. video and audio say what there will
// be, which WebM must know in advance.
func newSink(name string, video, audio bool) (sink, error) {
	ending := strings.ToLower(filepath.Ext(name))
	switch ending {
	case ".ivf", ".h264", ".264", ".ogg", ".opus", ".webm":
	default:
		return nil, fmt.Errorf("%s: files that can be written end in .ivf, .h264, .ogg, .opus or .webm", name)
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	switch ending {
	case ".ivf":
		return &ivfSink{f: f}, nil
	case ".ogg", ".opus":
		w, err := oggwriter.NewWith(f, 48000, 2)
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		return &oggSink{w: w}, nil
	case ".webm":
		return &webmSink{f: &sticky{f: f}, video: video, audio: audio}, nil
	}
	return &h264Sink{f: f}, nil
}
