// Command gen writes the reference page of the commands, which nothing outside
// of cmd/strait can see. The rest of the reference is written by cmd/gen.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/strait-mirror/strait/cmd/strait/internal/cli"
)

//go:generate go run .

// pages is the folder of the reference, seen from the one go generate runs in.
const pages = "../../../docs/reference"

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func write() error {
	if err := os.MkdirAll(pages, 0o755); err != nil {
		return fmt.Errorf("writing the page of the commands: %w", err)
	}
	if err := os.WriteFile(filepath.Join(pages, "cli.md"), cli.Reference(), 0o644); err != nil {
		return fmt.Errorf("writing the page of the commands: %w", err)
	}
	return nil
}
