package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/strait-mirror/strait/config/schema"
	"github.com/strait-mirror/strait/pipeline/httpapi"
	"github.com/strait-mirror/strait/pipeline/telemetry"
)

// writeReference writes the pages of the configuration language, of the metrics
// and of the API.
func writeReference() error {
	dir := filepath.Join(root, "docs", "reference")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("writing the reference: %w", err)
	}
	pages := map[string]string{"metrics.md": telemetry.Page(), "api.md": httpapi.Page()}
	for _, p := range schema.Pages() {
		if first := pages[p.Name]; first != "" { // a block about the same: a section of its page
			pages[p.Name] = first + "\n" + strings.ReplaceAll(p.Text, "\n#", "\n##")
		} else {
			pages[p.Name] = p.Text
		}
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("writing the reference: %w", err)
		}
	}
	return nil
}
