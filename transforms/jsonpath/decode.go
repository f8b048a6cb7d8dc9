package jsonpath

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// named reports whether a member's name, in quotes as in the document, is that of
// a step.
func named(quoted []byte, step string) bool {
	if strings.HasPrefix(step, `\*`) {
		step = step[1:]
	}
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1:len(quoted)-1]) == step
	}
	var name string
	return json.Unmarshal(quoted, &name) == nil && name == step
}

// Value returns the last value of the path, which counts where a name occurs
// twice: nil, a bool, an int64, a float64, a string, a []any or a map[string]any.
// Whole numbers that an int64 holds are int64. ok is false where there is none.
func (p Path) Value(doc []byte) (value any, ok bool, err error) {
	found, err := p.Find(doc)
	if err != nil || len(found) == 0 {
		return nil, false, err
	}
	last := found[len(found)-1]
	d := json.NewDecoder(bytes.NewReader(doc[last.Start:last.End]))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return nil, false, fmt.Errorf("reading JSON at byte %d: %w", last.Start, err)
	}
	return plain(value), true, nil
}

// plain replaces numbers by those of Go.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return n
		}
		f, _ := strconv.ParseFloat(string(v), 64) // out of range: infinite
		return f
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = plain(v[name])
		}
	}
	return v
}
