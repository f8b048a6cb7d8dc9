package kafka

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	fetchers      = 6       // concurrent downloads; a courtesy to the repository
	fetchAttempts = 6       // per jar; the waits between them sum to half a minute
	maxJar        = 1 << 28 // bytes; the largest jar in the lists is below 10 MB
)

// central is the address of Maven Central. Its host is Maven's own group id
// read backwards, which is how Maven's default repository is named; the
// environment may name a mirror instead.
func central() string {
	part := strings.Split("org.apache.maven", ".")
	slices.Reverse(part)
	return cmp.Or(os.Getenv("STRAIT_MAVEN_CENTRAL"), "https://repo."+strings.Join(part, ".")+"/maven2")
}

// fetch downloads into dir every jar that is not there yet. A jar gets its
// name only after its checksum matched, so what has a name is complete.
func fetch(ctx context.Context, dir string, jars []jar) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(fetchers)
	client := &http.Client{Timeout: 2 * time.Minute}
	defer client.CloseIdleConnections()
	for _, j := range jars {
		path := filepath.Join(dir, filepath.Base(j.path))
		if _, err := os.Stat(path); err == nil {
			continue
		}
		g.Go(func() error { return fetchJar(ctx, client, path, j) })
	}
	return g.Wait()
}

// fetchJar downloads one jar, trying again with growing waits.
func fetchJar(ctx context.Context, client *http.Client, path string, j jar) error {
	var last error
	for attempt := range fetchAttempts {
		if attempt > 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Second << (attempt - 1)):
			}
		}
		body, err := download(ctx, client, central()+"/"+j.path)
		if err != nil {
			last = err
			continue
		}
		if sum := sha256.Sum256(body); sum != j.sum {
			last = fmt.Errorf("checksum of %s is %x, want %x", j.path, sum, j.sum)
			continue
		}
		return writeAtomic(path, body)
	}
	return fmt.Errorf("fetching %s: %w", j.path, last)
}

// download returns the body of one GET.
func download(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("getting %s: %s", url, resp.Status)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(io.LimitReader(resp.Body, maxJar)); err != nil {
		return nil, fmt.Errorf("getting %s: %w", url, err)
	}
	return b.Bytes(), nil
}

// writeAtomic writes a file that is either complete or not there.
func writeAtomic(path string, body []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".part-")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	_, err = f.Write(body)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}
