package login

import (
	"cmp"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/strait-mirror/strait/config/secret"
)

// chain finds AWS credentials where Amazon's SDKs look for them, in their
// order: given keys, environment, web identity, shared files, container,
// instance. A role is assumed with what was found.
type chain struct {
	p    Params
	http *http.Client
	sts  string // where roles are assumed, for tests; default AWS's own
}

// metadataClient reaches services that answer at once or not at all.
func metadataClient() *http.Client {
	return &http.Client{Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
		ResponseHeaderTimeout: 10 * time.Second,
		DisableKeepAlives:     true,
	}}
}

var errNone = errors.New("none in the environment, the shared files, the container or the instance")

func (c chain) get(ctx context.Context, region string) (keys, error) {
	a := c.p.SASL.IAM
	found, err := c.base(ctx, region)
	if err != nil || a.RoleARN == "" {
		return found, err
	}
	form := url.Values{
		"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {a.RoleARN},
		"RoleSessionName": {cmp.Or(a.RoleSession, "strait")},
	}
	if a.RoleExternalID != "" {
		form.Set("ExternalId", a.RoleExternalID)
	}
	return c.assume(ctx, cmp.Or(a.STSRegion, region), form, &found)
}

// base finds credentials before any role.
func (c chain) base(ctx context.Context, region string) (keys, error) {
	a := c.p.SASL.IAM
	if a.AccessKeyID != "" {
		return keys{id: a.AccessKeyID, secret: a.SecretAccessKey.Reveal(), session: a.SessionToken.Reveal()}, nil
	}
	if a.Profile != "" {
		return c.profile(a.Profile)
	}
	if id := c.p.Env("AWS_ACCESS_KEY_ID"); id != "" {
		return keys{id: id, secret: c.p.Env("AWS_SECRET_ACCESS_KEY"), session: c.p.Env("AWS_SESSION_TOKEN")}, nil
	}
	if path := c.p.Env("AWS_WEB_IDENTITY_TOKEN_FILE"); path != "" {
		return c.webIdentity(ctx, region, path)
	}
	profile := c.p.Env("AWS_PROFILE")
	found, err := c.profile(cmp.Or(profile, "default"))
	if err == nil || profile != "" {
		return found, err
	}
	if found, ok, err := c.container(ctx); ok {
		return found, err
	}
	if c.p.Env("AWS_EC2_METADATA_DISABLED") == "true" {
		return keys{}, errNone
	}
	return c.instance(ctx)
}

// webIdentity trades the token of a Kubernetes service account for a role.
func (c chain) webIdentity(ctx context.Context, region, path string) (keys, error) {
	token, err := c.p.ReadFile(path)
	if err != nil {
		return keys{}, fmt.Errorf("reading the web identity token: %w", err)
	}
	return c.assume(ctx, cmp.Or(c.p.SASL.IAM.STSRegion, region), url.Values{
		"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleArn": {c.p.Env("AWS_ROLE_ARN")},
		"RoleSessionName":  {cmp.Or(c.p.Env("AWS_ROLE_SESSION_NAME"), "strait")},
		"WebIdentityToken": {strings.TrimSpace(string(token))},
	}, nil)
}

// assume asks the security token service for the keys of a role, signed by
// other keys unless the form has a token.
func (c chain) assume(ctx context.Context, region string, form url.Values, by *keys) (keys, error) {
	body := form.Encode()
	endpoint := cmp.Or(c.sts, "https://sts."+region+".amazonaws.com")
	if c.sts == "" && strings.HasPrefix(region, "cn-") {
		endpoint += ".cn"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/", strings.NewReader(body))
	if err != nil {
		return keys{}, fmt.Errorf("assuming a role: %w", err)
	}
	req.Header.Set("Content-Type", formType)
	if by != nil {
		now := c.p.Now()
		req.Header.Set("X-Amz-Date", now.UTC().Format(amzTime))
		if by.session != "" {
			req.Header.Set("X-Amz-Security-Token", by.session)
		}
		req.Header.Set("Authorization", signer{keys: *by, region: region, service: "sts"}.authorization(req.URL.Host, body, now))
	}
	text, err := c.do(req)
	if err != nil {
		return keys{}, fmt.Errorf("assuming role %s: %w", form.Get("RoleArn"), err)
	}
	type credentials struct {
		AccessKeyId, SecretAccessKey, SessionToken string
		Expiration                                 time.Time
	}
	var answer struct {
		Role credentials `xml:"AssumeRoleResult>Credentials"`
		Web  credentials `xml:"AssumeRoleWithWebIdentityResult>Credentials"`
	}
	if err := xml.Unmarshal(text, &answer); err != nil {
		return keys{}, fmt.Errorf("assuming role %s: %w", form.Get("RoleArn"), err)
	}
	got := answer.Role
	if got.AccessKeyId == "" {
		got = answer.Web
	}
	if got.AccessKeyId == "" {
		return keys{}, fmt.Errorf("assuming role %s: the answer holds no credentials", form.Get("RoleArn"))
	}
	return keys{got.AccessKeyId, got.SecretAccessKey, got.SessionToken, got.Expiration}, nil
}

// do sends a request and returns the answer of one that succeeded.
func (c chain) do(req *http.Request) ([]byte, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err //nolint:wrapcheck // a *url.Error names what was asked
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", req.URL.Host, err)
	}
	if resp.StatusCode/100 != 2 {
		var refusal struct {
			Code    string `xml:"Error>Code"`
			Message string `xml:"Error>Message"`
		}
		_ = xml.Unmarshal(text, &refusal) // only STS explains itself so
		return nil, fmt.Errorf("%s answered %s %s", req.URL.Host, resp.Status, strings.TrimSpace(refusal.Code+" "+refusal.Message))
	}
	return text, nil
}

// profile reads a section of the shared files.
func (c chain) profile(name string) (keys, error) {
	home := cmp.Or(c.p.Env("HOME"), c.p.Env("USERPROFILE"))
	section := map[string]string{}
	for path, heading := range map[string]string{
		cmp.Or(c.p.Env("AWS_SHARED_CREDENTIALS_FILE"), filepath.Join(home, ".aws", "credentials")): name,
		cmp.Or(c.p.Env("AWS_CONFIG_FILE"), filepath.Join(home, ".aws", "config")):                  strings.TrimPrefix("profile "+name, "profile default"),
	} {
		text, err := c.p.ReadFile(path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return keys{}, fmt.Errorf("reading %s: %s", path, secret.Reason(err))
		}
		maps.Copy(section, iniSection(string(text), cmp.Or(heading, "default")))
	}
	k := keys{id: section["aws_access_key_id"], secret: section["aws_secret_access_key"], session: section["aws_session_token"]}
	switch {
	case k.id != "":
		return k, nil
	case section["credential_process"] != "" || section["sso_start_url"] != "" || section["sso_session"] != "" || section["role_arn"] != "":
		return keys{}, fmt.Errorf("profile %q gets its keys by a program, single sign-on or a role, which is not supported; write role_arn in the sasl block, or export keys to the environment", name)
	}
	return keys{}, fmt.Errorf("profile %q holds no aws_access_key_id", name)
}

// iniSection returns the settings below [heading].
func iniSection(text, heading string) map[string]string {
	found := map[string]string{}
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			inside = strings.Join(strings.Fields(strings.Trim(line, "[]")), " ") == heading
			continue
		}
		if name, value, ok := strings.Cut(line, "="); ok && inside && !strings.HasPrefix(line, "#") {
			found[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
		}
	}
	return found
}

// served is what containers and instances answer.
type served struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	Token           string
	Expiration      time.Time
}

func (c chain) served(req *http.Request) (keys, error) {
	text, err := c.do(req)
	if err != nil {
		return keys{}, err
	}
	var s served
	if err := json.Unmarshal(text, &s); err != nil || s.AccessKeyID == "" {
		return keys{}, fmt.Errorf("%s answered without credentials", req.URL.Host)
	}
	return keys{s.AccessKeyID, s.SecretAccessKey, s.Token, s.Expiration}, nil
}

// container asks the agent of ECS or EKS; ok says whether there is one.
func (c chain) container(ctx context.Context) (found keys, ok bool, err error) {
	address := c.p.Env("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	if relative := c.p.Env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); relative != "" {
		address = "http://169.254.170.2" + relative
	}
	if address == "" {
		return keys{}, false, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return keys{}, true, fmt.Errorf("asking the container's agent: %w", err)
	}
	token := c.p.Env("AWS_CONTAINER_AUTHORIZATION_TOKEN")
	if path := c.p.Env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); path != "" {
		text, err := c.p.ReadFile(path)
		if err != nil {
			return keys{}, true, fmt.Errorf("reading the token of the container's agent: %w", err)
		}
		token = strings.TrimSpace(string(text))
	}
	if token != "" {
		req.Header.Set("Authorization", token)
	}
	found, err = c.served(req)
	return found, true, err
}

// instance asks the metadata service of EC2, version 2.
func (c chain) instance(ctx context.Context) (keys, error) {
	base := cmp.Or(c.p.Env("AWS_EC2_METADATA_SERVICE_ENDPOINT"), "http://169.254.169.254")
	ask := func(method, path string, header, value string) (*http.Request, error) {
		req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(base, "/")+path, http.NoBody)
		if err == nil {
			req.Header.Set(header, value)
		}
		return req, err
	}
	req, err := ask(http.MethodPut, "/latest/api/token", "X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "300")
	if err != nil {
		return keys{}, fmt.Errorf("asking the instance: %w", err)
	}
	token, err := c.do(req)
	if err != nil {
		return keys{}, fmt.Errorf("%w (%w)", errNone, err)
	}
	const header, path = "X-Aws-Ec2-Metadata-Token", "/latest/meta-data/iam/security-credentials/"
	if req, err = ask(http.MethodGet, path, header, string(token)); err != nil {
		return keys{}, fmt.Errorf("asking the instance: %w", err)
	}
	role, err := c.do(req)
	if err != nil {
		return keys{}, fmt.Errorf("asking for the instance's role: %w", err)
	}
	name, _, _ := strings.Cut(string(role), "\n")
	if req, err = ask(http.MethodGet, path+url.PathEscape(strings.TrimSpace(name)), header, string(token)); err != nil {
		return keys{}, fmt.Errorf("asking the instance: %w", err)
	}
	return c.served(req)
}
