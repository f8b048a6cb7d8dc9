package hclfile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestForEach lists the clusters and flows that a text makes.
func TestForEach(t *testing.T) {
	tests := map[string]struct {
		text string
		want []string
	}{
		"hub and spoke": {`
locals { edges = { eu = "edge-eu:9092", us = "edge-us:9092" } }
cluster "hub" { bootstrap_servers = ["hub:9092"] }
cluster "edge" {
  for_each          = local.edges
  bootstrap_servers = [each.value]
  client_id         = "strait-${each.key}"
}
flow "edge_to_hub" {
  for_each = local.edges
  from     = cluster.edge[each.key]
  to       = cluster.hub
  topics   = ["${each.key}\\..*"]
}`, []string{
			"cluster hub [hub:9092] ", "cluster edge_eu [edge-eu:9092] strait-eu", "cluster edge_us [edge-us:9092] strait-us",
			`flow edge_to_hub_eu edge_eu>hub [eu\..*]`, `flow edge_to_hub_us edge_us>hub [us\..*]`,
		}},
		"list, set, alias and an instance by name": {`
variable "edges" { default = ["a", "b"] }
cluster "hub" { bootstrap_servers = ["hub:9092"] }
cluster "edge" {
  for_each          = toset(var.edges)
  alias             = upper(each.key)
  bootstrap_servers = ["${each.value}:1"]
}
flow "fan" {
  for_each = var.edges
  from     = cluster.hub
  to       = cluster["edge"][each.value]
}
flow "hub->A" {}
flow "one" {
  from = cluster.edge["b"]
  to   = "hub"
}`, []string{
			"cluster hub [hub:9092] ", "cluster A [a:1] ", "cluster B [b:1] ",
			"flow fan_a hub>A [.*]", "flow fan_b hub>B [.*]", "flow hub->A hub>A [.*]", "flow one B>hub [.*]",
		}},
		"locals from clusters, clusters from locals": {`
locals {
  names = ["x", "y"]
  all   = [for name in keys(cluster.c) : cluster.c[name]]
  first = local.all[0]
}
cluster "c" {
  for_each          = { for i, n in local.names : n => i }
  bootstrap_servers = ["${each.key}:${9000 + each.value}"]
}
flow "f" {
  from = local.first
  to   = local.all[1]
}`, []string{"cluster c_x [x:9000] ", "cluster c_y [y:9001] ", "flow f c_x>c_y [.*]"}},
		"none": {`cluster "c" {
  for_each = {}
  bootstrap_servers = []
}`, nil},
		"alias": {`
cluster "A" {
  alias = "old.name"
  bootstrap_servers = ["a:1"]
}
cluster "B" { bootstrap_servers = ["b:1"] }
flow "A->B" {}`, []string{"cluster old.name [a:1] ", "cluster B [b:1] ", "flow A->B old.name>B [.*]"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg, problems := read(tt.text)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			var got []string
			for _, c := range cfg.Clusters {
				got = append(got, fmt.Sprintf("cluster %s %v %s", c.Alias, c.BootstrapServers, c.ClientID))
			}
			for _, f := range cfg.Flows {
				got = append(got, fmt.Sprintf("flow %s %s>%s %v", f.Name, f.From, f.To, f.Topics))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestFunctions computes one expression each; a want that starts with "!" is a
// part of the complaint.
func TestFunctions(t *testing.T) {
	for expr, want := range map[string]string{
		`split(",", "a,b")[1]`:                                         "b",
		`format("%s-%03d", "a", 7)`:                                    "a-007",
		`join("|", formatlist("%s!", ["a", "b"]))`:                     "a!|b!",
		`regex_replace("iot.x", "^iot\\.(.+)$", "$1")`:                 "x",
		`replace("a-b", "-", "_")`:                                     "a_b",
		`regex("[0-9]+", "ab12")`:                                      "12",
		`join(",", concat(["a"], ["b", "a"]))`:                         "a,b,a",
		`join(",", distinct(["a", "b", "a"]))`:                         "a,b",
		`join(",", keys(merge({ b = 1 }, { a = 2 })))`:                 "a,b",
		`lookup({ a = "x" }, "b", "y")`:                                "y",
		`coalesce(null, "z")`:                                          "z",
		`tostring(contains(["a"], "a"))`:                               "true",
		`join(",", sort(flatten([["b"], ["a"]])))`:                     "a,b",
		`join(",", [for i in range(3) : tostring(i)])`:                 "0,1,2",
		`substr(trimprefix("ab-cd", "ab-"), 0, 1)`:                     "c",
		`jsondecode("{\"a\":[1,\"q\"]}").a[1]`:                         "q",
		`base64decode(base64encode("hé"))`:                             "hé",
		`try(var.nope.x, local.o.missing, "last")`:                     "last",
		`can(local.o.missing) ? "yes" : "no"`:                          "no",
		`startswith("abc", "ab") && endswith("abc", "bc") ? "y" : "n"`: "y",
		`upper(title(trimspace(" x ")))`:                               "X",
		`values({ a = "v" })[0]`:                                       "v",
		`nonsensitive(secret("env:SECRET"))`:                           "hunter2",
		`env("SECRET")`:                                                "hunter2",
		`try(env("NOPE"), "none")`:                                     "none",
		`secret("SECRET")`:                                             `!secret(): the reference must start with "env:" or "file:"`,
		`secret("env:NOPE")`:                                           "!environment variable NOPE is not set",
		`secret("file:nope")`:                                          "!cannot read file nope: no such file",
		`parseint(env("SECRET"), 10)`:                                  "!parseint(): the function does not accept the secret value",
		`jsondecode(env("SECRET"))`:                                    "!the function does not accept the secret value",
		`tonumber("x")`:                                                "!tonumber(): cannot convert \"x\" to number",
		`env(secret("env:SECRET"))`:                                    "!the value that a secret names is missing",
		`upcase("x")`:                                                  `!there is no function "upcase"`,
		`upper()`:                                                      "!wrong number of arguments for upper()",
		`local.o.missing`:                                              `!local.o has no "missing"`,
		`local.o["there"]["x"]`:                                        `!local.o.there has no "x"`,
		`local.o[local.key]`:                                           `!local.o has no "thre"`,
		`each.key`:                                                     "!each is known only in a block with for_each",
		`1 + "a"`:                                                      "!unsuitable operand: a number is required",
		`1 / 0`:                                                        "!divides by zero",
		`"x${["a"]}"`:                                                  "!only a string, number or bool can be put into a string",
		`"x" ? 1 : 2`:                                                  "!the condition must be true or false",
		`{ for s in split(",", "${env("SECRET")},hunter2") : s => 1 }`: "!two elements of the for expression have the same key",
		`try(local.nope, jsondecode(env("SECRET")))`:                   "!no argument of try() can be computed",
	} {
		cfg, problems := read("locals {\n key = \"thre\"\n o = { there = { y = 1 } }\n}\n" +
			"cluster \"A\" {\n bootstrap_servers = [\"a:1\"]\n client_id = " + expr + "\n}")
		if part, ok := strings.CutPrefix(want, "!"); ok {
			if len(problems) != 1 || !strings.Contains(problems[0].Summary, part) || strings.Contains(fmt.Sprint(problems), "hunter2") {
				t.Errorf("%s: got %v, want %s", expr, problems, part)
			}
			continue
		}
		if len(problems) > 0 || cfg.Clusters[0].ClientID != want {
			t.Errorf("%s: got %q, %v", expr, cfg.Clusters[0].ClientID, problems)
		}
	}
}
