package sample_test

import (
	"bytes"
	"encoding/json"
	"io"
	"math/bits"
	"os/exec"
	"testing"

	"freshet/bench/load/sample"
)

// TestStripCountsEveryFrame decodes the sample with ffmpeg and reads the strip of each frame by the layout
// that is published beside it.
func TestStripCountsEveryFrame(t *testing.T) {
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Skip("ffmpeg is not installed; it decodes the sample in this test")
	}
	var layout struct {
		Video struct{ Width, Height, Frames int }
		Strip struct {
			X, Y, BlockWidth, BlockHeight, Columns, Rows int
			White, Black, FrameBits                      []int
			EvenParity                                   int
		}
	}
	if err := json.Unmarshal(sample.Layout, &layout); err != nil {
		t.Fatal(err)
	}
	s := layout.Strip
	if layout.Video.Frames != sample.Frames || s.Columns*s.BlockWidth != layout.Video.Width {
		t.Fatalf("layout: %+v", layout)
	}
	cmd := exec.CommandContext(t.Context(), path, "-hide_banner", "-loglevel", "error", "-f", "h264", "-i", "pipe:0",
		"-f", "rawvideo", "-pix_fmt", "gray", "-vf", "crop=640:48:0:0", "pipe:1")
	cmd.Stdin = bytes.NewReader(sample.Video)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	picture := make([]byte, layout.Video.Width*s.BlockHeight*s.Rows)
	white := func(column, row int) bool {
		return picture[(row*s.BlockHeight+s.BlockHeight/2)*layout.Video.Width+column*s.BlockWidth+s.BlockWidth/2] > 127
	}
	frame := 0
	for ; ; frame++ {
		if _, err := io.ReadFull(out, picture); err != nil {
			break
		}
		number := 0
		for _, c := range s.FrameBits {
			number <<= 1
			if white(c, 0) {
				number |= 1
			}
		}
		ok := number == frame && white(s.EvenParity, 0) == (bits.OnesCount(uint(number))%2 == 1)
		for _, c := range s.White {
			ok = ok && white(c, 0)
		}
		for _, c := range s.Black {
			ok = ok && !white(c, 0)
		}
		for c := range s.Columns {
			ok = ok && white(c, 0) != white(c, 1)
		}
		if !ok {
			t.Fatalf("the strip of frame %d says %d, or is damaged", frame, number)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if frame != sample.Frames {
		t.Errorf("%d frames, want %d", frame, sample.Frames)
	}
}
