package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// broker returns the node with an id.
func (c *Cluster) broker(id int) (*node, error) {
	if id < 1 || id > len(c.brokers) {
		return nil, fmt.Errorf("finding broker %d: the cluster has 1 to %d", id, len(c.brokers))
	}
	return c.brokers[id-1], nil
}

// Kill ends a broker at once, as a crash does, and waits until it is gone.
func (c *Cluster) Kill(broker int) error {
	n, err := c.broker(broker)
	if err != nil {
		return err
	}
	return n.proc.kill()
}

// Stop shuts a broker down in good order: it hands over its partitions first.
func (c *Cluster) Stop(ctx context.Context, broker int) error {
	n, err := c.broker(broker)
	if err != nil {
		return err
	}
	if err := n.proc.stop(ctx, stopGrace); err != nil {
		return fmt.Errorf("stopping broker %d: %w", broker, err)
	}
	return nil
}

// Restart starts a broker that was killed or stopped, on its old ports and
// data, and waits until it serves. A killed broker is let in again only when
// its old session has timed out, after broker.session.timeout.ms.
func (c *Cluster) Restart(ctx context.Context, broker int) error {
	n, err := c.broker(broker)
	if err != nil {
		return err
	}
	if n.proc.running() {
		return fmt.Errorf("restarting broker %d: it is running", broker)
	}
	if err := n.launch(c.jvm()); err != nil {
		return err
	}
	return n.waitReady(ctx)
}

// Fill has the disk of a broker be full: it can append to no file any more. Brokers
// end when that happens to all their log directories, which Fill waits for. The
// next Restart finds room again. Linux only.
func (c *Cluster) Fill(ctx context.Context, broker int) error {
	n, err := c.broker(broker)
	if err != nil {
		return err
	}
	if err := limitFiles(n.proc.cmd.Process.Pid); err != nil {
		return fmt.Errorf("filling the disk of broker %d: %w", broker, err)
	}
	select {
	case <-n.proc.exited:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for broker %d to end: %w", broker, context.Cause(ctx))
	}
}

// Upgrade brings node after node to another version, the controller first, and then
// raises the features of the cluster to what that version has. It calls between
// nodes, which may be nil.
func (c *Cluster) Upgrade(ctx context.Context, version string, between func(node int)) error {
	d, err := prepare(ctx, version)
	if err != nil {
		return err
	}
	for _, n := range c.nodes() {
		if err := n.proc.stop(ctx, stopGrace); err != nil {
			return fmt.Errorf("stopping node %d: %w", n.id, err)
		}
		n.dist = d
		if err := n.launch(c.jvm()); err != nil {
			return err
		}
		if n.clientPort != 0 {
			err = n.waitReady(ctx)
		}
		if err != nil {
			return err
		}
		if between != nil {
			between(n.id)
		}
	}
	c.dist, c.opts.Version = d, version
	return c.raiseFeatures(ctx)
}

// raiseFeatures sets every feature to the highest level that a broker supports.
func (c *Cluster) raiseFeatures(ctx context.Context) error {
	known, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, c.client)
	if err != nil {
		return fmt.Errorf("asking for features: %w", err)
	}
	req := kmsg.NewPtrUpdateFeaturesRequest()
	for _, f := range known.SupportedFeatures {
		u := kmsg.NewUpdateFeaturesRequestFeatureUpdate()
		u.Feature, u.MaxVersionLevel, u.UpgradeType = f.Name, f.MaxVersion, 1
		req.FeatureUpdates = append(req.FeatureUpdates, u)
	}
	resp, err := req.RequestWith(ctx, c.client)
	if err == nil {
		err = kerr.ErrorForCode(resp.ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("raising features: %w", err)
	}
	for _, r := range resp.Results {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			return fmt.Errorf("raising feature %s: %w", r.Feature, err)
		}
	}
	return nil
}

// Pause stops a broker in its tracks with its connections open, as a long
// garbage collection or a frozen machine does.
func (c *Cluster) Pause(broker int) error {
	n, err := c.broker(broker)
	if err != nil {
		return err
	}
	return n.proc.signal(sigPause)
}

// Resume lets a paused broker go on.
func (c *Cluster) Resume(broker int) error {
	n, err := c.broker(broker)
	if err != nil {
		return err
	}
	return n.proc.signal(sigResume)
}
