package kafka

import (
	"context"
	"fmt"
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
	if err := n.launch(c.dist, c.jvm()); err != nil {
		return err
	}
	return n.waitReady(ctx)
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
