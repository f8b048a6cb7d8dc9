package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// maxProbe bounds an answer about health: a line for each flow.
const maxProbe = 4 << 20

// Probe asks the address that a Strait answers for metrics and health at. path is
// one of Health's. It returns what was answered, and whether that is good.
func Probe(ctx context.Context, address, path string) (text string, good bool, err error) {
	if host, port, err := net.SplitHostPort(address); err == nil && host == "" {
		address = net.JoinHostPort("127.0.0.1", port) // as metrics { listen } may say it
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return "", false, fmt.Errorf("asking %s: %w", address, err)
	}
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true}, // no proxy: it asks this process, not another's
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // which names all of the address again
		}
		return "", false, fmt.Errorf("asking %s: %w", address, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxProbe))
	if err != nil {
		return "", false, fmt.Errorf("asking %s: %w", address, err)
	}
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusServiceUnavailable {
		return "", false, fmt.Errorf("%s answered %s: it is no Strait, or not the address of its metrics", address, resp.Status)
	}
	return strings.TrimSpace(string(body)), resp.StatusCode == http.StatusOK, nil
}
