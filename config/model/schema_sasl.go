package model

import (
	"slices"
	"time"

	"github.com/strait-mirror/strait/config/field"
)

// Mechanisms returns the SASL mechanisms by the label of their HCL block.
func Mechanisms() map[string]string {
	return map[string]string{
		"plain":         MechanismPlain,
		"scram-sha-256": MechanismScramSHA256,
		"scram-sha-512": MechanismScramSHA512,
		"oauthbearer":   MechanismOAuthBearer,
		"gssapi":        MechanismGSSAPI,
		"aws-msk-iam":   MechanismAWSMSKIAM,
	}
}

// SASLFields declares the attributes of a sasl block, which depend on
// s.Mechanism; without one, those of all mechanisms.
func SASLFields(s *SASL) []field.Def {
	user := []field.Def{
		field.String(&s.Username, "username", "User name.").Changes(field.RestartStage),
		secret(&s.Password, "password", "Password.").File(&s.PasswordFile),
	}
	token := field.Bool(&s.TokenAuth, "tokenauth", "Whether the user is a delegation token.").
		Default("false").Changes(field.RestartStage)
	switch s.Mechanism {
	case MechanismPlain:
		return user
	case MechanismScramSHA256, MechanismScramSHA512:
		return append(user, token)
	case MechanismOAuthBearer:
		return append(user, oauthFields(&s.OAuth)...)
	case MechanismGSSAPI:
		return kerberosFields(&s.Kerberos)
	case MechanismAWSMSKIAM:
		return iamFields(&s.IAM)
	}
	return slices.Concat(user, []field.Def{token}, oauthFields(&s.OAuth), kerberosFields(&s.Kerberos), iamFields(&s.IAM))
}

func oauthFields(o *OAuth) []field.Def {
	text := func(p *string, name, doc string) field.Def {
		return field.String(p, name, doc).Changes(field.RestartStage)
	}
	span := func(p *time.Duration, name, doc string) field.Def {
		return field.Duration(p, name, 0, field.MaxDuration, doc).Changes(field.RestartStage)
	}
	return append([]field.Def{
		text(&o.Endpoint, "token_endpoint_url", "URL of the endpoint that issues tokens."),
		text(&o.ClientID, "client_id", "Whom the endpoint issues tokens to."),
		secret(&o.ClientSecret, "client_secret", "Password of client_id.").File(&o.ClientSecretFile),
		secret(&o.ClientAssertion, "client_assertion", "Signed assertion sent instead of client_secret.").File(&o.ClientAssertionFile),
		text(&o.AssertionType, "client_assertion_type", "Kind of client_assertion; that of a JWT if not set."),
		text(&o.Scope, "scope", "Scope asked for."),
		text(&o.Audience, "audience", "Audience asked for."),
		secret(&o.Token, "token", "Token sent as it is, without an endpoint.").File(&o.TokenFile),
		secret(&o.RefreshToken, "refresh_token", "Token exchanged for others at the endpoint.").File(&o.RefreshTokenFile),
		field.Bool(&o.EncodeHeader, "header_urlencode", "Whether client_id and client_secret are URL-encoded before they are sent.").
			Default("false").Changes(field.RestartStage),
		field.List(&o.Extensions, "extensions", `What else is told to the brokers, as "name=value".`).Changes(field.RestartStage),
		span(&o.ConnectTimeout, "connect_timeout", "How long connecting to the endpoint may take."),
		span(&o.ReadTimeout, "read_timeout", "How long the endpoint's answer may take."),
	}, trustFields(&o.TLS)...)
}

func kerberosFields(k *Kerberos) []field.Def {
	list := []field.Def{
		field.String(&k.Principal, "principal", "Who logs in, as name@REALM; that of the ticket cache if not set."),
		field.String(&k.Keytab, "keytab", "File with the keys of principal.").AsPath(),
		field.String(&k.TicketCache, "ticket_cache", "File with tickets, as kinit makes it, used without a keytab.").AsPath(),
		field.String(&k.ServiceName, "service_name", "First part of the brokers' principal.").Default("kafka"),
		field.String(&k.Config, "krb5_config", "Kerberos configuration; KRB5_CONFIG or /etc/krb5.conf if not set.").AsPath(),
	}
	for i := range list {
		list[i] = list[i].Changes(field.RestartStage)
	}
	return list
}

func iamFields(a *IAM) []field.Def {
	list := []field.Def{
		field.String(&a.Region, "region", "Region of the cluster; needed where the brokers' names do not tell it."),
		field.String(&a.Profile, "profile", "Section of the shared AWS configuration with the credentials."),
		field.String(&a.AccessKeyID, "access_key_id", "Access key, where it is given here."),
		secret(&a.SecretAccessKey, "secret_access_key", "Secret of access_key_id."),
		secret(&a.SessionToken, "session_token", "Session of access_key_id, if it is temporary."),
		field.String(&a.RoleARN, "role_arn", "Role to assume."),
		field.String(&a.RoleSession, "role_session_name", "Name of the session with the role."),
		field.String(&a.RoleExternalID, "role_external_id", "External id that the role demands."),
		field.String(&a.STSRegion, "sts_region", "Region to assume the role in; that of the cluster if not set."),
	}
	for i := range list {
		list[i] = list[i].Changes(field.RestartStage)
	}
	return list
}
