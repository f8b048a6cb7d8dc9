package format

import (
	"io"
	"net/url"
	"path/filepath"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/pipeline/lint"
)

// The structures of SARIF 2.1.0 that are used here, in the order of the
// standard (https://docs.oasis-open.org/sarif/sarif/v2.1.0).
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		Language   string        `json:"language"`
		Results    []sarifResult `json:"results"`
		Newlines   []string      `json:"newlineSequences"`
		ColumnKind string        `json:"columnKind"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name     string      `json:"name"`
		Language string      `json:"language"`
		Rules    []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID            string      `json:"id"`
		Short         sarifText   `json:"shortDescription"`
		Full          sarifText   `json:"fullDescription"`
		Help          sarifHelp   `json:"help"`
		Configuration sarifConfig `json:"defaultConfiguration"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifHelp struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown"`
	}
	sarifConfig struct {
		Level string `json:"level"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations,omitempty"`
		Fingerprints map[string]string `json:"partialFingerprints"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
		EndLine     int `json:"endLine,omitempty"`
		EndColumn   int `json:"endColumn,omitempty"`
	}
)

const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

const language = "en-US"

// SARIF writes a log of the Static Analysis Results Interchange Format 2.1.0,
// with every rule that something was found by.
func SARIF(w io.Writer, r *lint.Report) error {
	run := sarifRun{
		Tool:     sarifTool{sarifDriver{Name: "strait", Language: language, Rules: []sarifRule{}}},
		Language: language,
		Results:  []sarifResult{},
		Newlines: []string{"\r\n", "\n", "\r"}, // as the readers of both languages count lines
		// Columns count characters of Unicode, not of UTF-16.
		ColumnKind: "unicodeCodePoints",
	}
	index := map[string]int{}
	for _, f := range r.Findings {
		at, known := index[f.Code]
		if !known {
			at = len(run.Tool.Driver.Rules)
			index[f.Code] = at
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, ruleOf(f.Code))
		}
		result := sarifResult{
			RuleID: f.Code, RuleIndex: at, Level: level(f.Severity), Message: sarifText{message(f)},
			Fingerprints: map[string]string{"strait/v1": f.Fingerprint},
		}
		if f.Subject.File != "" {
			result.Locations = []sarifLocation{{sarifPhysical{sarifArtifact{uri(f.Subject.File)}, region(f.Subject)}}}
		}
		run.Results = append(run.Results, result)
	}
	return encode(w, sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}})
}

// ruleOf describes a rule; what no rule declares is described by its id.
func ruleOf(id string) sarifRule {
	r, err := lint.Lookup(id)
	if err != nil {
		r = lint.Rule{ID: id, Title: id, Why: id, Severity: diag.Error}
	}
	return sarifRule{
		ID: r.ID, Short: sarifText{r.Title}, Full: sarifText{r.Why},
		Help: sarifHelp{Text: r.Why + "\n\nFix: " + r.Fix, Markdown: r.Page()}, Configuration: sarifConfig{level(r.Severity)},
	}
}

func level(s diag.Severity) string {
	switch s {
	case diag.Error:
		return "error"
	case diag.Warning:
		return "warning"
	case diag.Info:
	}
	return "note"
}

// uri is a path as a reference: relative ones stay so.
func uri(path string) string {
	u := url.URL{Path: filepath.ToSlash(filepath.Clean(path))}
	if filepath.IsAbs(path) {
		u.Scheme = "file"
		if u.Path[0] != '/' { // a drive of Windows
			u.Path = "/" + u.Path
		}
	}
	return u.String()
}

func region(at diag.Range) *sarifRegion {
	if at.Start.Line == 0 {
		return nil
	}
	r := &sarifRegion{StartLine: at.Start.Line, StartColumn: at.Start.Column}
	if at.End.Line > at.Start.Line || at.End.Line == at.Start.Line && at.End.Column >= at.Start.Column {
		r.EndLine, r.EndColumn = at.End.Line, at.End.Column
	}
	return r
}
