package faults

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/strait-mirror/strait/integration/kafka"
)

const resultsIntro = `# Soak

What ` + "`make soak`" + ` last found, by test: real brokers, a strait process, seeded
faults, and a comparison of every record by an independent reader. Package
integration/faults says what the faults are; STRAIT_SEED repeats a run's order.
`

// result writes the section of a test into docs/results/soak.md, in place of
// what was there. The commit is what the program was built from.
func result(t *testing.T, title, commit string, seed uint64, lines []string) {
	t.Helper()
	path := filepath.Join("..", "..", "docs", "results", "soak.md")
	old, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	sections := strings.Split(string(old), "\n## ")
	var text strings.Builder
	text.WriteString(resultsIntro)
	for _, s := range sections[1:] {
		if name, _, _ := strings.Cut(s, "\n"); name != title {
			text.WriteString("\n## " + strings.TrimRight(s, "\n") + "\n")
		}
	}
	fmt.Fprintf(&text, "\n## %s\n\n%s, seed %d, %s; %s, Kafka %s\n\n", title, time.Now().Format(time.DateOnly), seed, commit, machine(), kafka.DefaultVersion)
	for _, l := range lines {
		text.WriteString("- " + l + "\n")
		t.Log(l)
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// commit names what was tested.
func commit(t *testing.T) string {
	t.Helper()
	head, err := exec.CommandContext(t.Context(), "git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return "commit unknown"
	}
	return "commit " + strings.TrimSpace(string(head))
}

func machine() string {
	m := fmt.Sprintf("%s/%s, %d cores", runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return m // another system
	}
	return m + ", load " + strings.Fields(string(load))[0] + " at the end"
}
