package cli

import (
	"context"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/pipeline/httpapi"
)

func (a *app) newStatus() *cobra.Command {
	var f remoteFlags
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what a running Strait does",
		Long: "Status asks a running Strait for the state of its flows: what they copy, how far\n" +
			"behind they are, what is wrong, and what to do about it.\n\n" + remoteLong + "\n\n" +
			"Exit code 3 says that a flow is unhealthy or waits for a cluster.",
		Example: "  strait status\n  strait status --watch\n  strait status --output json --server 127.0.0.1:8844",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			live := a.view.NewLive(plainEvery)
			defer live.End()
			troubled := false
			err := a.ask(cmd.Context(), &f, func(ctx context.Context, c *httpapi.Client) error {
				s, err := c.Status(ctx)
				if err != nil {
					return err
				}
				troubled = s.Troubled()
				switch {
				case f.output == "json":
					return a.view.JSON(s)
				case f.watch:
					live.Show(s)
				default:
					a.view.Status(s)
				}
				return nil
			})
			if err == nil && troubled && !f.watch {
				return &resultError{code: exitFindings}
			}
			return err
		},
	}
	f.registerWatch(cmd)
	return cmd
}

func (a *app) newLag() *cobra.Command {
	var f remoteFlags
	var flow, topic, sort string
	var limit int
	var byTopic bool
	cmd := &cobra.Command{
		Use:   "lag",
		Short: "Show how far behind a running Strait is, by partition or topic",
		Long: "Lag asks a running Strait where its partitions are: how many records that can be\n" +
			"read on the source are not on the target yet, for how long the oldest of them has\n" +
			"been readable, and how many records retention may still take from the source before\n" +
			"it takes one that was not copied.\n\n" + remoteLong,
		Example: "  strait lag\n  strait lag --topics --flow 'dc1->dc2'\n  strait lag --sort headroom_records --limit 20 --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q := url.Values{"sort": {sort}, "limit": {strconv.Itoa(limit)}}
			if flow != "" {
				q.Set("flow", flow)
			}
			if topic != "" {
				q.Set("topic", topic)
			}
			return a.ask(cmd.Context(), &f, func(ctx context.Context, c *httpapi.Client) error {
				if byTopic {
					list, err := c.Topics(ctx, q)
					if err != nil {
						return err
					}
					return a.view.TopicLag(list, f.output == "json")
				}
				list, err := c.Partitions(ctx, q)
				if err != nil {
					return err
				}
				return a.view.PartitionLag(list, f.output == "json")
			})
		},
	}
	f.registerWatch(cmd)
	cmd.Flags().StringVar(&flow, "flow", "", "only of the flow of this `name`")
	cmd.Flags().StringVar(&topic, "topic", "", "only topics whose name contains this `text`")
	cmd.Flags().StringVar(&sort, "sort", "lag_records", "lag_records, lag_seconds, headroom_records or topic")
	cmd.Flags().IntVar(&limit, "limit", 50, "the most lines, up to 1000")
	cmd.Flags().BoolVar(&byTopic, "topics", false, "sum up by topic")
	completeWords(cmd, "sort", "lag_records", "lag_seconds", "headroom_records", "topic")
	return cmd
}

func (a *app) newEvents() *cobra.Command {
	var f remoteFlags
	var limit int
	cmd := &cobra.Command{
		Use:   "events",
		Short: "Show what lately happened in a running Strait",
		Long: "Events asks a running Strait for what lately happened: changes of state, what the\n" +
			"control plane changed on which cluster, before and after, and edits of the topology.\n" +
			"With --watch it goes on with what comes.\n\n" + remoteLong,
		Example: "  strait events\n  strait events --watch\n  strait events --limit 1000 --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			after := int64(0)
			return a.ask(cmd.Context(), &f, func(ctx context.Context, c *httpapi.Client) error {
				list, err := c.Events(ctx, url.Values{"limit": {strconv.Itoa(limit)}, "after": {strconv.FormatInt(after, 10)}})
				if err != nil {
					return err
				}
				if n := len(list.Events); n > 0 {
					after = list.Events[n-1].ID
				} else if f.watch {
					return nil
				}
				return a.view.Events(list, f.output == "json")
			})
		},
	}
	f.registerWatch(cmd)
	cmd.Flags().IntVar(&limit, "limit", 50, "the most events, the last ones, up to 1000")
	return cmd
}
