package cluster

import (
	"context"
	"fmt"
	"slices"

	"github.com/strait-mirror/strait/flows/internal/admin"
)

// TopicNames returns the names of all topics that our user may describe, in
// order, as MirrorMaker 2 lists them: without those that the broker itself
// calls internal. Its error is explained.
func (c *Cluster) TopicNames(ctx context.Context) ([]string, error) {
	var names []string
	err := c.Await(ctx, func(ctx context.Context) error {
		topics, err := admin.Topics(ctx, c.control, nil)
		if err != nil {
			return err
		}
		for name, t := range topics {
			if !t.Internal {
				names = append(names, name)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("asking for topics: %w", c.Explain(err))
	}
	slices.Sort(names)
	return names, nil
}
