package view

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// JSON writes a command's result for programs. value carries its own
// format_version and is made of what JSON can say.
func (v *View) JSON(value any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // "a->b" is for people too
	e.SetIndent("", "  ")
	if err := e.Encode(value); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	v.Raw(b.Bytes())
	return nil
}
