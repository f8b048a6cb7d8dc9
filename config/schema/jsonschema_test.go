package schema_test

import (
	"testing"

	"github.com/xeipuuv/gojsonschema"

	"github.com/strait-mirror/strait/config/schema"
)

// TestJSONSchema has the schema accept and refuse topologies in HCL's JSON syntax,
// as a validator reads it that knows nothing of Strait.
func TestJSONSchema(t *testing.T) {
	checked, err := gojsonschema.NewSchema(gojsonschema.NewGoLoader(schema.JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	const cluster = `"cluster": {"a": {"bootstrap_servers": ["a:9092"]}}`
	tests := map[string]struct {
		text string
		ok   bool
	}{
		"nothing":    {`{}`, true},
		"cluster":    {`{` + cluster + `}`, true},
		"no servers": {`{"cluster": {"a": {}}}`, false},
		"login": {`{"cluster": {"a": [{"bootstrap_servers": "${split(\",\", var.b)}", "tls": [{}],
			"sasl": {"plain": {"username": "u", "password_file": "p"}}}]}}`, true},
		"flow": {`{` + cluster + `, "flow": {"a->b": {"topics": ["x"], "start": "latest", "replication_factor": 3,
			"refresh_topics_interval": "10s", "buffer_memory": "8MiB", "compression_type": "zstd"}}}`, true},
		"list of flows":      {`{"flow": [{"a->b": [{}]}, {"b->a": [{"enabled": "${var.on}"}]}]}`, true},
		"unknown attribute":  {`{"flow": {"a->b": {"topic": ["x"]}}}`, false},
		"unknown block":      {`{"flows": {}}`, false},
		"unknown word":       {`{"flow": {"a->b": {"start": "soon"}}}`, false},
		"no duration":        {`{"flow": {"a->b": {"refresh_topics_interval": "10 parsecs"}}}`, false},
		"no size":            {`{"flow": {"a->b": {"buffer_memory": "large"}}}`, false},
		"no number":          {`{"flow": {"a->b": {"replication_factor": "three"}}}`, false},
		"no list":            {`{"flow": {"a->b": {"topics": "x"}}}`, false},
		"stage":              {`{"flow": {"a->b": {"transform": {"rename": {"r": {"prefix": "x."}}}}}}`, true},
		"stage of no kind":   {`{"flow": {"a->b": {"transform": {"renames": {"r": {"prefix": "x."}}}}}}`, false},
		"stages in a list":   {`{"flow": {"a->b": {"transform": [{"filter": {"f": {}}}, {"rename": [{"r": {"prefix": "x."}}]}]}}}`, true},
		"stage of the wrong": {`{"flow": {"a->b": {"transform": {"filter": {"r": {"prefix": "x."}}}}}}`, false},
		"locals":             {`{"locals": {"anything": [1, {"a": true}]}, "variable": {"v": {"type": "string", "default": 1}}}`, true},
		"no object":          {`[]`, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := checked.Validate(gojsonschema.NewStringLoader(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if got.Valid() != tt.ok {
				t.Errorf("valid is %v: %v", got.Valid(), got.Errors())
			}
		})
	}
}
