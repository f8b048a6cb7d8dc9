package hclfile_test

import (
	"strings"
	"testing"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/hclfile"
)

func TestServer(t *testing.T) {
	const tls = "\n cert_file = \"c\"\n key_file = \"k\"\n"
	tests := map[string]struct {
		text string
		code string // of the one error; empty: none
		says string
	}{
		"default":                     {`server {}`, "", ""},
		"this machine by name":        {`server { listen = "localhost:1" }`, "", ""},
		"this machine by IPv6":        {`server { listen = "[::1]:8844" }`, "", ""},
		"every address":               {`server { listen = ":8844" }`, diag.CodeOpenServer, "who would not have to show who they are"},
		"every address, TLS":          {"server {\n listen = \":8844\"" + tls + "}", diag.CodeOpenServer, ""},
		"every address, token":        {"server {\n listen = \":8844\"\n token_file = \"t\"\n}", diag.CodeOpenServer, ""},
		"every address, TLS, token":   {"server {\n listen = \":8844\"\n token_file = \"t\"" + tls + "}", "", ""},
		"every address, certificates": {"server {\n listen = \"10.0.0.1:8844\"\n client_ca_file = \"t\"" + tls + "}", "", ""},
		"no address":                  {`server { listen = "8844" }`, diag.CodeBadValue, "host:port"},
		"half a pair":                 {`server { cert_file = "c" }`, diag.CodeMissing, "both cert and key"},
		"certificates without TLS":    {`server { client_ca_file = "c" }`, diag.CodeMissing, "client_ca without TLS"},
		"two":                         {"server {}\nserver {}", diag.CodeDuplicateName, "already a server block"},
		"a slip":                      {`server { tokens = "x" }`, diag.CodeUnknownKey, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cfg, problems := hclfile.Read(hclfile.Params{Files: []hclfile.File{{Name: "t.hcl", Text: []byte(tt.text)}}})
			if tt.code == "" {
				if problems.HasErrors() || cfg.Server == nil || cfg.Server.Listen == "" {
					t.Fatalf("%v", problems)
				}
				return
			}
			if len(problems) != 1 || problems[0].Code != tt.code || !strings.Contains(problems[0].Summary, tt.says) || problems[0].Subject.Start.Line == 0 {
				t.Errorf("%v", problems)
			}
		})
	}
}

// TestServerTokenIsHidden keeps a token out of snippets.
func TestServerTokenIsHidden(t *testing.T) {
	var src diag.Sources
	text := []byte("server {\n token = \"hunter2\" + 1\n}")
	src.Add("t.hcl", text)
	_, problems := hclfile.Read(hclfile.Params{Files: []hclfile.File{{Name: "t.hcl", Text: text}}, Sources: &src})
	var b strings.Builder
	if err := diag.Render(&b, problems, &src); err != nil || len(problems) == 0 || strings.Contains(b.String(), "hunter2") {
		t.Errorf("%v\n%s", err, b.String())
	}
}
