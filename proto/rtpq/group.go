package rtpq

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/quic-go/quic-go/quicvarint"
)

// A group stream carries packets of one flow in order: a cached group of pictures, or one packet that
// is too large for a datagram.
//
//	flow varint | { length varint | RTP packet }*

// AppendGroupHeader appends what begins a group stream of flow (at least 1).
func AppendGroupHeader(dst []byte, flow uint64) []byte { return quicvarint.Append(dst, flow) }

// AppendGroupPacket appends one packet as it stands on a group stream.
func AppendGroupPacket(dst, packet []byte) []byte {
	return append(quicvarint.Append(dst, uint64(len(packet))), packet...)
}

// A GroupReader reads a group stream.
type GroupReader struct {
	flow uint64
	r    *bufio.Reader
	left int // bytes the group may still have
}

// NewGroupReader reads the header of a group stream from r, which it buffers. The error wraps
// ErrMalformed, or is r's.
func NewGroupReader(r io.Reader) (*GroupReader, error) {
	b := bufio.NewReaderSize(r, 16<<10)
	flow, err := quicvarint.Read(b)
	switch {
	case errors.Is(err, io.EOF):
		return nil, malformed("group stream ends in its header")
	case err != nil:
		return nil, fmt.Errorf("read group stream: %w", err)
	case flow == 0:
		return nil, malformed("group stream of flow 0")
	}
	return &GroupReader{flow: flow, r: b, left: MaxGroup}, nil
}

// Flow returns whose packets the stream carries.
func (g *GroupReader) Flow() uint64 { return g.flow }

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
