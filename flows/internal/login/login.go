// Package login logs in to brokers: it turns the login of a cluster into a SASL
// mechanism of kgo. Passwords, tokens and keys are read for every login, so
// that a new one is used without a restart; where one cannot be read the last
// good one is. What a login consists of is declared in config/model.
package login

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/config/secret"
)

// Params is what New needs. A nil function means this process's own.
type Params struct {
	SASL     *model.SASL                       // required
	Log      *slog.Logger                      // required
	ReadFile func(path string) ([]byte, error) // default secret.ReadFile
	Env      func(name string) string          // default os.Getenv
	Now      func() time.Time                  // default time.Now
}

// Error is why a login could not even begin: a token, key or ticket is missing.
type Error struct{ Err error }

// Error returns the reason.
func (e *Error) Error() string { return "preparing the login: " + e.Err.Error() }

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// mechanism marks what goes wrong before a broker is asked.
type mechanism struct{ sasl.Mechanism }

// Authenticate implements sasl.Mechanism.
func (m mechanism) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	session, first, err := m.Mechanism.Authenticate(ctx, host)
	if err != nil {
		return nil, nil, &Error{err}
	}
	return session, first, nil
}

// New returns the mechanism; it dials nothing. An unreadable password is an
// error, as is a mechanism that does not exist.
func New(p Params) (sasl.Mechanism, error) {
	if p.ReadFile == nil {
		p.ReadFile = secret.ReadFile
	}
	if p.Env == nil {
		p.Env = os.Getenv
	}
	if p.Now == nil {
		p.Now = time.Now
	}
	m, err := p.mechanism()
	if err != nil {
		return nil, err
	}
	return mechanism{m}, nil
}

func (p Params) mechanism() (sasl.Mechanism, error) {
	switch m := p.SASL; m.Mechanism {
	case model.MechanismPlain, model.MechanismScramSHA256, model.MechanismScramSHA512:
		return p.password()
	case model.MechanismOAuthBearer:
		tokens, err := newTokens(p)
		if err != nil {
			return nil, err
		}
		extensions := pairs(m.OAuth.Extensions)
		return oauth.Oauth(func(ctx context.Context) (oauth.Auth, error) {
			token, err := tokens.get(ctx)
			return oauth.Auth{Token: token, Extensions: extensions}, err
		}), nil
	case model.MechanismGSSAPI:
		return p.kerberos()
	case model.MechanismAWSMSKIAM:
		return newIAM(p), nil
	default:
		return nil, fmt.Errorf("SASL mechanism %q is not supported", m.Mechanism)
	}
}

// password returns PLAIN or SCRAM.
func (p Params) password() (sasl.Mechanism, error) {
	m := p.SASL
	password := &kept[string]{log: p.Log, what: "password", read: func() (string, error) {
		return secret.Text(m.Password, m.PasswordFile, p.ReadFile)
	}}
	if _, err := password.get(); err != nil {
		return nil, err
	}
	if m.Mechanism == model.MechanismPlain {
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			text, err := password.get()
			return plain.Auth{User: m.Username, Pass: text}, err
		}), nil
	}
	auth := func(context.Context) (scram.Auth, error) {
		text, err := password.get()
		return scram.Auth{User: m.Username, Pass: text, IsToken: m.TokenAuth}, err
	}
	if m.Mechanism == model.MechanismScramSHA256 {
		return scram.Sha256(auth), nil
	}
	return scram.Sha512(auth), nil
}

// pairs splits "name=value".
func pairs(list []string) map[string]string {
	out := map[string]string{}
	for _, pair := range list {
		for i := range pair {
			if pair[i] == '=' {
				out[pair[:i]] = pair[i+1:]
				break
			}
		}
	}
	return out
}

// kept reads a credential, and falls back on the last one that could be read.
type kept[T any] struct {
	log  *slog.Logger
	what string // for the log
	read func() (T, error)

	mu   sync.Mutex // guards the rest
	last T
	ok   bool
}

func (k *kept[T]) get() (T, error) {
	fresh, err := k.read()
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case err == nil:
		k.last, k.ok = fresh, true
	case k.ok:
		k.log.Warn("credential could not be read again, the last one is used", "credential", k.what, "err", err)
	default:
		return fresh, err
	}
	return k.last, nil
}

// Principal returns the name that the brokers know us by, as far as the
// configuration tells; "" where only the login itself does.
func Principal(s *model.SASL) string {
	switch s.Mechanism {
	case model.MechanismOAuthBearer:
		return cmp.Or(s.Username, s.OAuth.ClientID)
	case model.MechanismGSSAPI:
		return s.Kerberos.Principal
	case model.MechanismAWSMSKIAM:
		return cmp.Or(s.IAM.RoleARN, s.IAM.Profile, s.IAM.AccessKeyID)
	}
	return s.Username
}

var errNoToken = errors.New("the token endpoint answered without an access_token")
