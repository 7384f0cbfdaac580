package load

import (
	"errors"
	"fmt"
	"io"
	"time"

	"freshet/cluster/stream"
)

// A track is what a source says of one of its tracks.
type track struct {
	kind  stream.Kind
	codec stream.Codec
}

// A frame is one encoded picture or one packet of audio.
type frame struct {
	track int           // index in source.tracks
	at    time.Duration // when it is due, from the beginning of the source; a little below 0 for the pre-skip of Opus
	data  []byte        // H.264 as Annex B, AV1 as OBUs with sizes; not used again by the source
}

// A source gives the frames of one or two tracks in the order in which they are due. next returns io.EOF at
// the end. A source belongs to one goroutine.
type source interface {
	tracks() []track
	next() (frame, error)
	close() error
}

// Limits on what a source believes of a file.
const (
	maxFrame = 16 << 20 // bytes of one frame
	maxStep  = time.Hour
)

var (
	errTwoPictures = errors.New("there is more than one video track, or more than one audio track")
	errFrameSize   = fmt.Errorf("a frame is longer than %d MiB: the file is damaged", maxFrame>>20)
)

// merge returns a source of all tracks of parts, at most one of each kind.
func merge(parts ...source) (source, error) {
	if len(parts) == 1 {
		return parts[0], nil
	}
	m := &merged{}
	seen := map[stream.Kind]bool{}
	for i, p := range parts {
		m.parts = append(m.parts, part{source: p, first: len(m.all)})
		for _, t := range p.tracks() {
			if seen[t.kind] {
				return nil, errTwoPictures
			}
			seen[t.kind] = true
			m.all = append(m.all, t)
		}
		if err := m.parts[i].advance(); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// merged plays several sources as one, earliest frame first.
type merged struct {
	parts []part
	all   []track
}

type part struct {
	source
	first int // index of its first track among all
	head  frame
	ended bool
}

func (p *part) advance() error {
	f, err := p.next()
	if errors.Is(err, io.EOF) {
		p.ended = true
		return nil
	}
	f.track += p.first
	p.head = f
	return err
}

func (m *merged) tracks() []track { return m.all }

func (m *merged) next() (frame, error) {
	var first *part
	for i := range m.parts {
		if p := &m.parts[i]; !p.ended && (first == nil || p.head.at < first.head.at) {
			first = p
		}
	}
	if first == nil {
		return frame{}, io.EOF
	}
	f := first.head
	return f, first.advance()
}

func (m *merged) close() error {
	var errs []error
	for _, p := range m.parts {
		errs = append(errs, p.close())
	}
	return errors.Join(errs...)
}
