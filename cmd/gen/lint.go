package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/strait-mirror/strait/pipeline/lint"
)

// writeRules writes the pages of the lint rules and removes those of rules that
// are no more.
func writeRules() error {
	dir := filepath.Join(root, "docs", "reference", "lint")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("writing the pages of the rules: %w", err)
	}
	pages := lint.Pages()
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("reading the pages of the rules: %w", err)
	}
	for _, e := range entries {
		if _, current := pages[e.Name()]; !current && strings.HasSuffix(e.Name(), ".md") {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return fmt.Errorf("removing a page: %w", err)
			}
		}
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("writing a page: %w", err)
		}
	}
	return nil
}
