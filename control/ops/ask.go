package ops

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"freshet/proto/problem"
)

// Ask sends a request to the control node that dial reaches by ALPN, and reads its answer of at most so many bytes into out;
// in may be nil. answered says whether it was heard there; where it was refused, the error says why.
func Ask(ctx context.Context, dial func(context.Context) (net.Conn, error), most int64, method, path string, in, out any) (answered bool, err error) {
	transport := &http.Transport{DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }}
	defer transport.CloseIdleConnections()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return true, err
		}
		body = bytes.NewReader(b)
	}
	q, err := http.NewRequestWithContext(ctx, method, "https://control"+path, body)
	if err != nil {
		return true, err
	}
	a, err := (&http.Client{Transport: transport}).Do(q)
	if err != nil {
		return false, err
	}
	defer func() { _ = a.Body.Close() }()
	from := json.NewDecoder(io.LimitReader(a.Body, most))
	if a.StatusCode/100 != 2 {
		var p problem.Problem
		if err := from.Decode(&p); err != nil || p.Detail == "" {
			return true, fmt.Errorf("control answers %s", a.Status)
		}
		return true, errors.New(p.Detail)
	}
	return true, from.Decode(out)
}
