package httpapi

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/strait-mirror/strait/pipeline/status"
)

// Client asks the API of a running Strait. Its methods are safe for concurrent use.
type Client struct {
	base  string
	token string
	http  *http.Client
}

// maxAnswer is the most bytes of an answer that are read.
const maxAnswer = 256 << 20

// NewClient returns a client of the server at an address: host:port, or a URL. token
// may be empty, and config nil for the system's authorities.
func NewClient(address, token string, config *tls.Config) (*Client, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
		if config != nil {
			address = "https" + strings.TrimPrefix(address, "http")
		}
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("the server's address %q is neither host:port nor https://host:port", address)
	}
	return &Client{base: u.Scheme + "://" + u.Host, token: token, http: &http.Client{
		Timeout: time.Minute,
		// A proxy would not reach this machine, and the token is for nobody else.
		Transport:     &http.Transport{TLSClientConfig: config},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Status asks for the state of every flow.
func (c *Client) Status(ctx context.Context) (status.Snapshot, error) {
	var s status.Snapshot
	return s, c.do(ctx, http.MethodGet, "status", nil, &s)
}

// Partitions asks where partitions are; q is as in the API.
func (c *Client) Partitions(ctx context.Context, q url.Values) (Partitions, error) {
	var p Partitions
	return p, c.do(ctx, http.MethodGet, "lag", q, &p)
}

// Topics asks where topics are; q is as in the API.
func (c *Client) Topics(ctx context.Context, q url.Values) (Topics, error) {
	var t Topics
	return t, c.do(ctx, http.MethodGet, "topics", q, &t)
}

// Events asks for what lately happened; q is as in the API.
func (c *Client) Events(ctx context.Context, q url.Values) (Events, error) {
	var e Events
	return e, c.do(ctx, http.MethodGet, "events", q, &e)
}

// Revisions asks for the last topologies that were read.
func (c *Client) Revisions(ctx context.Context) (Revisions, error) {
	var r Revisions
	return r, c.do(ctx, http.MethodGet, "revisions", nil, &r)
}

// Support asks for all that the process says of itself.
func (c *Client) Support(ctx context.Context) (Support, error) {
	var s Support
	return s, c.do(ctx, http.MethodGet, "support", nil, &s)
}

// Reload has the topology read again. The result says whether it was applied or
// refused; an error says that it was not tried, or that nobody answered.
func (c *Client) Reload(ctx context.Context) (Reloaded, error) {
	var r Reloaded
	return r, c.do(ctx, http.MethodPost, "reload", nil, &r)
}

// Pause has a flow read nothing until Resume.
func (c *Client) Pause(ctx context.Context, flow string) (Steered, error) {
	return c.steer(ctx, "pause", flow)
}

// Resume ends a pause.
func (c *Client) Resume(ctx context.Context, flow string) (Steered, error) {
	return c.steer(ctx, "resume", flow)
}

// Restart ends a flow in good order and starts it anew.
func (c *Client) Restart(ctx context.Context, flow string) (Steered, error) {
	return c.steer(ctx, "restart", flow)
}

func (c *Client) steer(ctx context.Context, what, flow string) (Steered, error) {
	var s Steered
	return s, c.do(ctx, http.MethodPost, what, url.Values{"flow": {flow}}, &s)
}

func (c *Client) do(ctx context.Context, method, path string, q url.Values, into any) error {
	address := c.base + "/api/v1/" + path
	if len(q) > 0 {
		address += "?" + q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return fmt.Errorf("asking for %s: %w", path, err)
	}
	req.Header.Set(RequestHeader, "1")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // which names all of the address again
		}
		return fmt.Errorf("asking %s: %w", c.base, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("asking %s: %w", c.base, err)
	}
	refused := resp.StatusCode == http.StatusUnprocessableEntity
	if resp.StatusCode != http.StatusOK && !refused {
		var f Failure
		if json.Unmarshal(text, &f) != nil || f.Error == "" {
			return fmt.Errorf("%s answered %s: it is no Strait, or another version", c.base, resp.Status)
		}
		return fmt.Errorf("%s answered: %s", c.base, f.Error)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("reading the answer of %s: %w", c.base, err)
	}
	return nil
}
