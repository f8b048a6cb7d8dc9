package metrics_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// promtool runs Prometheus' tool, which is built without what finds targets, and
// fails where it does. Like the linter it is fetched and built the first time.
func promtool(t *testing.T, in string, args ...string) string {
	t.Helper()
	const tool = "github.com/prometheus/prometheus/cmd/promtool@v0.316.0"
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"run", "-tags", "remove_all_sd", tool}, args...)...)
	cmd.Env = append(os.Environ(), "GOFLAGS=")
	cmd.Stdin = strings.NewReader(in)
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, text)
	}
	return string(text)
}

// TestAlerts holds the shipped alerts to the tests that are shipped with them.
func TestAlerts(t *testing.T) {
	t.Parallel()
	promtool(t, "", "check", "rules", "--lint=all", "--lint-fatal", "../../deploy/prometheus/alerts.yml")
	promtool(t, "", "test", "rules", "../../deploy/prometheus/alerts_test.yml")
}
