package client

import (
	"strconv"

	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/model"
)

// saslRows are the keys that start with "sasl.". All of them are common.
func saslRows(t targets) []Row {
	var rows []Row
	for _, part := range [][]Row{mechanismRows(), oauthRows(t), loginRows(t), kerberosRows(t)} {
		rows = append(rows, part...)
	}
	for i := range rows {
		rows[i].Common = true
	}
	return rows
}

// mechanismRows say how to log in. Those without a type are joined in login.
func mechanismRows() []Row {
	const handler = "Names of Kafka, Strimzi and AWS have an equal."
	const fix = "use a login that sasl.mechanism and sasl.jaas.config describe; other classes cannot run here"
	return []Row{
		{
			Key: "sasl.mechanism", Roles: Any, Handling: Equal, place: "sasl.mechanism",
			Doc: "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, GSSAPI (Java's default) or AWS_MSK_IAM.",
		},
		{
			Key: "sasl.jaas.config", Roles: Any, Handling: Equal, place: "sasl.password",
			Doc: "One login module with its options, as Kafka's JaasConfig reads it.",
		},
		class("sasl.client.callback.handler.class", Any, handler, fix,
			"org.apache.kafka.common.security.authenticator.SaslClientCallbackHandler",
			"org.apache.kafka.common.security.oauthbearer.internals.OAuthBearerSaslClientCallbackHandler",
			iamHandler, iamOAuthHandler),
		class("sasl.login.callback.handler.class", Any, handler, fix,
			"org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler",
			"org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler",
			"org.apache.kafka.common.security.authenticator.AbstractLogin$DefaultLoginCallbackHandler",
			strimziHandler, iamOAuthHandler),
		class("sasl.login.class", Any, handler, fix,
			"org.apache.kafka.common.security.authenticator.DefaultLogin",
			"org.apache.kafka.common.security.kerberos.KerberosLogin",
			"org.apache.kafka.common.security.oauthbearer.internals.OAuthBearerRefreshingLogin"),
	}
}

// Callback handlers that say more than the login module does.
const (
	iamHandler      = "software.amazon.msk.auth.iam.IAMClientCallbackHandler"
	iamOAuthHandler = "software.amazon.msk.auth.iam.IAMOAuthBearerLoginCallbackHandler"
	strimziHandler  = "io.strimzi.kafka.oauth.client.JaasClientOauthLoginCallbackHandler"
)

// oauthRows are the keys of OAUTHBEARER.
func oauthRows(t targets) []Row {
	const broker = "has no effect: it is for the brokers, which verify tokens"
	const assertion = "cannot be honoured: assertions are not made here"
	attributes := map[string]field.Def{}
	for _, d := range model.SASLFields(&model.SASL{Mechanism: model.MechanismOAuthBearer}) {
		attributes[d.Name] = d
	}
	for _, d := range model.SASLFields(t.sasl) {
		attributes[d.Name] = d
	}
	to := func(key, attribute string) Row {
		r := bound(attributes[attribute], Any)
		r.Key, r.place = "sasl.oauthbearer."+key, "sasl."+attribute
		return r
	}
	const retriever = "org.apache.kafka.common.security.oauthbearer."
	return []Row{
		to("token.endpoint.url", "token_endpoint_url"),
		to("client.credentials.client.id", "client_id"),
		to("client.credentials.client.secret", "client_secret"),
		to("scope", "scope"),
		to("header.urlencode", "header_urlencode"),
		class("sasl.oauthbearer.jwt.retriever.class", Any, "Client credentials and files have an equal.",
			"use ClientCredentialsJwtRetriever or FileJwtRetriever",
			retriever+"DefaultJwtRetriever", retriever+"ClientCredentialsJwtRetriever", retriever+"FileJwtRetriever"),
		text("sasl.oauthbearer.jwt.validator.class", Any, Informed, broker),
		text("sasl.oauthbearer.assertion.", Any, Refused, assertion).withFix("use client credentials, or client_assertion in HCL with an assertion made elsewhere"),
		text("sasl.oauthbearer.jwks.", Any, Informed, broker),
		text("sasl.oauthbearer.expected.", Any, Informed, broker),
		text("sasl.oauthbearer.clock.skew.seconds", Any, Informed, broker),
		text("sasl.oauthbearer.scope.claim.name", Any, Informed, broker),
		text("sasl.oauthbearer.sub.claim.name", Any, Informed, broker),
	}
}

// loginRows say when a login is renewed.
func loginRows(t targets) []Row {
	const never = "has no equivalent: tokens of one process are renewed when they are needed"
	o := &t.sasl.OAuth
	near := "is approximated: a token is fetched again when a login needs it and so much of its life is over"
	factor := Row{
		Key: "sasl.login.refresh.window.factor", Roles: Any, Handling: Approximated, Doc: near, place: "sasl.refresh_window",
		def: field.Float(&o.RefreshWindow, "refresh_window", 0.5, 1, ""),
	}
	seconds := func(d field.Def, key string) Row {
		return row(d.Legacy(key, field.ScopeCluster).LegacyUnit(1e9), key, Any, Approximated, near)
	}
	http := func(d field.Def, key string) Row { return row(d, key, Any, Equal, d.Doc) }
	return []Row{
		factor.unless("0.8", "0.80"),
		seconds(field.Duration(&o.RefreshBuffer, "refresh_buffer", 0, field.MaxDuration, ""), "sasl.login.refresh.buffer.seconds").unless(strconv.Itoa(300)),
		seconds(field.Duration(&o.RefreshMin, "refresh_min", 0, field.MaxDuration, ""), "sasl.login.refresh.min.period.seconds").unless(strconv.Itoa(60)),
		text("sasl.login.refresh.window.jitter", Any, Informed, never).unless("0.05"),
		http(field.Duration(&o.ConnectTimeout, "connect_timeout", 0, field.MaxDuration, "How long connecting to the token endpoint may take."), "sasl.login.connect.timeout.ms"),
		http(field.Duration(&o.ReadTimeout, "read_timeout", 0, field.MaxDuration, "How long the token endpoint's answer may take."), "sasl.login.read.timeout.ms"),
		http(field.Duration(&o.RetryBackoff, "retry_backoff", 0, field.MaxDuration, "Pause before the token endpoint is asked again; doubles each time."), "sasl.login.retry.backoff.ms"),
		http(field.Duration(&o.RetryMax, "retry_max", 0, field.MaxDuration, "What sasl.login.retry.backoff.ms grows to."), "sasl.login.retry.backoff.max.ms"),
	}
}

// kerberosRows are the keys of GSSAPI.
func kerberosRows(t targets) []Row {
	const kinit = "has no effect: tickets are renewed here, without kinit"
	service := bound(field.String(&t.sasl.Kerberos.ServiceName, "service_name", "First part of the brokers' principal."), Any)
	service.Key, service.place = "sasl.kerberos.service.name", "sasl.service_name"
	return []Row{
		service,
		text("sasl.kerberos.kinit.cmd", Any, Informed, kinit),
		text("sasl.kerberos.ticket.renew.", Any, Informed, kinit),
		span("sasl.kerberos.min.time.before.relogin", Any, Informed, kinit),
	}
}
