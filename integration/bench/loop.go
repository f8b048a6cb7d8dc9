package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// loop is the program that many would write instead of a stage: it polls records,
// leaves out those with a header, and produces the others to the same partition.
// Both clients have franz-go's defaults, but for the codec: that of the data.
func loop(args []string) error {
	f := flag.NewFlagSet("loop", flag.ContinueOnError)
	source, target := f.String("source", "", "address"), f.String("target", "", "address")
	from, to := f.String("from", "", "topic"), f.String("to", "", "topic")
	codec, drop := f.String("codec", "", "codec of what is produced"), f.String("drop", "", "header of records that are left out")
	records := f.Int64("records", 0, "records to read")
	if err := f.Parse(args); err != nil {
		return fmt.Errorf("reading the loop's flags: %w", err)
	}
	in, err := kgo.NewClient(kgo.SeedBrokers(*source), kgo.ConsumeTopics(*from), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return fmt.Errorf("making a consumer: %w", err)
	}
	defer in.Close()
	out, err := kgo.NewClient(kgo.SeedBrokers(*target), kgo.ProducerBatchCompression(codecNamed(*codec)), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return fmt.Errorf("making a producer: %w", err)
	}
	defer out.Close()
	ctx, stop := context.WithCancelCause(context.Background())
	defer stop(nil)
	err = relayRecords(ctx, in, out, relayed{to: *to, drop: *drop, records: *records, stop: stop})
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return err
}

// relayed says what the loop does with records.
type relayed struct {
	to, drop string
	records  int64
	stop     context.CancelCauseFunc // called with what went wrong while producing
}

func relayRecords(ctx context.Context, in, out *kgo.Client, r relayed) error {
	var failed sync.Once
	produced := func(_ *kgo.Record, err error) {
		if err != nil {
			failed.Do(func() { r.stop(fmt.Errorf("producing: %w", err)) })
		}
	}
	for seen := int64(0); seen < r.records; {
		fetches := in.PollFetches(ctx)
		if err := errors.Join(fetches.Err(), ctx.Err()); err != nil {
			return fmt.Errorf("polling: %w", err)
		}
		fetches.EachRecord(func(record *kgo.Record) {
			seen++
			for _, h := range record.Headers {
				if h.Key == r.drop {
					return
				}
			}
			record.Topic = r.to
			out.Produce(ctx, record, produced)
		})
	}
	if err := out.Flush(ctx); err != nil {
		return fmt.Errorf("flushing: %w", err)
	}
	return context.Cause(ctx)
}
