package pion

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/pion/webrtc/v4/pkg/media/h264reader"
	"github.com/pion/webrtc/v4/pkg/media/oggreader"
)

// The clip's timing, as sample.json beside it says.
const (
	frameTime  = time.Second / 30
	opusTime   = 20 * time.Millisecond
	nalIDR     = 5
	nalNonIDR  = 1
	opusHeader = "OpusHead"
	opusTags   = "OpusTags"
)

// A Clip is the committed sample, cut into what goes into RTP. It is read-only once read.
type Clip struct {
	Frames [][]byte // H.264 access units in Annex B, one slice each, parameter sets before key frames
	Audio  [][]byte // Opus packets of 20 ms

	frames digests
	audio  digests
}

// digests finds the places in a clip where a payload stands. A frame stands in one, thanks to its counter;
// a steady tone makes the same packet of sound in many.
type digests map[[sha256.Size]byte][]int

// A trail is where in a clip of n payloads a receiver may be: more than one place until what it has seen
// tells them apart.
type trail struct {
	digests digests
	n       int
	places  []int // after the last payload; nil before the first
}

// next takes a payload: known says whether it is of the clip, follows whether it is the one after the last.
func (t *trail) next(payload []byte) (known, follows bool) {
	all := t.digests[sha256.Sum256(payload)]
	if len(all) == 0 {
		t.places = nil
		return false, false
	}
	var next []int
	for _, p := range t.places {
		if q := (p + 1) % t.n; slices.Contains(all, q) {
			next = append(next, q)
		}
	}
	follows = len(next) > 0 || t.places == nil
	if len(next) == 0 {
		next = all
	}
	t.places = next
	return true, follows
}

// ReadClip reads sample.h264 and sample.ogg in dir.
func ReadClip(dir string) (*Clip, error) {
	c := &Clip{frames: digests{}, audio: digests{}}
	video, err := os.ReadFile(filepath.Join(dir, "sample.h264"))
	if err != nil {
		return nil, err
	}
	audio, err := os.ReadFile(filepath.Join(dir, "sample.ogg"))
	if err != nil {
		return nil, err
	}
	if err := c.readVideo(video); err != nil {
		return nil, fmt.Errorf("sample.h264: %w", err)
	}
	if err := c.readAudio(audio); err != nil {
		return nil, fmt.Errorf("sample.ogg: %w", err)
	}
	return c, nil
}

func (c *Clip) readVideo(data []byte) error {
	r, err := h264reader.NewReader(bytes.NewReader(data))
	if err != nil {
		return err
	}
	var unit []byte
	for {
		nal, err := r.NextNAL()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		unit = append(append(unit, 0, 0, 0, 1), nal.Data...)
		if t := nal.Data[0] & 0x1f; t == nalIDR || t == nalNonIDR {
			sum := sha256.Sum256(nal.Data)
			c.frames[sum] = append(c.frames[sum], len(c.Frames))
			c.Frames = append(c.Frames, unit)
			unit = nil
		}
	}
	if len(c.Frames) == 0 {
		return errors.New("no frames")
	}
	return nil
}

func (c *Clip) readAudio(data []byte) error {
	r, err := oggreader.NewWithOptions(bytes.NewReader(data))
	if err != nil {
		return err
	}
	for {
		page, _, err := r.ParseNextPage()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		if bytes.HasPrefix(page, []byte(opusHeader)) || bytes.HasPrefix(page, []byte(opusTags)) {
			continue
		}
		sum := sha256.Sum256(page)
		c.audio[sum] = append(c.audio[sum], len(c.Audio))
		c.Audio = append(c.Audio, page)
	}
	if len(c.Audio) == 0 {
		return errors.New("no packets")
	}
	return nil
}
