package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A plan is what control answers to a join.
type plan struct {
	Token   string       `json:"token"`
	Streams []planStream `json:"streams"`
	Edges   []planEdge   `json:"edges"`
}

type planStream struct {
	ID string `json:"id"`
}

type planEdge struct {
	Node string `json:"node"`
	WHEP string `json:"whep"`
}

func (p plan) stream() string { return p.Streams[0].ID }

const (
	joinWithin = 2 * time.Second // until another control node is asked
	beatWithin = 6 * time.Second // control speaks every two
)

// pick returns the edge to try, by a newer plan where all of the last have failed.
func (f *follower) pick(ctx context.Context) (planEdge, error) {
	if f.exhausted() {
		if err := f.join(ctx); err != nil && len(f.plan.Edges) == 0 {
			return planEdge{}, err
		} // while control is away what it said last still holds
	}
	if i := slices.IndexFunc(f.plan.Edges, f.fresh); i >= 0 {
		return f.plan.Edges[i], nil
	}
	return slices.MinFunc(f.plan.Edges, func(a, b planEdge) int { return f.failed[a.WHEP].Compare(f.failed[b.WHEP]) }), nil
}

func (f *follower) fresh(e planEdge) bool { return time.Since(f.failed[e.WHEP]) > restsFor }

func (f *follower) exhausted() bool { return !slices.ContainsFunc(f.plan.Edges, f.fresh) }

// join asks each control node in turn which edges there are for this viewer.
func (f *follower) join(ctx context.Context) error {
	var errs []error
	for _, api := range f.cfg.API {
		p, err := f.joinAt(ctx, api)
		if err == nil {
			f.plan = p
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (f *follower) joinAt(ctx context.Context, api string) (plan, error) {
	ctx, cancel := context.WithTimeout(ctx, joinWithin)
	defer cancel()
	failed := []string{}
	for _, e := range f.plan.Edges {
		if !f.fresh(e) {
			failed = append(failed, e.Node)
		}
	}
	hint := map[string]any{"failed": failed}
	if f.cfg.Region != "" {
		hint["region"] = f.cfg.Region
	}
	body, err := json.Marshal(hint)
	if err != nil {
		return plan{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, api+"/events/"+f.cfg.Slug+"/join", bytes.NewReader(body))
	if err != nil {
		return plan{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	if f.plan.Token != "" {
		req.Header.Set("Authorization", "Bearer "+f.plan.Token)
	}
	res, err := f.client.Do(req)
	if err != nil {
		return plan{}, err
	}
	defer func() { _ = res.Body.Close() }() // read to its end, or of no interest
	if res.StatusCode != http.StatusOK {
		return plan{}, statusError(res)
	}
	var p plan
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&p); err != nil {
		return plan{}, fmt.Errorf("join at %s: %w", redacted(res.Request.URL), err)
	}
	if len(p.Streams) == 0 || len(p.Edges) == 0 {
		return plan{}, fmt.Errorf("join at %s: neither a stream nor an edge to play from", redacted(res.Request.URL))
	}
	return p, nil
}

// listen hears which edges are about to leave, of one control node after the other, until ctx ends.
func (f *follower) listen(ctx context.Context) {
	client := newClient(1)
	client.Timeout = 0 // of a line that has no end
	defer client.CloseIdleConnections()
	for i := 0; ctx.Err() == nil; i++ {
		_ = f.hear(ctx, client, f.cfg.API[i%len(f.cfg.API)]) // the next is asked whatever came of it
		select {
		case <-time.After(againAfter):
		case <-ctx.Done():
		}
	}
}

func (f *follower) hear(ctx context.Context, client *http.Client, api string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(beatWithin, cancel)
	defer silence.Stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, api+"/events/"+f.cfg.Slug+"/live", nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // it has no end
	if res.StatusCode != http.StatusOK {
		return statusError(res)
	}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		silence.Reset(beatWithin)
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		var beat struct {
			Leaving []string `json:"leaving"`
		}
		if !ok || json.Unmarshal([]byte(data), &beat) != nil || len(beat.Leaving) == 0 {
			continue
		}
		select {
		case <-f.leaving:
		default:
		}
		f.leaving <- beat.Leaving // nobody else sends
	}
	return lines.Err()
}
