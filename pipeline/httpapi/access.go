package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"

	"github.com/strait-mirror/strait/config/model"
)

// RequestHeader is what a request carries that changes something and has neither
// a token nor a certificate to show: no page of another site can have a browser
// send it.
const RequestHeader = "X-Strait-Request"

// Access says who may ask.
type Access struct {
	// Local says that only this machine reaches the server. Then everybody may read,
	// as long as the request names this machine: a page of another site whose name
	// leads here does not.
	Local bool
	Token string // of those who may change something; empty: there is none
	// Certificates says that the server asks clients for certificates: whoever has
	// come so far has shown one, which counts as the token does.
	Certificates bool
}

// refusal is why a request is not answered.
type refusal struct {
	code int
	text string
}

func (r *refusal) Error() string { return r.text }

// known reports whether a request shows who it is from.
func (a Access) known(r *http.Request) bool {
	if a.Certificates && r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		return true
	}
	shown, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || a.Token == "" {
		return false
	}
	// Digests are of one length, so that the time tells nothing.
	is, want := sha256.Sum256([]byte(shown)), sha256.Sum256([]byte(a.Token))
	return subtle.ConstantTimeCompare(is[:], want[:]) == 1
}

// read refuses what may not even read.
func (a Access) read(r *http.Request) error {
	if a.Local && !model.Loopback(r.Host) {
		return &refusal{http.StatusMisdirectedRequest, "the server is asked for another name than this machine's; use 127.0.0.1 or localhost"}
	}
	if _, shown := r.Header["Authorization"]; !a.known(r) && (shown || !a.Local) {
		return &refusal{http.StatusUnauthorized, "a token is required, as in Authorization: Bearer TOKEN, and the one shown is not it"}
	}
	return nil
}

// change refuses what may not change anything.
func (a Access) change(r *http.Request) error {
	if err := a.read(r); err != nil {
		return err
	}
	if from := r.Header.Get("Origin"); from != "" && !sameHost(from, r.Host) || crossSite(r) {
		return &refusal{http.StatusForbidden, "a page of another site asks for it"}
	}
	if a.known(r) {
		return nil
	}
	if a.Token != "" || a.Certificates {
		return &refusal{http.StatusUnauthorized, "a token is required, as in Authorization: Bearer TOKEN"}
	}
	_, page := r.Header["Sec-Fetch-Site"]
	if r.Header.Get("Origin") != "" || page || r.Header.Get(RequestHeader) == "" {
		return &refusal{http.StatusForbidden, "pages only read until server { token } is set; programs send the header " + RequestHeader + ": 1"}
	}
	return nil
}

// profile refuses what may not see profiles of the process.
func (a Access) profile(r *http.Request) error {
	if err := a.read(r); err != nil {
		return err
	}
	if a.known(r) || a.Token == "" && !a.Certificates {
		return nil
	}
	return &refusal{http.StatusUnauthorized, "a token is required, as in Authorization: Bearer TOKEN"}
}

// mayChange reports whether what shows the same as r may change something.
func (a Access) mayChange(r *http.Request) bool { return a.known(r) }

func sameHost(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}

// crossSite reports whether a browser says that another site asks.
func crossSite(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site != "" && site != "same-origin" && site != "none"
}
