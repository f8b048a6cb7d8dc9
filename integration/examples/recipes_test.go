package examples_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// binaryVariable tells tests where TestMain has put the program.
const binaryVariable = "STRAIT_EXAMPLES_PATH"

func TestMain(m *testing.M) { os.Exit(withBinary(m)) }

// withBinary builds the program as a user would and runs the tests.
func withBinary(m *testing.M) int {
	dir, err := os.MkdirTemp("", "strait-examples-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "making a directory for the program:", err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "strait"), "github.com/strait-mirror/strait/cmd/strait")
	if text, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the program: %v\n%s", err, text)
		return 1
	}
	if err := os.Setenv(binaryVariable, dir); err != nil {
		fmt.Fprintln(os.Stderr, "naming the program:", err)
		return 1
	}
	return m.Run()
}

// shell runs a command line in dir with the program on the path and returns its
// exit code and what it printed.
func shell(t *testing.T, dir, line string) (int, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(),
		"PATH="+os.Getenv(binaryVariable)+string(os.PathListSeparator)+os.Getenv("PATH"),
		"GITHUB_STEP_SUMMARY="+filepath.Join(dir, "summary.md"))
	text, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), string(text)
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, string(text)
}

// commands returns the commands of the program in a recipe.
func commands(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, m := range regexp.MustCompile(`(?m)^ *(?:- |run: |entry: )(strait .*)$`).FindAllStringSubmatch(string(text), -1) {
		lines = append(lines, m[1])
	}
	return lines
}

// TestRecipes runs every command of the recipes on a topology that is in order,
// and then on one that is not: the format and the lint then say so with exit
// code 3.
func TestRecipes(t *testing.T) {
	for _, recipe := range []string{"github-actions.yml", "gitlab-ci.yml", "pre-commit-config.yaml"} {
		t.Run(recipe, func(t *testing.T) {
			lines := commands(t, filepath.Join(root, "ci", recipe))
			if len(lines) < 2 {
				t.Fatalf("only %q", lines)
			}
			dir := t.TempDir()
			topology := filepath.Join(dir, "topology")
			if err := os.CopyFS(topology, os.DirFS(filepath.Join(root, "chain"))); err != nil {
				t.Fatal(err)
			}
			for _, line := range lines {
				if code, text := shell(t, dir, line); code != 0 {
					t.Errorf("%s: exit %d\n%s", line, code, text)
				}
			}
			bad := "cluster   \"extra\" { bootstrap_server = [\"x:9092\"] }\n"
			if err := os.WriteFile(filepath.Join(topology, "bad.hcl"), []byte(bad), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, line := range lines {
				if strings.HasPrefix(line, "strait fmt") || strings.HasPrefix(line, "strait lint") {
					if code, text := shell(t, dir, line); code != 3 {
						t.Errorf("%s with a bad file: exit %d\n%s", line, code, text)
					}
				}
			}
		})
	}
}

// readmeCommands returns the commands of the program that a README shows.
func readmeCommands(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)^ {4,}((?:\w+=\S+ )*strait .*)$`).FindAllString(string(text), -1)
}

// TestReadmes runs every command that a README shows in its folder, after those
// that the examples have in common. The addresses are ones where nothing listens,
// so that what connects says that, and nothing else.
func TestReadmes(t *testing.T) {
	common := readmeCommands(t, filepath.Join(root, "README.md"))
	for _, name := range topologies(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own := readmeCommands(t, filepath.Join(root, name, "README.md"))
			if len(common) < 3 || len(own) == 0 {
				t.Fatalf("only %q and %q", common, own)
			}
			dir := t.TempDir()
			ports := 0
			closed := func(text string) string {
				return regexp.MustCompile(`[\w.-]+:909\d`).ReplaceAllStringFunc(text, func(string) string {
					ports++
					return fmt.Sprintf("127.0.0.1:%d", ports)
				})
			}
			for _, file := range []string{"strait.hcl", "topics.txt"} {
				text, err := os.ReadFile(filepath.Join(root, name, file))
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, file), []byte(closed(string(text))), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for _, file := range []string{"ca.pem", "dc1-ca.pem"} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(pem), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for _, line := range slices.Concat(common, own) {
				line = closed(line)
				connects := strings.Contains(line, " --online ")
				if strings.Contains(line, "strait run ") {
					connects = true
					line += " --once --timeout 1s"
				}
				code, text := shell(t, dir, "export WEST_BROKERS=127.0.0.1:91 EAST_BROKERS=127.0.0.1:92 BESIDE_BROKERS=127.0.0.1:93 "+
					"DC1_PASSWORD=x SELF_PASSWORD=x API_KEY=x API_SECRET=x; "+line)
				if !connects && code != 0 || connects && !strings.Contains(text, "nothing listens") {
					t.Errorf("%s: exit %d\n%s", line, code, text)
				}
			}
		})
	}
}

// TestFormatted holds every HCL file of the examples to the program's own form.
func TestFormatted(t *testing.T) {
	if code, text := shell(t, root, "strait fmt --check -r ."); code != 0 {
		t.Errorf("exit %d\n%s", code, text)
	}
}

// TestLint lints both forms of every topology, where what they take from the
// environment is not there: nothing else is to be said.
func TestLint(t *testing.T) {
	for _, name := range topologies(t) {
		t.Run(name, func(t *testing.T) {
			for _, file := range forms(t, filepath.Join(root, name)) {
				if code, text := shell(t, filepath.Join(root, name), "strait lint --ignore ST013 "+file); code != 0 {
					t.Errorf("%s: exit %d\n%s", file, code, text)
				}
			}
		})
	}
}
