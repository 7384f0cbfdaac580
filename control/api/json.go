package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// maxDepth of JSON that is read: objects and lists within each other (RELIABILITY, section 5).
const maxDepth = 16

// strictJSON reads JSON as RELIABILITY, section 5, asks: a key given twice, more depth than maxDepth or
// anything behind the value is an error that says where. (encoding/json lets the last of two keys win.)
var strictJSON = huma.Format{
	Marshal: huma.DefaultJSONFormat.Marshal,
	Unmarshal: func(data []byte, v any) error {
		d := json.NewDecoder(bytes.NewReader(data))
		if err := walk(d, "body", 0); err != nil {
			return err
		}
		if _, err := d.Token(); err != io.EOF {
			return misread("body", "something stands behind the value")
		}
		return json.Unmarshal(data, v)
	},
}

// walk goes through the next value of d, which stands at the place at, inside depth others.
func walk(d *json.Decoder, at string, depth int) error {
	t, err := d.Token()
	if err != nil {
		return misread(at, "not JSON")
	}
	open, ok := t.(json.Delim)
	if !ok {
		return nil
	}
	if depth == maxDepth {
		return misread(at, "more than "+strconv.Itoa(maxDepth)+" values within each other")
	}
	seen := map[string]bool{}
	for i := 0; d.More(); i++ {
		place := at + "[" + strconv.Itoa(i) + "]"
		if open == '{' {
			t, err := d.Token()
			key, ok := t.(string)
			if err != nil || !ok {
				return misread(at, "not JSON")
			}
			place = at + "." + key
			if seen[key] {
				return misread(place, "given twice")
			}
			seen[key] = true
		}
		if err := walk(d, place, depth+1); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil { // the closing one
		return misread(at, "not JSON")
	}
	return nil
}

// misread is an error of JSON at a place. huma keeps only the text, of which newError makes two again.
func misread(at, what string) error { return errors.New(what + misreadAt + at) }

const misreadAt = " at "
