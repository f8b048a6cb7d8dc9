// Package badinput shows what a person sees when something is wrong: it runs the
// program itself, as a process, against real brokers, breaks something, and
// reads the program's exit code, its two outputs and what becomes of them when
// the cause is gone. What the program says where nothing is broken is the
// subject of the other packages of this room.
package badinput

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// binaryVariable tells tests where TestMain has put the program.
const binaryVariable = "STRAIT_BADINPUT_BINARY"

func TestMain(m *testing.M) { os.Exit(withBinary(m)) }

// withBinary builds the program as a user would and runs the tests.
func withBinary(m *testing.M) int {
	dir, err := os.MkdirTemp("", "strait-badinput-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "making a directory for the program:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary := filepath.Join(dir, "strait")
	build := exec.Command("go", "build", "-o", binary, "github.com/strait-mirror/strait/cmd/strait")
	if text, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the program: %v\n%s", err, text)
		return 1
	}
	if err := os.Setenv(binaryVariable, binary); err != nil {
		fmt.Fprintln(os.Stderr, "naming the program:", err)
		return 1
	}
	if err := os.Setenv("STRAIT_LOG_FORMAT", "text"); err != nil { // the tests read lines as people do
		fmt.Fprintln(os.Stderr, "choosing the form of the log:", err)
		return 1
	}
	return m.Run()
}
