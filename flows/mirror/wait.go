package mirror

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/strait-mirror/strait/flows/cluster"
)

// silence is how long a cluster may take to answer before status says that it
// is being waited for.
const silence = time.Second

// waitFor tries until it succeeds or ctx ends, and says meanwhile what it waits
// for.
func (f *Flow) waitFor(ctx context.Context, c *cluster.Cluster, try func(context.Context) error) error {
	const longest = 5 * time.Second
	pause := 100 * time.Millisecond
	began, said := time.Now(), ""
	for {
		err := f.attempt(ctx, c, try, said == "")
		if err == nil {
			f.progress.Add(1)
			if said != "" {
				f.p.Log.Info("cluster usable now", "cluster", c.Alias(), "waited", time.Since(began).Round(time.Second))
				f.setState(Starting, "")
			}
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		err = c.Explain(err)
		why, fix := err.Error(), fixFor(err)
		f.setState(Waiting, withFix(why, fix))
		// A broker that starts, or that has just made a topic, says this and that.
		passes := kerr.IsRetriable(err) && (said != "" || time.Since(began) < silence)
		if why != said && !passes {
			attrs := []any{"cluster", c.Alias(), "err", why}
			if fix != "" {
				attrs = append(attrs, "fix", fix)
			}
			f.p.Log.Warn("cluster not usable yet, waiting", attrs...)
			said = why
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		pause = min(2*pause, longest)
	}
}

// reach waits until both clusters are there and are those that are expected:
// nothing is written before.
func (f *Flow) reach(ctx context.Context) error {
	if err := f.waitFor(ctx, f.p.Source, f.p.Source.Ping); err != nil {
		return err
	}
	for _, c := range []*cluster.Cluster{f.p.Source, f.p.Target} {
		if err := f.waitFor(ctx, c, c.Verify); err != nil {
			return err
		}
	}
	return nil
}

// attempt tries once. While a first attempt has no answer of any kind, status
// says so: there is nothing to explain yet.
func (f *Flow) attempt(ctx context.Context, c *cluster.Cluster, try func(context.Context) error, first bool) error {
	done := c.Go(ctx, try)
	var silent <-chan time.Time
	if first {
		silent = time.After(silence)
	}
	for {
		select {
		case err := <-done:
			if err == nil {
				f.setState(Starting, "")
			}
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-silent:
			f.setState(Waiting, c.Silent())
		}
	}
}

// withFix joins what is wrong and what to do about it in one sentence.
func withFix(why, fix string) string {
	if fix == "" {
		return why
	}
	return fmt.Sprintf("%s; fix: %s", why, fix)
}
