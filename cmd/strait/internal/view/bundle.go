package view

import (
	"fmt"

	"github.com/strait-mirror/strait/pipeline/support"
)

// Bundle is an archive that was written.
type Bundle struct {
	File     string
	Contents []support.File
	Missing  []string // what could not be had, and why
}

// Bundle says what is in an archive, and what is not.
func (v *View) Bundle(b Bundle, asJSON bool) error {
	if !asJSON {
		v.Print("%s: %d files, without secrets; names of hosts, users, topics and groups are in them", b.File, len(b.Contents))
		for _, missing := range b.Missing {
			v.Note("not in it: %s", missing)
		}
		return nil
	}
	type file struct {
		Name  string `json:"name"`
		Bytes int    `json:"bytes"`
	}
	files := make([]file, len(b.Contents))
	for i, f := range b.Contents {
		files[i] = file{f.Name, len(f.Text)}
	}
	err := v.JSON(struct {
		FormatVersion int      `json:"format_version"`
		File          string   `json:"file"`
		Contents      []file   `json:"contents"`
		Missing       []string `json:"missing,omitempty"`
	}{1, b.File, files, b.Missing})
	if err != nil {
		return fmt.Errorf("saying what is in the archive: %w", err)
	}
	return nil
}
