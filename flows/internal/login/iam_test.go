package login

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/sasl/aws"

	"github.com/strait-mirror/strait/config/model"
)

const broker = "b-1.x.y.c2.kafka.eu-west-1.amazonaws.com:9098"

// TestSignedLogin compares our login with that of kgo's own mechanism.
func TestSignedLogin(t *testing.T) {
	other := aws.Auth{AccessKey: "AKIDEXAMPLE", SecretKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", SessionToken: "se/ss+ion=", UserAgent: "strait"}
	_, want, err := other.AsManagedStreamingIAMMechanism().Authenticate(t.Context(), broker)
	if err != nil {
		t.Fatal(err)
	}
	var theirs map[string]string
	if err := json.Unmarshal(want, &theirs); err != nil {
		t.Fatal(err)
	}
	signed, err := time.Parse(amzTime, theirs["x-amz-date"])
	if err != nil {
		t.Fatal(err)
	}
	p := params(&model.SASL{Mechanism: model.MechanismAWSMSKIAM, IAM: model.IAM{
		AccessKeyID: other.AccessKey, SecretAccessKey: model.NewSecret(other.SecretKey), SessionToken: model.NewSecret(other.SessionToken),
	}})
	p.Now = func() time.Time { return signed }
	_, got, err := newIAM(p).Authenticate(t.Context(), broker)
	if err != nil {
		t.Fatal(err)
	}
	var ours map[string]string
	if err := json.Unmarshal(got, &ours); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(theirs, ours); diff != "" {
		t.Error(diff)
	}
}

// TestSignature is the example "get-vanilla" of Amazon's test suite, whose
// request has a date header; the signing itself is the same.
func TestSignature(t *testing.T) {
	now := time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	s := signer{keys: keys{id: "AKIDEXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}, region: "us-east-1", service: "service"}
	canonical := "GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n" + hash("")
	if got := s.sign(canonical, now); got != "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" {
		t.Error(got)
	}
}

// TestRegion finds the region of brokers with and without Amazon's names.
func TestRegion(t *testing.T) {
	tests := map[string]struct {
		address, region, env, want string
	}{
		"of the name": {broker, "", "us-east-1", "eu-west-1"},
		"serverless":  {"boot-1.c1.kafka-serverless.us-west-2.amazonaws.com:9098", "", "", "us-west-2"},
		"China":       {"b-1.x.kafka.cn-north-1.amazonaws.com.cn:9098", "", "", "cn-north-1"},
		"configured":  {broker, "ap-south-1", "", "ap-south-1"},
		"environment": {"kafka.internal:9098", "", "eu-north-1", "eu-north-1"},
		"nowhere":     {"kafka.internal:9098", "", "", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := params(&model.SASL{IAM: model.IAM{AccessKeyID: "a", SecretAccessKey: model.NewSecret("b"), Region: tt.region}})
			p.Env = func(name string) string { return map[string]string{"AWS_REGION": tt.env}[name] }
			_, first, err := newIAM(p).Authenticate(t.Context(), tt.address)
			if tt.want == "" {
				if err == nil || !strings.Contains(err.Error(), "set region") {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil || !strings.Contains(string(first), "/"+tt.want+"/kafka-cluster/") {
				t.Errorf("got %s, %v", first, err)
			}
		})
	}
}

// TestChain finds credentials in every place, and assumes a role with them.
func TestChain(t *testing.T) {
	var asked []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		asked = append(asked, r.Method+" "+r.URL.Path+" "+r.Form.Get("Action"))
		end := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		switch {
		case r.URL.Path == "/latest/api/token":
			answer(w, "imds")
		case strings.HasPrefix(r.URL.Path, "/latest/") && r.Header.Get("X-Aws-Ec2-Metadata-Token") != "imds":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/latest/meta-data/iam/security-credentials/":
			answer(w, "node-role\n")
		case r.URL.Path == "/latest/meta-data/iam/security-credentials/node-role":
			answer(w, fmt.Sprintf(`{"AccessKeyId":"imds","SecretAccessKey":"s","Token":"t","Expiration":%q}`, end))
		case r.URL.Path == "/container" && r.Header.Get("Authorization") == "agent":
			answer(w, fmt.Sprintf(`{"AccessKeyId":"container","SecretAccessKey":"s","Token":"t","Expiration":%q}`, end))
		case r.Form.Get("Action") == "AssumeRole" && strings.Contains(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=env/") && r.Form.Get("RoleArn") == "arn:role":
			answer(w, fmt.Sprintf(`<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>assumed</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`, end))
		case r.Form.Get("Action") == "AssumeRoleWithWebIdentity" && r.Form.Get("WebIdentityToken") == "pod":
			answer(w, fmt.Sprintf(`<R><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>web</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleWithWebIdentityResult></R>`, end))
		default:
			w.WriteHeader(http.StatusForbidden)
			answer(w, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>`)
		}
	}))
	defer s.Close()
	environment := map[string]string{"AWS_ACCESS_KEY_ID": "env", "AWS_SECRET_ACCESS_KEY": "s"}
	files := map[string]string{
		"/h/.aws/credentials": "[default]\naws_access_key_id = shared\naws_secret_access_key = s\n[ops]\naws_access_key_id=ops\naws_secret_access_key=s\n",
		"/h/.aws/config":      "[profile sso]\nsso_session = x\n", "/pod": "pod\n",
	}
	tests := map[string]struct {
		iam  model.IAM
		env  map[string]string
		want string
	}{
		"given":        {model.IAM{AccessKeyID: "given", SecretAccessKey: model.NewSecret("s")}, environment, "given"},
		"environment":  {model.IAM{}, environment, "env"},
		"role":         {model.IAM{RoleARN: "arn:role"}, environment, "assumed"},
		"refused role": {model.IAM{RoleARN: "arn:other"}, environment, "error: assuming role arn:other"},
		"web identity": {model.IAM{}, map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": "/pod", "AWS_ROLE_ARN": "arn:pod"}, "web"},
		"shared file":  {model.IAM{}, map[string]string{"HOME": "/h"}, "shared"},
		"profile":      {model.IAM{Profile: "ops"}, map[string]string{"HOME": "/h"}, "ops"},
		"sign-on":      {model.IAM{Profile: "sso"}, map[string]string{"HOME": "/h"}, "error: profile \"sso\" gets its keys by"},
		"no profile":   {model.IAM{Profile: "nope"}, map[string]string{"HOME": "/h"}, "error: profile \"nope\" holds no aws_access_key_id"},
		"container":    {model.IAM{}, map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": s.URL + "/container", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "agent"}, "container"},
		"instance":     {model.IAM{}, map[string]string{"AWS_EC2_METADATA_SERVICE_ENDPOINT": s.URL}, "imds"},
		"none":         {model.IAM{}, map[string]string{"AWS_EC2_METADATA_DISABLED": "true"}, "error: none in the environment"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := params(&model.SASL{IAM: tt.iam})
			p.Env = func(name string) string { return tt.env[name] }
			p.ReadFile = func(path string) ([]byte, error) {
				if text, ok := files[path]; ok {
					return []byte(text), nil
				}
				return nil, os.ErrNotExist
			}
			found, err := chain{p: p, http: metadataClient(), sts: s.URL}.get(t.Context(), "eu-west-1")
			got := found.id
			if err != nil {
				got = "error: " + err.Error()
			}
			if !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %s, want %s (asked %q)", got, tt.want, asked)
			}
		})
	}
}

// answer writes the body of a response.
func answer(w http.ResponseWriter, text string) { _, _ = io.WriteString(w, text) }
