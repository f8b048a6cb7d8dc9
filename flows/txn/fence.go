package txn

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/strait-mirror/strait/flows/internal/transaction"
)

// Fence takes over all buckets of a flow whose transactional ids begin with id and
// leaves them: what is open under them is aborted, and whoever writes under them
// is fenced, until he takes them back.
func Fence(ctx context.Context, client *kgo.Client, id string) error {
	const atOnce = 8
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for n := range Buckets {
		g.Go(func() error {
			c := transaction.ID{Client: client, Name: fmt.Sprintf("%s-%d", id, n), Timeout: time.Minute}
			_, err := c.Begin(ctx)
			return err
		})
	}
	return g.Wait()
}
