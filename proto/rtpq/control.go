package rtpq

import (
	"bufio"
	"fmt"
	"io"
	"sync"

	"github.com/quic-go/quic-go/quicvarint"
	"google.golang.org/protobuf/proto"

	pb "freshet/proto"
)

// The control stream is the first bidirectional stream of a link's connection 0, opened by the dialler.
//
//	00 | { length varint | protobuf RelayMessage }*

// controlType is the first byte of a control stream: flow 0, which no group has.
const controlType = 0x00

// A ControlReader reads one direction of a control stream. One goroutine may use it.
type ControlReader struct {
	r     *bufio.Reader
	begun bool
	buf   []byte
}

// NewControlReader returns a reader of r, which it buffers.
func NewControlReader(r io.Reader) *ControlReader { return &ControlReader{r: bufio.NewReader(r)} }

// Next waits for the next message that passes Validate. It returns io.EOF where the stream ended between
// two messages; other errors wrap ErrMalformed or ErrTooLarge, or are the underlying reader's.
func (c *ControlReader) Next() (*pb.RelayMessage, error) {
	if !c.begun {
		first, err := c.r.ReadByte()
		if err != nil {
			return nil, err
		}
		if first != controlType {
			return nil, malformed("control stream begins with %#x", first)
		}
		c.begun = true
	}
	n, err := readLength(c.r, MaxMessage)
	if err != nil {
		return nil, err
	}
	if cap(c.buf) < n {
		c.buf = make([]byte, n)
	}
	c.buf = c.buf[:n]
	if err := readFull(c.r, c.buf); err != nil {
		return nil, err
	}
	return ParseMessage(c.buf)
}

// ParseMessage reads one message and holds it to Validate. The error wraps ErrMalformed or ErrTooLarge.
func ParseMessage(b []byte) (*pb.RelayMessage, error) {
	m := &pb.RelayMessage{}
	if err := proto.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("%w: control message: %w", ErrMalformed, err)
	}
	if err := Validate(m); err != nil {
		return nil, err
	}
	return m, nil
}

// A ControlWriter writes one direction of a control stream. Any goroutine may use it; each message is
// one write of the underlying writer.
type ControlWriter struct {
	mu  sync.Mutex
	w   io.Writer
	buf []byte
}

// NewControlWriter returns a writer to w. The byte that opens the stream goes out with the first message.
func NewControlWriter(w io.Writer) *ControlWriter {
	return &ControlWriter{w: w, buf: []byte{controlType}}
}

// Write sends m. The error wraps ErrTooLarge where m is past MaxMessage, and nothing is sent then;
// otherwise it is the underlying writer's.
func (c *ControlWriter) Write(m *pb.RelayMessage) error {
	n := proto.Size(m)
	if n > MaxMessage {
		return fmt.Errorf("control message: %w (%d bytes of %d)", ErrTooLarge, n, MaxMessage)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	b := quicvarint.Append(c.buf, uint64(n))
	b, err := proto.MarshalOptions{}.MarshalAppend(b, m)
	if err != nil {
		return fmt.Errorf("control message: %w", err)
	}
	c.buf = b[:0]
	_, err = c.w.Write(b)
	return err
}
