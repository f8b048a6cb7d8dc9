package program

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/transforms/jsonpath"
	"github.com/strait-mirror/strait/transforms/record"
)

// mask is a stage of kind mask.
type mask struct {
	key   bool // else the value
	salt  []byte
	rules []maskRule
}

// maskRule says what becomes of the values of a path.
type maskRule struct {
	path   jsonpath.Path
	action model.MaskAction // "": text is in its place
	text   []byte
}

func newMask(s *model.Stage) (*mask, diag.List) {
	m := s.Mask
	if len(m.Fields)+len(m.Replace) == 0 {
		return nil, nothing(s, `fields = { "a.b" = "sha256" } or replace = { "a.b" = "***" }`)
	}
	out := &mask{key: m.Part == model.PartKey, salt: []byte(m.Salt.Reveal())}
	var problems diag.List
	var words []string
	for _, a := range model.MaskActions() {
		words = append(words, string(a))
	}
	for _, list := range []struct {
		name string
		of   map[string]string
	}{{"fields", m.Fields}, {"replace", m.Replace}} {
		for _, text := range slices.Sorted(maps.Keys(list.of)) {
			at := placeOf(s, model.Key(list.name, text))
			rule := maskRule{}
			var err error
			if rule.path, err = jsonpath.Parse(text); err != nil {
				problems.Add(diag.Errorf(diag.CodeBadValue, at, "%s: %v", list.name, err).WithFix(`write names with dots between them, and \\. for a dot in a name`))
				continue
			}
			if list.name == "replace" {
				rule.text, _ = json.Marshal(list.of[text]) // texts can be written
			} else if rule.action = model.MaskAction(list.of[text]); !slices.Contains(words, list.of[text]) {
				d := diag.Errorf(diag.CodeBadValue, at, "fields: %q is none of %s", list.of[text], strings.Join(words, ", "))
				if near := field.Suggest(list.of[text], words); near != "" {
					d = d.WithFix("did you mean %q?", near)
				}
				problems.Add(d)
			}
			if _, both := m.Fields[text]; both && list.name == "replace" {
				problems.Add(diag.Errorf(diag.CodeBadValue, at, "replace: %q is in fields as well", text).WithFix("write it in one of them"))
			}
			out.rules = append(out.rules, rule)
		}
	}
	return out, problems
}

func (m *mask) apply(r *record.Record) error {
	part := &r.Value
	if m.key {
		part = &r.Key
	}
	if *part == nil {
		return nil
	}
	doc, changed := *part, false
	for _, rule := range m.rules {
		spans, err := rule.path.Find(doc)
		if err != nil {
			return fmt.Errorf("masking: %w", err)
		}
		for _, at := range slices.Backward(spans) {
			doc, changed = m.edit(doc, at, rule), true
		}
	}
	if changed {
		*part, r.Changed = doc, true
	}
	return nil
}

// edit returns a copy of doc with one value changed.
func (m *mask) edit(doc []byte, at jsonpath.Span, rule maskRule) []byte {
	switch rule.action {
	case model.MaskDrop:
		return at.Cut(doc)
	case model.MaskNull:
		return at.Put(doc, []byte("null"))
	case model.MaskBlank:
		return at.Put(doc, blank(doc[at.Start]))
	case model.MaskSHA256:
		return at.Put(doc, m.hash(doc[at.Start:at.End]))
	}
	return at.Put(doc, rule.text)
}

// blank is the empty value of the type of one that begins so.
func blank(first byte) []byte {
	switch first {
	case '"':
		return []byte(`""`)
	case '{':
		return []byte("{}")
	case '[':
		return []byte("[]")
	case 't', 'f':
		return []byte("false")
	case 'n':
		return []byte("null")
	}
	return []byte("0")
}

// hash is the hash of a value, as a JSON text. How a text is escaped does not
// matter.
func (m *mask) hash(value []byte) []byte {
	var text string
	if json.Unmarshal(value, &text) == nil && value[0] == '"' {
		value = []byte(text)
	}
	var h hash.Hash
	if len(m.salt) > 0 {
		h = hmac.New(sha256.New, m.salt)
	} else {
		h = sha256.New()
	}
	h.Write(value)
	return []byte(`"` + hex.EncodeToString(h.Sum(nil)) + `"`)
}
