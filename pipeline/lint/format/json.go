package format

import (
	"io"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/pipeline/lint"
)

// jsonVersion is the version of the JSON form.
const jsonVersion = 1

type jsonReport struct {
	FormatVersion int           `json:"format_version"`
	Findings      []jsonFinding `json:"findings"`
	Summary       jsonSummary   `json:"summary"`
}

type jsonFinding struct {
	Rule        string `json:"rule"`
	Severity    string `json:"severity"`
	Message     string `json:"message"`
	Fix         string `json:"fix,omitempty"`
	File        string `json:"file,omitempty"`
	Line        int    `json:"line,omitempty"`
	Column      int    `json:"column,omitempty"`
	EndLine     int    `json:"end_line,omitempty"`
	EndColumn   int    `json:"end_column,omitempty"`
	Fingerprint string `json:"fingerprint"`
}

type jsonSummary struct {
	Files    int `json:"files"`
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
	Infos    int `json:"infos"`
	Waived   int `json:"waived"`
	Baseline int `json:"baseline"`
}

// JSON writes findings in Strait's own form.
func JSON(w io.Writer, r *lint.Report) error {
	out := jsonReport{
		FormatVersion: jsonVersion,
		Findings:      []jsonFinding{},
		Summary: jsonSummary{
			Files: len(r.Files), Errors: r.Count(diag.Error), Warnings: r.Count(diag.Warning), Infos: r.Count(diag.Info),
			Waived: r.Waived, Baseline: r.Known,
		},
	}
	for _, f := range r.Findings {
		out.Findings = append(out.Findings, jsonFinding{
			Rule: f.Code, Severity: f.Severity.String(), Message: f.Summary, Fix: f.Fix, File: slashed(f.Subject.File),
			Line: f.Subject.Start.Line, Column: f.Subject.Start.Column, EndLine: f.Subject.End.Line, EndColumn: f.Subject.End.Column,
			Fingerprint: f.Fingerprint,
		})
	}
	return encode(w, out)
}

type gitlabFinding struct {
	Description string         `json:"description"`
	CheckName   string         `json:"check_name"`
	Fingerprint string         `json:"fingerprint"`
	Severity    string         `json:"severity"`
	Location    gitlabLocation `json:"location"`
}

type gitlabLocation struct {
	Path  string      `json:"path"`
	Lines gitlabLines `json:"lines"`
}

type gitlabLines struct {
	Begin int `json:"begin"`
}

// GitLab writes GitLab's code quality report. It wants a path and a line for
// everything: what has none is put into the first line of the first file.
func GitLab(w io.Writer, r *lint.Report) error {
	severity := map[diag.Severity]string{diag.Error: "major", diag.Warning: "minor", diag.Info: "info"}
	out := []gitlabFinding{}
	for _, f := range r.Findings {
		path := slashed(f.Subject.File)
		if path == "" && len(r.Files) > 0 {
			path = slashed(r.Files[0])
		}
		out = append(out, gitlabFinding{
			Description: f.Code + ": " + message(f), CheckName: f.Code, Fingerprint: f.Fingerprint,
			Severity: severity[f.Severity], Location: gitlabLocation{path, gitlabLines{max(1, f.Subject.Start.Line)}},
		})
	}
	return encode(w, out)
}
