package client

import (
	"net/url"
	"strings"

	"github.com/strait-mirror/strait/config/model"
)

// oauthOptions are the options of OAuthBearerLoginModule, Kafka's own and, with
// "oauth." in front, those of Strimzi's callback handler.
func oauthOptions() map[string]func(*reader, *model.SASL, string) {
	type setter = func(*reader, *model.SASL, string)
	text := func(p func(*model.SASL) *string) setter {
		return func(_ *reader, s *model.SASL, text string) { *p(s) = text }
	}
	path := func(p func(*model.SASL) *string) setter {
		return func(r *reader, s *model.SASL, text string) { *p(s) = r.path(text) }
	}
	hidden := func(p func(*model.SASL) *model.Secret) setter {
		return func(_ *reader, s *model.SASL, text string) { *p(s) = model.NewSecret(text) }
	}
	id := text(func(s *model.SASL) *string { return &s.OAuth.ClientID })
	password := hidden(func(s *model.SASL) *model.Secret { return &s.OAuth.ClientSecret })
	scope := text(func(s *model.SASL) *string { return &s.OAuth.Scope })
	extension := func(_ *reader, s *model.SASL, pair string) {
		pair = strings.TrimPrefix(strings.TrimPrefix(pair, "extension_"), "oauth.sasl.extension.")
		s.OAuth.Extensions = append(s.OAuth.Extensions, pair)
	}
	return map[string]setter{
		"clientId": id, "clientSecret": password, "scope": scope,
		"extension_*":            extension,
		"oauth.sasl.extension.*": extension,

		"oauth.token.endpoint.uri":               text(func(s *model.SASL) *string { return &s.OAuth.Endpoint }),
		"oauth.client.id":                        id,
		"oauth.client.secret":                    password,
		"oauth.client.secret.location":           path(func(s *model.SASL) *string { return &s.OAuth.ClientSecretFile }),
		"oauth.scope":                            scope,
		"oauth.audience":                         text(func(s *model.SASL) *string { return &s.OAuth.Audience }),
		"oauth.access.token":                     hidden(func(s *model.SASL) *model.Secret { return &s.OAuth.Token }),
		"oauth.access.token.location":            path(func(s *model.SASL) *string { return &s.OAuth.TokenFile }),
		"oauth.refresh.token":                    hidden(func(s *model.SASL) *model.Secret { return &s.OAuth.RefreshToken }),
		"oauth.refresh.token.location":           path(func(s *model.SASL) *string { return &s.OAuth.RefreshTokenFile }),
		"oauth.password.grant.username":          text(func(s *model.SASL) *string { return &s.Username }),
		"oauth.password.grant.password":          hidden(func(s *model.SASL) *model.Secret { return &s.Password }),
		"oauth.password.grant.password.location": path(func(s *model.SASL) *string { return &s.PasswordFile }),
		"oauth.client.assertion":                 hidden(func(s *model.SASL) *model.Secret { return &s.OAuth.ClientAssertion }),
		"oauth.client.assertion.location":        path(func(s *model.SASL) *string { return &s.OAuth.ClientAssertionFile }),
		"oauth.client.assertion.type":            text(func(s *model.SASL) *string { return &s.OAuth.AssertionType }),
		"oauth.ssl.truststore.location":          path(func(s *model.SASL) *string { return &s.OAuth.TLS.Truststore }),
		"oauth.ssl.truststore.password":          hidden(func(s *model.SASL) *model.Secret { return &s.OAuth.TLS.TruststorePassword }),
		"oauth.ssl.truststore.certificates":      hidden(func(s *model.SASL) *model.Secret { return &s.OAuth.TLS.CA }),
		"oauth.ssl.endpoint.identification.algorithm": func(_ *reader, s *model.SASL, text string) {
			s.OAuth.TLS.SkipHostnameCheck = text == ""
		},
		"ssl.truststore.location":     path(func(s *model.SASL) *string { return &s.OAuth.TLS.Truststore }),
		"ssl.truststore.password":     hidden(func(s *model.SASL) *model.Secret { return &s.OAuth.TLS.TruststorePassword }),
		"ssl.truststore.certificates": hidden(func(s *model.SASL) *model.Secret { return &s.OAuth.TLS.CA }),
	}
}

// oauthWithout are options that need no effect: what a JVM calls things, how
// tokens are looked at before they are sent.
func oauthWithout() []string {
	return []string{
		"oauth.access.token.is.jwt", "oauth.max.token.expiry.seconds", "oauth.username.claim",
		"oauth.fallback.username.claim", "oauth.fallback.username.prefix", "oauth.ssl.truststore.type",
		"oauth.ssl.secure.random.implementation", "oauth.enable.metrics", "oauth.include.accept.header",
		"oauth.connect.timeout.seconds", "oauth.read.timeout.seconds", "oauth.http.retries", "oauth.http.retry.pause.millis",
		"ssl.truststore.type", "ssl.protocol", "ssl.enabled.protocols", "serviceName",
	}
}

// incompleteOAuth says what is missing to get a token; "" if nothing.
func incompleteOAuth(o *model.OAuth, user string) string {
	switch {
	case !o.Token.IsZero() || o.TokenFile != "" || strings.HasPrefix(o.Endpoint, "file:"):
		return ""
	case o.Endpoint == "":
		return "the URL of a token endpoint (token_endpoint_url, sasl.oauthbearer.token.endpoint.url), or a token"
	case o.ClientID == "" && user == "" && o.RefreshToken.IsZero() && o.RefreshTokenFile == "":
		return "client_id (clientId)"
	}
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "an http, https or file URL as its token endpoint"
	}
	return ""
}
