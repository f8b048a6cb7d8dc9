package cli

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/cmd/strait/internal/view"
	"github.com/strait-mirror/strait/pipeline/httpapi"
	"github.com/strait-mirror/strait/pipeline/status"
)

func (a *app) newTop() *cobra.Command {
	var f remoteFlags
	var by string
	t := &topReader{}
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Show the flows or topics of a running Strait that are busiest, or furthest behind",
		Long: "Top asks a running Strait again and again, and shows what it copies, sorted: how far\n" +
			"behind each flow or topic is, and what arrives at the target. Where there is no\n" +
			"terminal, and with --output json, it prints one reading. Rates of topics are those\n" +
			"from one reading to the next.\n\n" + remoteLong,
		Example: "  strait top\n  strait top --topics --sort rate\n  strait top --sort name --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if t.less, err = oneOf("--sort", by, topSorts(), topWords()); err != nil {
				return err
			}
			f.watch = a.view.Terminal() && f.output != "json"
			live := a.view.NewLive(plainEvery)
			defer live.End()
			return a.ask(cmd.Context(), &f, func(ctx context.Context, c *httpapi.Client) error {
				reading, err := t.read(ctx, c)
				if err == nil && t.topics && !f.watch {
					select { // a rate takes two
					case <-ctx.Done():
						return context.Cause(ctx)
					case <-time.After(f.interval):
					}
					reading, err = t.read(ctx, c)
				}
				if err != nil {
					return err
				}
				reading.Sort = by
				if f.watch {
					live.Top(reading)
					return nil
				}
				return a.view.Top(reading, f.output == "json")
			})
		},
	}
	f.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&by, "sort", topWords()[0], "what comes first: the greatest lag or rate, or names in their order")
	flags.BoolVar(&t.topics, "topics", false, "show topics in place of flows")
	flags.DurationVar(&f.interval, "interval", 2*time.Second, "how often, and over what rates of topics are")
	completeWords(cmd, "sort", topWords()...)
	return cmd
}

// topWords are what top sorts by; the first is the default.
func topWords() []string { return []string{"lag", "rate", "name"} }

type topLess = func(a, b view.TopRow) int

func topSorts() map[string]topLess {
	name := func(a, b view.TopRow) int { return cmp.Or(cmp.Compare(a.Flow, b.Flow), cmp.Compare(a.Topic, b.Topic)) }
	rate := func(r view.TopRow) float64 {
		if r.RecordRate == nil {
			return -1
		}
		return *r.RecordRate
	}
	return map[string]topLess{
		"name": name,
		"lag": func(a, b view.TopRow) int {
			return cmp.Or(cmp.Compare(b.LagRecords, a.LagRecords), cmp.Compare(b.LagSeconds, a.LagSeconds), name(a, b))
		},
		"rate": func(a, b view.TopRow) int { return cmp.Or(cmp.Compare(rate(b), rate(a)), name(a, b)) },
	}
}

// topReader reads what top shows. Of topics it remembers the reading before.
type topReader struct {
	topics bool
	less   topLess

	last map[[2]string]status.Topic // by flow and topic
	at   time.Time                  // of that
}

func (t *topReader) read(ctx context.Context, c *httpapi.Client) (view.Top, error) {
	s, err := c.Status(ctx)
	if err != nil {
		return view.Top{}, err
	}
	top := view.Top{FormatVersion: 1, Time: s.Time, Rows: []view.TopRow{}}
	for _, f := range s.Flows {
		top.RecordRate += f.RecordRate
		top.ByteRate += f.ByteRate
		if !t.topics {
			top.Rows = append(top.Rows, view.TopRow{
				Flow: f.Name, State: f.State, Cause: f.Cause, LagRecords: f.LagRecords, LagSeconds: f.LagSeconds, Estimated: f.LagSecondsEstimated,
				RecordRate: &f.RecordRate, ByteRate: &f.ByteRate, Problems: len(f.Problems) + f.MoreProblems,
			})
		}
	}
	if t.topics {
		if top.Rows, err = t.readTopics(ctx, c); err != nil {
			return view.Top{}, err
		}
	}
	slices.SortFunc(top.Rows, t.less)
	return top, nil
}

// topAtOnce is how many topics one request asks for, the most there may be.
const topAtOnce = 1000

func (t *topReader) readTopics(ctx context.Context, c *httpapi.Client) ([]view.TopRow, error) {
	now, rows := map[[2]string]status.Topic{}, []view.TopRow{}
	at, elapsed := t.at, 0.0
	for offset := 0; ; offset += topAtOnce {
		list, err := c.Topics(ctx, url.Values{"limit": {strconv.Itoa(topAtOnce)}, "offset": {strconv.Itoa(offset)}})
		if err != nil {
			return nil, err
		}
		if offset == 0 {
			at, elapsed = list.Time, list.Time.Sub(t.at).Seconds()
		}
		for _, one := range list.Topics {
			key := [2]string{one.Flow, one.Topic}
			now[key] = one
			row := view.TopRow{Flow: one.Flow, Topic: one.Topic, State: status.Running, LagRecords: one.LagRecords, LagSeconds: one.LagSeconds, Problems: one.Unhealthy}
			if one.Unhealthy > 0 {
				row.State = status.Unhealthy
			}
			if before, known := t.last[key]; known && elapsed > 0 {
				row.RecordRate = new(max(0, float64(one.Records-before.Records)) / elapsed) // a partition that is started again counts anew
				row.ByteRate = new(max(0, float64(one.Bytes-before.Bytes)) / elapsed)
			}
			rows = append(rows, row)
		}
		if offset+topAtOnce >= list.Total {
			break
		}
	}
	t.last, t.at = now, at
	return rows, nil
}
