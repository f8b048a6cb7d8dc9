package login

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// signer makes AWS's Signature Version 4. Amazon's SDK does the same in eight
// megabytes of the program.
type signer struct {
	keys            keys
	region, service string
}

// keys are AWS credentials.
type keys struct {
	id, secret, session string
	expires             time.Time // zero: never
}

const (
	algorithm = "AWS4-HMAC-SHA256"
	amzTime   = "20060102T150405Z"
)

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// scope is what a signature is good for.
func (s signer) scope(now time.Time) string {
	return strings.Join([]string{now.UTC().Format("20060102"), s.region, s.service, "aws4_request"}, "/")
}

// sign signs a request in canonical form.
func (s signer) sign(canonical string, now time.Time) string {
	text := strings.Join([]string{algorithm, now.UTC().Format(amzTime), s.scope(now), hash(canonical)}, "\n")
	key := []byte("AWS4" + s.keys.secret)
	for part := range strings.SplitSeq(s.scope(now), "/") {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, text))
}

// presign returns the query of a GET of / at host that carries its signature.
func (s signer) presign(host, action string, life time.Duration, now time.Time) url.Values {
	q := url.Values{
		"Action":              {action},
		"X-Amz-Algorithm":     {algorithm},
		"X-Amz-Credential":    {s.keys.id + "/" + s.scope(now)},
		"X-Amz-Date":          {now.UTC().Format(amzTime)},
		"X-Amz-Expires":       {fmt.Sprint(int(life.Seconds()))},
		"X-Amz-SignedHeaders": {"host"},
	}
	if s.keys.session != "" {
		q.Set("X-Amz-Security-Token", s.keys.session)
	}
	query := strings.ReplaceAll(q.Encode(), "+", "%20")
	q.Set("X-Amz-Signature", s.sign(strings.Join([]string{"GET", "/", query, "host:" + host, "", "host", hash("")}, "\n"), now))
	return q
}

// authorization returns the header that signs a POST of a form to / at host.
func (s signer) authorization(host, form string, now time.Time) string {
	headers, names := "content-type:"+formType+"\nhost:"+host+"\nx-amz-date:"+now.UTC().Format(amzTime)+"\n", "content-type;host;x-amz-date"
	if s.keys.session != "" {
		headers, names = headers+"x-amz-security-token:"+s.keys.session+"\n", names+";x-amz-security-token"
	}
	canonical := strings.Join([]string{"POST", "/", "", headers, names, hash(form)}, "\n")
	return fmt.Sprintf("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		algorithm, s.keys.id, s.scope(now), names, s.sign(canonical, now))
}

const formType = "application/x-www-form-urlencoded; charset=utf-8"
