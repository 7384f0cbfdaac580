package egress

import (
	"encoding/json"
	"fmt"
	"io"
)

// A pipe is what two processes say to each other: a line of JSON at a time.
type pipe struct {
	in  *json.Decoder
	out *json.Encoder
}

func newPipe(in io.Reader, out io.Writer) *pipe {
	return &pipe{json.NewDecoder(in), json.NewEncoder(out)}
}

func (p *pipe) hear(v any) error {
	if err := p.in.Decode(v); err != nil {
		return fmt.Errorf("hear the other process: %w", err)
	}
	return nil
}

func (p *pipe) say(v any) error {
	if err := p.out.Encode(v); err != nil {
		return fmt.Errorf("tell the other process: %w", err)
	}
	return nil
}
