package telemetry_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/strait-mirror/strait/pipeline/status"
	"github.com/strait-mirror/strait/pipeline/telemetry"
)

// TestAlerts holds the shipped alerts to the metrics and states that there are, and
// each to a paragraph on what to do.
func TestAlerts(t *testing.T) {
	text, err := os.ReadFile("../../deploy/prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr         string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile("../../docs/guide/monitor.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"strait_build_info": true}
	for _, m := range slices.Concat(telemetry.Table(), telemetry.Process(), telemetry.Partitions()) {
		known[m.Exposed] = true
	}
	for _, d := range telemetry.Distributions() {
		known[d.Exposed] = true
	}
	states := status.States()
	rules := file.Groups[0].Rules
	if len(rules) < 10 {
		t.Errorf("there are %d alerts", len(rules))
	}
	for _, r := range rules {
		names := regexp.MustCompile(`strait_[a-z_]+`).FindAllString(r.Expr, -1)
		if len(names) == 0 {
			t.Errorf("%s asks for no metric of Strait", r.Alert)
		}
		for _, name := range names {
			if !known[name] {
				t.Errorf("%s asks for %s, which there is not", r.Alert, name)
			}
		}
		for _, m := range regexp.MustCompile(`state="([^"]+)"`).FindAllStringSubmatch(r.Expr, -1) {
			if !slices.Contains(states, m[1]) {
				t.Errorf("%s asks for the state %s, which there is not", r.Alert, m[1])
			}
		}
		if want := "docs/guide/monitor.md#" + strings.ToLower(r.Alert); r.Annotations["runbook"] != want || !strings.Contains(string(guide), "\n### "+r.Alert+"\n") {
			t.Errorf("%s: its runbook is not %s, or not there", r.Alert, want)
		}
		if r.Labels["severity"] == "" || r.Annotations["summary"] == "" {
			t.Errorf("%s has no severity or summary", r.Alert)
		}
	}
}

// TestAlertsAreTested holds each alert to a case in which it fires and one in which
// it does not; package integration/metrics runs them.
func TestAlertsAreTested(t *testing.T) {
	var rules struct {
		Groups []struct{ Rules []struct{ Alert string } }
	}
	var tests struct {
		Tests []struct {
			Cases []struct {
				Alert string `yaml:"alertname"`
				Fires []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	for name, to := range map[string]any{"alerts.yml": &rules, "alerts_test.yml": &tests} {
		text, err := os.ReadFile("../../deploy/prometheus/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(text, to); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]map[bool]bool{}
	for _, one := range tests.Tests {
		for _, c := range one.Cases {
			if seen[c.Alert] == nil {
				seen[c.Alert] = map[bool]bool{}
			}
			seen[c.Alert][len(c.Fires) > 0] = true
		}
	}
	for _, rule := range rules.Groups[0].Rules {
		if len(seen[rule.Alert]) != 2 {
			t.Errorf("%s has no case in which it fires, or none in which it does not", rule.Alert)
		}
	}
}
