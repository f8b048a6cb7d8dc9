package lint

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
)

// baselineVersion is the version of a baseline file.
const baselineVersion = 1

// Baseline is a set of findings that are let be: those a topology had when
// linting began. The zero value is empty.
type Baseline struct {
	known map[string]bool // by fingerprint
}

// baselineFile is the JSON form. Only the fingerprint counts; the rest is for
// people who read the file.
type baselineFile struct {
	FormatVersion int             `json:"format_version"`
	Findings      []baselineEntry `json:"findings"`
}

type baselineEntry struct {
	Fingerprint string `json:"fingerprint"`
	Rule        string `json:"rule"`
	File        string `json:"file"`
	Message     string `json:"message"`
}

// ParseBaseline reads what WriteBaseline wrote.
func ParseBaseline(text []byte) (Baseline, error) {
	var f baselineFile
	if err := json.Unmarshal(text, &f); err != nil {
		return Baseline{}, fmt.Errorf("reading the baseline: %w", err)
	}
	if f.FormatVersion != baselineVersion {
		return Baseline{}, fmt.Errorf("reading the baseline: its format_version is %d, not %d", f.FormatVersion, baselineVersion)
	}
	b := Baseline{known: map[string]bool{}}
	for _, e := range f.Findings {
		b.known[e.Fingerprint] = true
	}
	return b, nil
}

// WriteBaseline returns a baseline of the findings.
func WriteBaseline(findings []Finding) ([]byte, error) {
	f := baselineFile{FormatVersion: baselineVersion, Findings: []baselineEntry{}}
	for _, x := range findings {
		f.Findings = append(f.Findings, baselineEntry{
			Fingerprint: x.Fingerprint, Rule: x.Code, File: slashed(x.Subject.File), Message: x.Summary,
		})
	}
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing the baseline: %w", err)
	}
	return append(text, '\n'), nil
}

// without returns the findings the baseline does not have, and how many it has.
func (b Baseline) without(all []Finding) ([]Finding, int) {
	var fresh []Finding
	for _, f := range all {
		if !b.known[f.Fingerprint] {
			fresh = append(fresh, f)
		}
	}
	return fresh, len(all) - len(fresh)
}

// fingerprinted gives every problem its fingerprint. Equal ones of a file are
// counted, so that each has its own.
func fingerprinted(problems diag.List, src *diag.Sources) []Finding {
	seen := map[string]int{}
	list := make([]Finding, len(problems))
	for i, d := range problems {
		text, ok := src.Line(d.Subject)
		if !ok {
			text = d.Summary
		}
		id := strings.Join([]string{d.Code, slashed(d.Subject.File), strings.Join(strings.Fields(text), " ")}, "\x00")
		seen[id]++
		sum := sha256.Sum256([]byte(id + "\x00" + strconv.Itoa(seen[id])))
		list[i] = Finding{Diagnostic: d, Fingerprint: hex.EncodeToString(sum[:16])}
	}
	return list
}

// slashed is a path as it is written on every system.
func slashed(path string) string {
	if path == "" {
		return ""
	}
	return filepath.ToSlash(filepath.Clean(path))
}
