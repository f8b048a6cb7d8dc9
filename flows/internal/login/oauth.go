package login

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/strait-mirror/strait/config/keystore"
	"github.com/strait-mirror/strait/config/secret"
)

// Kafka's defaults of the keys sasl.login.*; the HTTP timeouts have none there.
const (
	refreshWindow  = 0.8
	refreshBuffer  = 300 * time.Second
	refreshMin     = 60 * time.Second
	endpointWait   = 10 * time.Second
	retryBackoff   = 100 * time.Millisecond
	retryMax       = 10 * time.Second
	assertionOfJWT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// maxAnswer bounds what a token endpoint may answer, in bytes.
const maxAnswer = 1 << 20

// tokens fetches bearer tokens and keeps one until most of its life is over.
type tokens struct {
	p    Params
	http *http.Client

	mu      sync.Mutex // guards the rest; held while fetching, so that one fetch serves all connections
	token   string
	renew   time.Time // when to fetch again
	expires time.Time // when the token is of no use any more
}

func newTokens(p Params) (*tokens, error) {
	o := p.SASL.OAuth
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: cmp.Or(o.ConnectTimeout, endpointWait)}).DialContext,
		TLSHandshakeTimeout:   cmp.Or(o.ConnectTimeout, endpointWait),
		ResponseHeaderTimeout: cmp.Or(o.ReadTimeout, endpointWait),
		DisableKeepAlives:     true, // it is asked every few minutes
	}
	if o.TLS.HasTrust() || o.TLS.SkipHostnameCheck {
		config, problems := keystore.Config(&o.TLS, p.ReadFile)
		if len(problems) > 0 {
			return nil, fmt.Errorf("reading the trust of the token endpoint: %w", problems[0])
		}
		transport.TLSClientConfig = config
	}
	return &tokens{p: p, http: &http.Client{Transport: transport}}, nil
}

// get returns a token that is valid now.
func (t *tokens) get(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.p.Now()
	if t.token != "" && now.Before(t.renew) {
		return t.token, nil
	}
	token, life, err := t.fetch(ctx)
	if err != nil {
		if t.token != "" && (now.Before(t.expires) || t.expires.Equal(t.renew)) { // a file says nothing of its end
			t.p.Log.Warn("token could not be fetched again, the last one is used", "err", err, "expires", t.expires)
			return t.token, nil
		}
		return "", fmt.Errorf("fetching a token: %w", err)
	}
	t.token, t.expires, t.renew = token, now.Add(life), now.Add(t.until(life))
	return token, nil
}

// until returns after how much of its life a token is fetched again, as Java's
// ExpiringCredentialRefreshingLogin plans it.
func (t *tokens) until(life time.Duration) time.Duration {
	o := t.p.SASL.OAuth
	buffer, least := cmp.Or(o.RefreshBuffer, refreshBuffer), cmp.Or(o.RefreshMin, refreshMin)
	after := time.Duration(float64(life) * cmp.Or(o.RefreshWindow, refreshWindow))
	if buffer+least > life {
		return after // Java ignores both then
	}
	return max(min(after, life-buffer), least)
}

// fetch gets a token from wherever it comes from.
func (t *tokens) fetch(ctx context.Context) (token string, life time.Duration, err error) {
	o := t.p.SASL.OAuth
	path := o.TokenFile
	if u, err := url.Parse(o.Endpoint); err == nil && u.Scheme == "file" {
		path = cmp.Or(u.Path, u.Opaque)
	}
	if path == "" && o.Token.IsZero() {
		return t.ask(ctx)
	}
	token, err = secret.Text(o.Token, path, t.p.ReadFile)
	return strings.TrimSpace(token), 0, err // the file is read for every login
}

// ask asks the endpoint, again while it is out of order.
func (t *tokens) ask(ctx context.Context) (string, time.Duration, error) {
	o := t.p.SASL.OAuth
	pause, most := cmp.Or(o.RetryBackoff, retryBackoff), cmp.Or(o.RetryMax, retryMax)
	for waited := time.Duration(0); ; pause *= 2 {
		token, life, again, err := t.once(ctx)
		if err == nil || !again || waited+pause > most {
			return token, life, err
		}
		select {
		case <-time.After(pause):
			waited += pause
		case <-ctx.Done():
			return "", 0, err
		}
	}
}

// once asks the endpoint; again says that another try may help.
func (t *tokens) once(ctx context.Context) (token string, life time.Duration, again bool, err error) { //nolint:revive // the loop above needs all four
	req, err := t.request(ctx)
	if err != nil {
		return "", 0, false, err
	}
	resp, err := t.http.Do(req)
	if err != nil {
		return "", 0, ctx.Err() == nil, fmt.Errorf("asking the token endpoint: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return "", 0, true, fmt.Errorf("reading the token endpoint's answer: %w", err)
	}
	var answer struct {
		Token       string  `json:"access_token"`
		Life        float64 `json:"expires_in"`
		Error       string  `json:"error"`
		Description string  `json:"error_description"`
	}
	problem := json.Unmarshal(body, &answer)
	if resp.StatusCode/100 != 2 {
		err = fmt.Errorf("the token endpoint %s answered %s", t.p.SASL.OAuth.Endpoint, resp.Status)
		if answer.Error != "" {
			err = fmt.Errorf("%w: %s", err, strings.TrimSuffix(answer.Error+": "+answer.Description, ": "))
		}
		return "", 0, resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests, err
	}
	if problem != nil || answer.Token == "" {
		return "", 0, false, errNoToken
	}
	life = time.Duration(answer.Life * float64(time.Second))
	if life <= 0 {
		life = lifeOf(answer.Token, t.p.Now())
	}
	return answer.Token, life, false, nil
}

// request makes the request of the grant that the configuration has.
func (t *tokens) request(ctx context.Context) (*http.Request, error) {
	s, o := t.p.SASL, t.p.SASL.OAuth
	texts := map[string]string{}
	for name, from := range map[string]func() (string, error){
		"secret":    func() (string, error) { return secret.Text(o.ClientSecret, o.ClientSecretFile, t.p.ReadFile) },
		"assertion": func() (string, error) { return secret.Text(o.ClientAssertion, o.ClientAssertionFile, t.p.ReadFile) },
		"refresh":   func() (string, error) { return secret.Text(o.RefreshToken, o.RefreshTokenFile, t.p.ReadFile) },
		"password":  func() (string, error) { return secret.Text(s.Password, s.PasswordFile, t.p.ReadFile) },
	} {
		text, err := from()
		if err != nil {
			return nil, err
		}
		texts[name] = text
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	switch {
	case texts["refresh"] != "":
		form = url.Values{"grant_type": {"refresh_token"}, "refresh_token": {texts["refresh"]}}
	case s.Username != "":
		form = url.Values{"grant_type": {"password"}, "username": {s.Username}, "password": {texts["password"]}}
	}
	for name, text := range map[string]string{"scope": o.Scope, "audience": o.Audience} {
		if text != "" {
			form.Set(name, text)
		}
	}
	if texts["secret"] == "" && o.ClientID != "" {
		form.Set("client_id", o.ClientID)
	}
	if texts["assertion"] != "" {
		form.Set("client_assertion", texts["assertion"])
		form.Set("client_assertion_type", cmp.Or(o.AssertionType, assertionOfJWT))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.Endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("asking the token endpoint: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if texts["secret"] != "" {
		id, password := o.ClientID, texts["secret"]
		if o.EncodeHeader {
			id, password = url.QueryEscape(id), url.QueryEscape(password)
		}
		req.SetBasicAuth(id, password)
	}
	return req, nil
}

// lifeOf returns how long a JWT is valid, without looking at its signature;
// zero where it does not say.
func lifeOf(token string, now time.Time) time.Duration {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return 0
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return 0
	}
	var claims struct {
		Expires float64 `json:"exp"`
	}
	if json.Unmarshal(text, &claims) != nil || claims.Expires == 0 {
		return 0
	}
	return max(0, time.Unix(int64(claims.Expires), 0).Sub(now))
}
