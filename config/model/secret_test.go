package model

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

const hidden = "hunter2"

// secretive holds a secret in every way that a model does.
func secretive() *Config {
	return &Config{Clusters: []*Cluster{{
		Alias: "A", SASL: &SASL{Username: "u", Password: NewSecret(hidden)}, TLS: &TLS{KeyPassword: NewSecret(hidden)},
		Properties: map[string]Property{"ssl.key.password": {Value: NewSecret(hidden), Sensitive: true}},
	}}}
}

// TestSecret is shown by nothing but Reveal.
func TestSecret(t *testing.T) {
	cfg := secretive()
	for _, value := range []any{cfg.Clusters[0].SASL.Password, *cfg.Clusters[0].SASL, cfg.Clusters[0], *cfg.Clusters[0], cfg.Clusters[0].Properties} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p", "%w", "%!"} {
			if got := fmt.Sprintf(verb, value); strings.Contains(got, hidden) || strings.Contains(got, fmt.Sprintf("%x", hidden)) {
				t.Errorf("%s of %T shows it: %s", verb, value, got)
			}
		}
		if got, err := json.Marshal(value); err != nil || strings.Contains(string(got), hidden) {
			t.Errorf("JSON of %T: %s, %v", value, got, err)
		}
	}
	if got := cfg.Clusters[0].SASL.Password.Reveal(); got != hidden {
		t.Errorf("revealed %q", got)
	}
}

// TestSecretInDiff tells that a secret has changed, not from what to what.
func TestSecretInDiff(t *testing.T) {
	before, after := secretive(), secretive()
	after.Clusters[0].SASL.Password = NewSecret(hidden + "3")
	d := Diff(before, after)
	if got := fmt.Sprintf("%v %+v", d, d); len(d) == 0 || strings.Contains(got, hidden) {
		t.Errorf("the difference is %s", got)
	}
}

// TestSecretInPanic has another process panic with a model.
func TestSecretInPanic(t *testing.T) {
	const variable = "STRAIT_TEST_PANIC"
	switch os.Getenv(variable) {
	case "value":
		panic(*secretive().Clusters[0].SASL)
	case "error":
		panic(fmt.Errorf("with %v", *secretive().Clusters[0]))
	case "text":
		panic(fmt.Sprint(secretive().Clusters[0].Properties))
	}
	for _, how := range []string{"value", "error", "text"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSecretInPanic$")
		cmd.Env = append(os.Environ(), variable+"="+how, "GOTRACEBACK=all")
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "panic:") || strings.Contains(string(out), hidden) {
			t.Errorf("panicking with a %s: %v\n%s", how, err, out)
		}
	}
}
