//go:build !nokerberos

package login

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/kerberos"
)

// kerberos returns GSSAPI. Every login has a client of its own, made from the
// files as they are then.
func (p Params) kerberos() (sasl.Mechanism, error) {
	k := p.SASL.Kerberos
	logins := &kept[func() *client.Client]{log: p.Log, what: "Kerberos key", read: p.kerberosClient}
	if _, err := logins.get(); err != nil {
		return nil, err
	}
	return kerberos.Kerberos(func(context.Context) (kerberos.Auth, error) {
		login, err := logins.get()
		if err != nil {
			return kerberos.Auth{}, err
		}
		return kerberos.Auth{Client: login(), Service: cmp.Or(k.ServiceName, "kafka")}, nil
	}), nil
}

// kerberosClient reads the files and returns what makes a client of them.
func (p Params) kerberosClient() (func() *client.Client, error) {
	k := p.SASL.Kerberos
	path := cmp.Or(k.Config, p.Env("KRB5_CONFIG"), "/etc/krb5.conf")
	text, err := p.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the Kerberos configuration: %w", err)
	}
	conf, err := config.NewFromString(string(text))
	if err != nil {
		return nil, fmt.Errorf("reading the Kerberos configuration %s: %w", path, err)
	}
	// Active Directory refuses what it calls FAST from a client that has not
	// armoured it.
	options := client.DisablePAFXFAST(true)
	if k.Keytab == "" {
		return p.ticketCache(conf, options)
	}
	text, err = p.ReadFile(k.Keytab)
	if err != nil {
		return nil, fmt.Errorf("reading the keytab: %w", err)
	}
	keys := keytab.New()
	if err := keys.Unmarshal(text); err != nil {
		return nil, fmt.Errorf("reading the keytab %s: %w", k.Keytab, err)
	}
	user, realm, _ := strings.Cut(k.Principal, "@")
	realm = cmp.Or(realm, conf.LibDefaults.DefaultRealm)
	return func() *client.Client { return client.NewWithKeytab(user, realm, keys, conf, options) }, nil
}

// ticketCache reads a cache in a file; others are behind a daemon or in the
// kernel.
func (p Params) ticketCache(conf *config.Config, options func(*client.Settings)) (func() *client.Client, error) {
	path := cmp.Or(p.SASL.Kerberos.TicketCache, p.Env("KRB5CCNAME"), fmt.Sprintf("/tmp/krb5cc_%d", os.Getuid()))
	if kind, rest, ok := strings.Cut(path, ":"); ok && kind == strings.ToUpper(kind) {
		if kind != "FILE" {
			return nil, fmt.Errorf("reading the ticket cache: %s caches cannot be read, only those in a file; use a keytab", kind)
		}
		path = rest
	}
	text, err := p.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the ticket cache: %w", err)
	}
	cache := new(credentials.CCache)
	if err := cache.Unmarshal(text); err != nil {
		return nil, fmt.Errorf("reading the ticket cache %s: %w", path, err)
	}
	if _, err := client.NewFromCCache(cache, conf, options); err != nil {
		return nil, fmt.Errorf("reading the ticket cache %s: %w", path, err)
	}
	return func() *client.Client {
		c, _ := client.NewFromCCache(cache, conf, options) // it worked a moment ago
		return c
	}, nil
}
