package login

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/strait-mirror/strait/config/keystore/storetest"
	"github.com/strait-mirror/strait/config/model"
)

func params(s *model.SASL) Params {
	return Params{
		SASL: s, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Env:      func(string) string { return "" },
		ReadFile: func(string) ([]byte, error) { return nil, errors.New("no such file") },
	}
}

// endpoint answers token requests with tokens that count them.
func endpoint(t *testing.T, asked *atomic.Int32, handle func(w http.ResponseWriter, r *http.Request, form url.Values) bool) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		if handle == nil || handle(w, r, r.PostForm) {
			answer(w, fmt.Sprintf(`{"access_token":"token-%d","expires_in":1000}`, n))
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestGrants sends what Java's and Strimzi's clients send.
func TestGrants(t *testing.T) {
	secret := model.NewSecret
	basic := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	tests := map[string]struct {
		sasl model.SASL
		auth string
		form string
	}{
		"client credentials": {model.SASL{OAuth: model.OAuth{ClientID: "i/d", ClientSecret: secret("s+")}}, basic("i/d:s+"), "grant_type=client_credentials"},
		"encoded header":     {model.SASL{OAuth: model.OAuth{ClientID: "i/d", ClientSecret: secret("s+"), EncodeHeader: true}}, basic("i%2Fd:s%2B"), "grant_type=client_credentials"},
		"scope and audience": {model.SASL{OAuth: model.OAuth{ClientID: "i", ClientSecret: secret("s"), Scope: "a b", Audience: "c"}}, basic("i:s"), "audience=c&grant_type=client_credentials&scope=a+b"},
		"password":           {model.SASL{Username: "u", Password: secret("p"), OAuth: model.OAuth{ClientID: "i"}}, "", "client_id=i&grant_type=password&password=p&username=u"},
		"refresh token":      {model.SASL{OAuth: model.OAuth{ClientID: "i", RefreshToken: secret("r")}}, "", "client_id=i&grant_type=refresh_token&refresh_token=r"},
		"assertion": {
			model.SASL{OAuth: model.OAuth{ClientID: "i", ClientAssertion: secret("j.w.t")}},
			"",
			"client_assertion=j.w.t&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_id=i&grant_type=client_credentials",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			tt.sasl.OAuth.Endpoint = endpoint(t, &asked, func(_ http.ResponseWriter, r *http.Request, form url.Values) bool {
				if got := r.Header.Get("Authorization"); got != tt.auth {
					t.Errorf("got header %q, want %q", got, tt.auth)
				}
				if got := form.Encode(); got != tt.form {
					t.Errorf("got  %s\nwant %s", got, tt.form)
				}
				return true
			})
			tokens, err := newTokens(params(&tt.sasl))
			if err != nil {
				t.Fatal(err)
			}
			if token, err := tokens.get(t.Context()); err != nil || token != "token-1" {
				t.Errorf("got %q, %v", token, err)
			}
		})
	}
}

// TestRenewal fetches a token again late in its life, and keeps it while the
// endpoint is out of order.
func TestRenewal(t *testing.T) {
	var asked atomic.Int32
	var broken atomic.Bool
	s := &model.SASL{OAuth: model.OAuth{ClientID: "i", RetryMax: time.Nanosecond}}
	s.OAuth.Endpoint = endpoint(t, &asked, func(w http.ResponseWriter, _ *http.Request, _ url.Values) bool {
		if broken.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return !broken.Load()
	})
	start := time.Now()
	now := start
	p := params(s)
	p.Now = func() time.Time { return now }
	tokens, err := newTokens(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		after  time.Duration
		broken bool
		want   string
	}{
		{0, false, "token-1"},
		{600 * time.Second, false, "token-1"},
		{701 * time.Second, true, "token-1"}, // 300 s before its end it is due
		{702 * time.Second, false, "token-3"},
		{1650 * time.Second, true, "token-3"},
		{1703 * time.Second, true, ""},
	} {
		now = start.Add(step.after)
		broken.Store(step.broken)
		token, err := tokens.get(t.Context())
		if token != step.want || (err == nil) != (step.want != "") {
			t.Errorf("after %s: got %q, %v", step.after, token, err)
		}
	}
}

// TestEndpointTrouble says what the endpoint said, and tries again where that
// may help.
func TestEndpointTrouble(t *testing.T) {
	tests := map[string]struct {
		status int
		body   string
		tries  int32
		want   string
	}{
		"refused":      {401, `{"error":"invalid_client","error_description":"unknown client"}`, 1, "401 Unauthorized: invalid_client: unknown client"},
		"out of order": {503, "", 2, "503 Service Unavailable"},
		"not JSON":     {200, "<html>", 1, "without an access_token"},
		"no token":     {200, "{}", 1, "without an access_token"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			s := &model.SASL{OAuth: model.OAuth{ClientID: "i", RetryBackoff: time.Millisecond, RetryMax: 2 * time.Millisecond}}
			s.OAuth.Endpoint = endpoint(t, &asked, func(w http.ResponseWriter, _ *http.Request, _ url.Values) bool {
				w.WriteHeader(tt.status)
				answer(w, tt.body)
				return false
			})
			m, err := New(params(&model.SASL{Mechanism: model.MechanismOAuthBearer, OAuth: s.OAuth}))
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = m.Authenticate(t.Context(), "b:1")
			if _, ok := errors.AsType[*Error](err); !ok || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if asked.Load() != tt.tries {
				t.Errorf("asked %d times, want %d", asked.Load(), tt.tries)
			}
		})
	}
}

// TestEndpointTrust verifies the endpoint's certificate by its own trust store.
func TestEndpointTrust(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer(w, `{"access_token":"t"}`)
	}))
	defer s.Close()
	own := storetest.Encode(s.Certificate())
	for name, tt := range map[string]struct {
		ca   string
		want bool
	}{"trusted": {string(own), true}, "of another": {string(storetest.New(t, time.Hour).CAPEM()), false}} {
		o := model.OAuth{Endpoint: s.URL, ClientID: "i", RetryMax: time.Nanosecond, TLS: model.TLS{CA: model.NewSecret(tt.ca)}}
		tokens, err := newTokens(params(&model.SASL{OAuth: o}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tokens.get(t.Context()); (err == nil) != tt.want {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestFiles reads tokens and passwords for every login, and keeps the last good
// one.
func TestFiles(t *testing.T) {
	content, failing := "one\n", false
	for name, s := range map[string]*model.SASL{
		"token":    {Mechanism: model.MechanismOAuthBearer, OAuth: model.OAuth{TokenFile: "f"}},
		"file URL": {Mechanism: model.MechanismOAuthBearer, OAuth: model.OAuth{Endpoint: "file:///f"}},
		"password": {Mechanism: model.MechanismPlain, Username: "u", PasswordFile: "f"},
	} {
		t.Run(name, func(t *testing.T) {
			content, failing = "one\n", false
			p := params(s)
			p.ReadFile = func(string) ([]byte, error) {
				if failing {
					return nil, errors.New("no such file")
				}
				return []byte(content), nil
			}
			m, err := New(p)
			if err != nil {
				t.Fatal(err)
			}
			says := func(want string) {
				t.Helper()
				_, first, err := m.Authenticate(context.Background(), "b:1")
				if err != nil || !strings.Contains(string(first), want) || strings.Contains(string(first), "\n") {
					t.Errorf("got %q, %v, want %s", first, err, want)
				}
			}
			says("one")
			content = "two"
			says("two")
			failing = true
			says("two")
		})
	}
}
