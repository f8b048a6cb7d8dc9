package settings_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/config/settings"
)

// TestRedact takes every kind of secret out of texts, also where JSON says them in
// other words, and lets everything else be.
func TestRedact(t *testing.T) {
	cfg := &model.Config{
		Server: &model.Server{Token: model.NewSecret("tok-1234")},
		Clusters: []*model.Cluster{{
			Alias: "a", SASL: &model.SASL{Mechanism: "PLAIN", Username: "ann", Password: model.NewSecret(`pass"word`)},
			TLS: &model.TLS{Key: model.NewSecret("-----BEGIN\nkey\n")},
		}, {
			Alias: "b", SASL: &model.SASL{Mechanism: "PLAIN", Username: "bob", Password: model.NewSecret("abc")},
		}},
	}
	r := settings.NewRedactor(cfg, "extra-secret", "extra-secret-longer")
	text := "ann: pass\"word, tok-1234, -----BEGIN\nkey\n, extra-secret-longer, abcdef"
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{text, string(quoted)} {
		got := r.Redact(text)
		for _, secret := range []string{"pass", "tok-", "BEGIN", "key", "extra", "longer"} {
			if strings.Contains(got, secret) {
				t.Errorf("%q is in %s", secret, got)
			}
		}
		for _, kept := range []string{"ann: (secret)", "abcdef"} {
			if !strings.Contains(got, kept) {
				t.Errorf("%q is not in %s", kept, got)
			}
		}
	}
	if got := settings.NewRedactor(nil).Redact(text); got != text {
		t.Errorf("without a secret it is %q", got)
	}
	document, err := json.Marshal(settings.OfModel(cfg).Document(false))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Redact(string(document)); got != string(document) || !strings.Contains(got, `"ann"`) {
		t.Errorf("the document had a secret: %s", got)
	}
}
