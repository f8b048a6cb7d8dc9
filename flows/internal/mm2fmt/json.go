package mm2fmt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"
)

// upperHex are the digits of Jackson's \u00XX escapes (CharTypes.HC).
const upperHex = "0123456789ABCDEF"

// appendString appends s as Jackson's generator writes it. encoding/json is
// not used: it escapes U+2028, U+2029 and DEL differently, and MirrorMaker 2
// finds a position by the exact bytes of its key. Bytes that are no UTF-8
// become U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\b':
			dst = append(dst, '\\', 'b')
		case r == '\t':
			dst = append(dst, '\\', 't')
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r == '\f':
			dst = append(dst, '\\', 'f')
		case r == '\r':
			dst = append(dst, '\\', 'r')
		case r < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', upperHex[r>>4], upperHex[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

func appendInt(dst []byte, name string, n int64) []byte {
	dst = append(dst, ',')
	dst = appendString(dst, name)
	dst = append(dst, ':')
	return strconv.AppendInt(dst, n, 10)
}

// object is the members of a JSON object by exact name; of several equal
// names the last wins, as in Jackson.
type object map[string]json.RawMessage

// decode reads one JSON value of at most limit bytes into v.
func decode(b []byte, limit int, v any) error {
	if len(b) > limit {
		return fmt.Errorf("it has %d bytes, more than the %d allowed", len(b), limit)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON value")
	}
	return nil
}

var errMissing = errors.New("it is missing")

// integer reads member name, which must be an integer literal of the given
// width: no fraction, no exponent, no text.
func (o object) integer(name string, bits int) (int64, error) {
	raw, ok := o[name]
	if !ok || string(raw) == "null" {
		return 0, fmt.Errorf("reading member %q: %w", name, errMissing)
	}
	n, err := strconv.ParseInt(string(raw), 10, bits)
	if err != nil {
		return 0, fmt.Errorf("reading member %q: %w", name, err)
	}
	return n, nil
}

// text reads member name, which may be missing, as a string of at most limit
// bytes.
func (o object) text(name string, limit int) (string, error) {
	raw, ok := o[name]
	if !ok {
		return "", nil
	}
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", fmt.Errorf("reading member %q: %w", name, err)
	}
	if s == nil {
		return "", nil
	}
	if len(*s) > limit {
		return "", fmt.Errorf("reading member %q: it has %d bytes, more than the %d allowed", name, len(*s), limit)
	}
	return *s, nil
}

// element is an element of a key: a string or an object.
type element struct {
	text    string
	members object
}

// UnmarshalJSON takes a string or an object and refuses the rest.
func (r *element) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		return json.Unmarshal(b, &r.members)
	}
	return json.Unmarshal(b, &r.text)
}
