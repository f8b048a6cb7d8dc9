package convert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
)

// login reads the authentication of a cluster and reports whether it is SASL.
func (r *resource) login(alias string, t tree) bool {
	from := t.source()
	jaas := func(module string, options ...string) {
		var line strings.Builder
		line.WriteString("org.apache.kafka.common.security." + module + " required")
		for i := 0; i+1 < len(options); i += 2 {
			if options[i+1] != "" {
				fmt.Fprintf(&line, ` %s="%s"`, options[i], quoteJAAS(options[i+1]))
			}
		}
		r.f.set(alias+".sasl.jaas.config", line.String()+";", from)
	}
	kind := t.get("type").str()
	switch kind {
	case "tls":
		pair := t.get("certificateAndKey")
		r.f.set(alias+".ssl.keystore.type", "PEM", from)
		r.f.set(alias+".ssl.keystore.certificate.chain", r.ref(pair, "certificate"), from)
		r.f.set(alias+".ssl.keystore.key", r.ref(pair, "key"), from)
		return false
	case "scram-sha-256", "scram-sha-512":
		r.f.set(alias+".sasl.mechanism", strings.ToUpper(kind), from)
		jaas("scram.ScramLoginModule", "username", t.get("username").str(), "password", r.ref(t.get("passwordSecret"), "password"))
	case "plain":
		r.f.set(alias+".sasl.mechanism", "PLAIN", from)
		jaas("plain.PlainLoginModule", "username", t.get("username").str(), "password", r.ref(t.get("passwordSecret"), "password"))
	case "oauth":
		r.oauth(alias, t, jaas)
	case "custom":
		t.get("config").each(func(name string, v tree) { r.set(alias+"."+name, v) })
		return t.get("sasl").str() == "true"
	default:
		r.f.needs(t.get("type").source(), diag.CodeMechanism, "no such kind of authentication")
		return false
	}
	return true
}

// oauth reads the fields of Strimzi's OAuth client.
func (r *resource) oauth(alias string, t tree, jaas func(string, ...string)) {
	r.f.set(alias+".sasl.mechanism", "OAUTHBEARER", t.source())
	r.f.set(alias+".sasl.login.callback.handler.class", "io.strimzi.kafka.oauth.client.JaasClientOauthLoginCallbackHandler", t.source())
	var options []string
	for _, o := range [][2]string{
		{"tokenEndpointUri", "oauth.token.endpoint.uri"},
		{"clientId", "oauth.client.id"},
		{"scope", "oauth.scope"},
		{"audience", "oauth.audience"},
		{"username", "oauth.password.grant.username"},
	} {
		options = append(options, o[1], t.get(o[0]).str())
	}
	for _, o := range [][2]string{
		{"clientSecret", "oauth.client.secret"},
		{"accessToken", "oauth.access.token"},
		{"refreshToken", "oauth.refresh.token"},
		{"clientAssertion", "oauth.client.assertion"},
		{"passwordSecret", "oauth.password.grant.password"},
	} {
		if ref := t.get(o[0]); ref.exists() {
			key := "key"
			if o[0] == "passwordSecret" {
				key = "password"
			}
			options = append(options, o[1], r.ref(ref, key))
		}
	}
	known := []string{
		"type", "tokenEndpointUri", "clientId", "scope", "audience", "username",
		"clientSecret", "accessToken", "refreshToken", "clientAssertion", "passwordSecret",
	}
	t.each(func(key string, v tree) {
		if !slices.Contains(known, key) {
			r.f.needs(v.source(), diag.CodeNoEffect, "write it in the sasl block of cluster "+alias)
		}
	})
	jaas("oauthbearer.OAuthBearerLoginModule", options...)
}

// quoteJAAS escapes a text between double quotes.
func quoteJAAS(text string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text)
}
