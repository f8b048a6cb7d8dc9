package view

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/strait-mirror/strait/config/convert"
)

// Conversion says on stderr what of a conversion wants attention: keys that
// are ignored or need the user, variables to set, and the summary.
func (v *View) Conversion(r convert.Report) {
	v.write(v.p.Err, v.p.ErrTerminal, conversion(r, false))
}

// ConversionText is a whole report as text, a line for every key.
func ConversionText(r convert.Report) []byte { return []byte(conversion(r, true)) }

func conversion(r convert.Report, whole bool) string {
	var b strings.Builder
	for _, k := range r.Keys {
		if whole || k.State == convert.Ignored || k.State == convert.NeedsYou {
			b.WriteString(keyLine(k))
		}
	}
	for _, d := range r.Problems {
		fmt.Fprintf(&b, "%s\n", d)
		if d.Fix != "" {
			fmt.Fprintf(&b, "  fix: %s\n", d.Fix)
		}
	}
	for _, d := range r.Differences {
		fmt.Fprintf(&b, "check: the HCL means something else than the files: %s\n", d)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	for _, variable := range r.Variables {
		fmt.Fprintf(&b, "set %s: %s (%s)\n", variable.Name, variable.Note, variable.For)
	}
	b.WriteString(r.Summary() + "\n")
	return b.String()
}

// keyLine is one key: place, name, what became of it and why.
func keyLine(k convert.Key) string {
	line := fmt.Sprintf("%s: %s: %s", k.At, k.Name, strings.ReplaceAll(string(k.State), "_", " "))
	if k.Code != "" {
		line += " (" + k.Code + ")"
	}
	if len(k.To) > 0 {
		line += ": " + strings.Join(k.To, "; ")
	}
	if k.Note != "" {
		line += ": " + k.Note
	}
	return line + "\n"
}

// conversionVersion is that of the JSON; a field may be added to it under the
// same number.
const conversionVersion = 1

type jsonConversion struct {
	FormatVersion int            `json:"format_version"`
	Format        string         `json:"format"`
	Files         []string       `json:"files"`
	Output        string         `json:"output,omitempty"`
	HCL           string         `json:"hcl,omitempty"`
	Complete      bool           `json:"complete"`
	Summary       string         `json:"summary"`
	Keys          []jsonKey      `json:"keys"`
	Variables     []jsonVariable `json:"variables"`
	Notes         []string       `json:"notes"`
	Problems      []string       `json:"problems"`
	Differences   []string       `json:"differences"`
}

type jsonKey struct {
	Key    string   `json:"key"`
	File   string   `json:"file"`
	Line   int      `json:"line"`
	Column int      `json:"column"`
	State  string   `json:"state"`
	Code   string   `json:"code,omitempty"`
	To     []string `json:"to,omitempty"`
	Note   string   `json:"note,omitempty"`
}

type jsonVariable struct {
	Name string `json:"name"`
	For  string `json:"for"`
	Note string `json:"note"`
}

// ConversionJSON is a whole report as JSON. output names the file that was
// written; without one the HCL is part of the report.
func ConversionJSON(r convert.Result, output string) ([]byte, error) {
	j := jsonConversion{
		FormatVersion: conversionVersion, Format: string(r.Report.Format), Files: r.Report.Files,
		Output: output, Complete: r.Report.Complete(), Summary: r.Report.Summary(), Keys: []jsonKey{}, Variables: []jsonVariable{},
		Notes: append([]string{}, r.Report.Notes...), Problems: []string{}, Differences: append([]string{}, r.Report.Differences...),
	}
	if output == "" {
		j.HCL = string(r.HCL)
	}
	for _, k := range r.Report.Keys {
		j.Keys = append(j.Keys, jsonKey{
			Key: k.Name, File: k.At.File, Line: k.At.Start.Line, Column: k.At.Start.Column,
			State: string(k.State), Code: k.Code, To: k.To, Note: k.Note,
		})
	}
	for _, v := range r.Report.Variables {
		j.Variables = append(j.Variables, jsonVariable(v))
	}
	for _, d := range r.Report.Problems {
		j.Problems = append(j.Problems, d.String())
	}
	text, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the report: %w", err)
	}
	return append(text, '\n'), nil
}
