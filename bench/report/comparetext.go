package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// WriteJSON writes c as one line.
func (c *Comparison) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(c)
}

// WriteText writes c for people: a line a figure, and what to think of the whole.
func (c *Comparison) WriteText(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "A: %s\nB: %s\n", plain(c.A), plain(c.B))
	for _, n := range c.Notes {
		fmt.Fprintf(&b, "note: %s\n", plain(n))
	}
	b.WriteByte('\n')
	rows := [][]string{{"figure", "A", "B", "unit", "change", "noise", "verdict"}}
	for _, one := range c.Changes {
		change, noise := "–", "–"
		if one.Share != nil {
			change = fmt.Sprintf("%+.1f %%", 100**one.Share)
		}
		if one.Noise != nil {
			noise = Number(*one.Noise) + " (" + one.By + ")"
		}
		verdict := string(one.Verdict)
		if one.Verdict == Worse {
			verdict = "WORSE"
		}
		if one.Why != "" {
			verdict += ": " + plain(one.Why)
		}
		rows = append(rows, []string{plain(one.ID), Number(one.A), Number(one.B), plain(one.Unit), change, noise, verdict})
	}
	if len(c.Changes) > 0 {
		align(&b, rows)
	}
	switch n := c.Worse(); {
	case len(c.Changes) == 0:
		b.WriteString("The two have no figure in common.\n")
	case n == 0:
		b.WriteString("\nNothing got worse beyond noise.\n")
	default:
		fmt.Fprintf(&b, "\nWorse beyond noise: %d.\n", n)
	}
	_, err := w.Write(b.Bytes())
	return err
}
