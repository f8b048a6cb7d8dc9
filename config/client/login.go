package client

import (
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
)

// module is what a login module of sasl.jaas.config can do here.
type module struct {
	mechanisms []string
	options    map[string]func(r *reader, s *model.SASL, text string) // what they set
	without    []string                                               // options without effect; one ending in "*" is a prefix
	refused    map[string]string                                      // option or prefix with "*", to why it cannot be honoured
}

// modules returns the login modules that have an equal here.
func modules() map[string]module {
	scram := userOptions()
	scram["tokenauth"] = func(_ *reader, s *model.SASL, text string) { s.TokenAuth = strings.EqualFold(text, "true") }
	krb5 := module{
		mechanisms: []string{model.MechanismGSSAPI}, options: kerberosOptions(),
		without: []string{"useKeyTab", "useTicketCache", "storeKey", "storePass", "doNotPrompt", "refreshKrb5Config", "renewTGT", "debug", "isInitiator", "clearPass", "tryFirstPass", "useFirstPass"},
	}
	return map[string]module{
		"org.apache.kafka.common.security.plain.PlainLoginModule": {
			mechanisms: []string{model.MechanismPlain}, options: userOptions(), without: []string{"user_*", "serviceName"},
		},
		"org.apache.kafka.common.security.scram.ScramLoginModule": {
			mechanisms: []string{model.MechanismScramSHA256, model.MechanismScramSHA512}, options: scram,
			without: []string{"serviceName"},
		},
		oauthModule: {
			mechanisms: []string{model.MechanismOAuthBearer}, options: oauthOptions(),
			without: oauthWithout(),
			refused: map[string]string{
				"unsecuredLogin*": "makes unsigned tokens, which no broker should accept; use a token endpoint",
			},
		},
		"com.sun.security.auth.module.Krb5LoginModule": krb5,
		"software.amazon.msk.auth.iam.IAMLoginModule": {
			mechanisms: []string{model.MechanismAWSMSKIAM, model.MechanismOAuthBearer}, options: iamOptions(),
			without: []string{"awsDebugCreds", "awsMaxRetries", "awsMaxBackOffTimeMs"},
		},
	}
}

const oauthModule = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"

// login reads sasl.mechanism and sasl.jaas.config, and reports whether they say
// who logs in.
func (r *reader) login() bool {
	s := r.sasl
	mechanism, written := r.get("sasl.mechanism")
	if written {
		s.Mechanism = strings.TrimSpace(mechanism.Text)
	} else if s.Mechanism == "" {
		s.Mechanism = model.MechanismGSSAPI // Java's default
	}
	at := mechanism.At
	if !written {
		at = r.p.Cluster.Ranges.Of("security_protocol")
	}
	known := knownMechanisms()
	if !slices.Contains(known, s.Mechanism) {
		name := s.Mechanism
		if mechanism.Sensitive {
			name = "this one"
		}
		r.problems.Add(diag.Errorf(diag.CodeMechanism, at, "cluster %q: SASL mechanism %s is not supported", r.p.Cluster.Alias, name).
			WithFix("use one of %s", strings.Join(known, ", ")))
		return false
	}
	jaas, ok := r.p.Keys["sasl.jaas.config"]
	switch {
	case !ok && r.p.Cluster.SASL == nil && !r.complete():
		d := diag.Errorf(diag.CodeJAAS, at, "cluster %q logs in by SASL but has no sasl.jaas.config", r.p.Cluster.Alias).
			WithFix("set sasl.jaas.config of the cluster; a login file of the JVM is not read")
		if !written {
			d.Summary += " (mechanism GSSAPI, Java's default when sasl.mechanism is not set)"
		}
		r.problems.Add(d)
	case ok && !jaas.Missing:
		r.p.Cluster.Ranges["sasl.password"] = jaas.At
		r.jaas(jaas)
	}
	return !jaas.Missing
}

func knownMechanisms() []string {
	var list []string
	for _, m := range model.Mechanisms() {
		list = append(list, m)
	}
	slices.Sort(list)
	return list
}

// complete reports whether keys outside sasl.jaas.config are enough: since 4.1
// OAUTHBEARER has some.
func (r *reader) complete() bool {
	_, id := r.get("sasl.oauthbearer.client.credentials.client.id")
	url, ok := r.get("sasl.oauthbearer.token.endpoint.url")
	return r.sasl.Mechanism == model.MechanismOAuthBearer && (id || ok && strings.HasPrefix(url.Text, "file:"))
}

// jaas reads the login module and its options.
func (r *reader) jaas(v Value) {
	entries, problem, fix := parseJAAS(v.Text)
	if problem != "" {
		d := diag.Errorf(diag.CodeJAAS, v.At, "%s", problem)
		d.Fix = fix
		r.add(d, v)
		return
	}
	if len(entries) > 1 {
		r.add(diag.Errorf(diag.CodeJAAS, v.At, "names more than one login module"), v)
		return
	}
	m, known := modules()[entries[0].module]
	if !known {
		r.add(diag.Errorf(diag.CodeMechanism, v.At, "the login module is not supported").
			WithFix("use one of %s", strings.Join(moduleNames(), ", ")), v)
		return
	}
	if !slices.Contains(m.mechanisms, r.sasl.Mechanism) {
		r.add(diag.Errorf(diag.CodeMechanism, v.At, "the login module is not the one of sasl.mechanism %s", r.sasl.Mechanism).
			WithFix("its mechanism is %s", strings.Join(m.mechanisms, " or ")), v)
		return
	}
	if entries[0].module == "software.amazon.msk.auth.iam.IAMLoginModule" {
		r.sasl.Mechanism = model.MechanismAWSMSKIAM
	}
	r.options(m, entries[0].options, v)
}

func moduleNames() []string {
	var names []string
	for name := range modules() {
		names = append(names, name[strings.LastIndex(name, ".")+1:])
	}
	slices.Sort(names)
	return names
}

// options applies the options of a login module. Names of unknown ones are not
// shown: behind a missing quote any word may be part of a password.
func (r *reader) options(m module, options map[string]string, v Value) {
	names := make([]string, 0, len(options))
	for name := range options {
		names = append(names, name)
	}
	slices.Sort(names)
	unknown := 0
	for _, name := range names {
		set, ok := m.options[name]
		if !ok {
			set, ok = m.options[prefixOf(name)]
		}
		why, refused := m.refused[name]
		if !refused {
			why, refused = m.refused[prefixOf(name)]
		}
		switch {
		case ok && strings.HasSuffix(prefixOf(name), "*") && m.options[name] == nil:
			set(r, r.sasl, name+"="+options[name])
		case ok:
			set(r, r.sasl, options[name])
		case refused:
			r.add(diag.Errorf(diag.CodeMechanism, v.At, "option %s %s", prefixOf(name), why), v)
		case slices.Contains(m.without, name), slices.Contains(m.without, prefixOf(name)):
		default:
			unknown++
		}
	}
	if unknown > 0 {
		r.add(diag.Warnf(diag.CodeNoEffect, v.At, "%d options of the login module have no effect here", unknown), v)
	}
	if missing := incomplete(r.sasl); missing != "" {
		r.add(diag.Errorf(diag.CodeJAAS, v.At, "needs %s", missing).WithFix("%s", jaasExample(r.sasl.Mechanism)), v)
	}
}

// prefixOf returns the family of an option, as it is written in tables.
func prefixOf(name string) string {
	for _, p := range []string{"user_", "extension_", "unsecuredLogin", "oauth.sasl.extension.", "oauth.ssl.", "oauth.", "ssl."} {
		if strings.HasPrefix(name, p) {
			return p + "*"
		}
	}
	return name
}

func jaasExample(mechanism string) string {
	switch mechanism {
	case model.MechanismOAuthBearer:
		return `write clientId="..." clientSecret="..."; and set sasl.oauthbearer.token.endpoint.url`
	case model.MechanismGSSAPI:
		return `write useKeyTab=true keyTab="..." principal="...";`
	case model.MechanismAWSMSKIAM:
		return `write software.amazon.msk.auth.iam.IAMLoginModule required;`
	}
	return `write username="..." password="...";`
}

func userOptions() map[string]func(*reader, *model.SASL, string) {
	return map[string]func(*reader, *model.SASL, string){
		"username": func(_ *reader, s *model.SASL, text string) { s.Username = text },
		"password": func(_ *reader, s *model.SASL, text string) { s.Password = model.NewSecret(text) },
	}
}

func kerberosOptions() map[string]func(*reader, *model.SASL, string) {
	return map[string]func(*reader, *model.SASL, string){
		"principal": func(_ *reader, s *model.SASL, text string) { s.Kerberos.Principal = text },
		"keyTab": func(r *reader, s *model.SASL, text string) {
			s.Kerberos.Keytab = r.path(strings.TrimPrefix(text, "FILE:"))
		},
		"ticketCache": func(r *reader, s *model.SASL, text string) { s.Kerberos.TicketCache = r.path(text) },
		"serviceName": func(_ *reader, s *model.SASL, text string) {
			if s.Kerberos.ServiceName == "" { // sasl.kerberos.service.name wins
				s.Kerberos.ServiceName = text
			}
		},
	}
}

func iamOptions() map[string]func(*reader, *model.SASL, string) {
	to := func(p func(*model.IAM) *string) func(*reader, *model.SASL, string) {
		return func(_ *reader, s *model.SASL, text string) { *p(&s.IAM) = text }
	}
	return map[string]func(*reader, *model.SASL, string){
		"awsProfileName":         to(func(a *model.IAM) *string { return &a.Profile }),
		"awsRoleArn":             to(func(a *model.IAM) *string { return &a.RoleARN }),
		"awsRoleSessionName":     to(func(a *model.IAM) *string { return &a.RoleSession }),
		"awsRoleExternalId":      to(func(a *model.IAM) *string { return &a.RoleExternalID }),
		"awsStsRegion":           to(func(a *model.IAM) *string { return &a.STSRegion }),
		"awsRoleAccessKeyId":     to(func(a *model.IAM) *string { return &a.AccessKeyID }),
		"awsRoleSecretAccessKey": func(_ *reader, s *model.SASL, text string) { s.IAM.SecretAccessKey = model.NewSecret(text) },
		"awsRoleSessionToken":    func(_ *reader, s *model.SASL, text string) { s.IAM.SessionToken = model.NewSecret(text) },
	}
}
