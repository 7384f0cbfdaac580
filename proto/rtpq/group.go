package rtpq

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/quic-go/quic-go/quicvarint"
)

// A group stream carries packets of one flow in order: a part of a cached group of pictures, or one packet that
// is too large for a datagram.
//
//	flow varint | first u16 | count varint | { length varint | RTP packet }*
//
// In version 1 it carries a whole group, and neither first nor count.

// A Part is the row of numbers that a group stream is for; some of them may be missing on it.
type Part struct {
	Flow  uint64 // at least 1
	First uint16
	Count int // below 1 << 15; 0 where a stream of version 1 does not say
}

// Append appends what begins the group stream of p.
func (p Part) Append(dst []byte) []byte {
	dst = quicvarint.Append(dst, p.Flow)
	if p.Count == 0 {
		return dst
	}
	return quicvarint.Append(binary.BigEndian.AppendUint16(dst, p.First), uint64(p.Count))
}

// AppendGroupPacket appends one packet as it stands on a group stream.
func AppendGroupPacket(dst, packet []byte) []byte {
	return append(quicvarint.Append(dst, uint64(len(packet))), packet...)
}

// A GroupReader reads a group stream.
type GroupReader struct {
	part Part
	r    *bufio.Reader
	left int // bytes the group may still have
}

// NewGroupReader reads the header of a group stream of that version of the protocol from r, which it buffers.
// The error wraps ErrMalformed, or is r's.
func NewGroupReader(r io.Reader, version uint32) (*GroupReader, error) {
	g := &GroupReader{r: bufio.NewReaderSize(r, 16<<10), left: MaxGroup}
	err := g.header(version)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, malformed("group stream ends in its header")
	case err != nil:
		return nil, fmt.Errorf("read group stream: %w", err)
	}
	return g, nil
}

func (g *GroupReader) header(version uint32) (err error) {
	if g.part.Flow, err = quicvarint.Read(g.r); err != nil {
		return err
	}
	if g.part.Flow == 0 {
		return malformed("group stream of flow 0")
	}
	if version <= VersionOne {
		return nil
	}
	var first [2]byte
	if _, err := io.ReadFull(g.r, first[:]); err != nil {
		return err
	}
	g.part.First = binary.BigEndian.Uint16(first[:])
	count, err := quicvarint.Read(g.r)
	switch {
	case err != nil:
		return err
	case count < 1 || count >= 1<<15:
		return malformed("group stream of %d numbers", count)
	}
	g.part.Count = int(count)
	return nil
}

// Part returns which packets the stream carries.
func (g *GroupReader) Part() Part { return g.part }

// Next returns the next packet, in memory of its own, and io.EOF behind the last. Other errors wrap
// ErrMalformed or ErrTooLarge, or are the underlying reader's.
func (g *GroupReader) Next() ([]byte, error) {
	n, err := readLength(g.r, MaxPacket)
	if err != nil {
		return nil, err
	}
	g.left -= quicvarint.Len(uint64(n)) + n
	if g.left < 0 {
		return nil, fmt.Errorf("group stream: %w (%d bytes)", ErrTooLarge, MaxGroup)
	}
	packet := make([]byte, n)
	if err := readFull(g.r, packet); err != nil {
		return nil, err
	}
	if n < minRTP || packet[0]>>6 != 2 {
		return nil, malformed("no RTP packet on a group stream")
	}
	if p, seq := g.part, binary.BigEndian.Uint16(packet[2:]); p.Count > 0 && int(seq-p.First) >= p.Count {
		return nil, malformed("packet %d on a stream of %d from %d on", seq, p.Count, p.First)
	}
	return packet, nil
}

// readLength reads a varint of at most limit. It returns a bare io.EOF where r ended before it.
func readLength(r *bufio.Reader, limit int) (int, error) {
	if _, err := r.Peek(1); err != nil {
		return 0, err
	}
	n, err := quicvarint.Read(r)
	switch {
	case errors.Is(err, io.EOF):
		return 0, malformed("stream ends in a length")
	case err != nil:
		return 0, err
	case n > uint64(limit):
		return 0, fmt.Errorf("%w: %d bytes announced, at most %d are taken", ErrTooLarge, n, limit)
	}
	return int(n), nil
}

func readFull(r io.Reader, b []byte) error {
	_, err := io.ReadFull(r, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return malformed("stream ends within %d announced bytes", len(b))
	}
	return err
}
