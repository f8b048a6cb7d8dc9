package cli

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/cmd/strait/internal/demo"
	"github.com/strait-mirror/strait/examples"
)

// onceRecords is how many records demo --once writes when nobody says.
const onceRecords = 20_000

// demoFlags are the flags of demo.
type demoFlags struct {
	duration time.Duration
	records  int64
	once     bool
	print    bool
	logLevel string
}

func (a *app) newDemo() *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Mirror two clusters inside this process and compare them",
		Long: "Demo starts two Kafka clusters inside this process, on free ports of the loopback\n" +
			"interface, writes to both, mirrors them both ways and compares every record at\n" +
			"the end. Any Kafka client can attach meanwhile. It needs nothing but this program.",
		Example: "  strait demo\n  strait demo --duration 5m\n  strait demo --once --records 200\n" +
			"  strait demo --print-topology",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.records < 0 || f.duration < 0 {
				return errors.New("--records and --duration cannot be negative")
			}
			log, err := a.newLog(f.logLevel, "text")
			if err != nil {
				return err
			}
			if f.print {
				a.view.Raw(examples.ActiveActive())
				return nil
			}
			// One limit that was asked for is enough; without any, time ends it.
			if asked := cmd.Flags().Changed("duration"); f.records > 0 && !asked || f.once && !asked {
				f.duration = 0
			}
			if f.once && f.records == 0 && f.duration == 0 {
				f.records = onceRecords
			}
			return failed(demo.Run(cmd.Context(), demo.Params{
				Load:     a.p.Load,
				Make:     a.p.Make,
				Log:      log,
				View:     a.view,
				Topology: examples.ActiveActive(),
				Duration: f.duration,
				Records:  f.records,
				Once:     f.once,
			}))
		},
	}
	flags := cmd.Flags()
	flags.DurationVar(&f.duration, "duration", 20*time.Second, "how long to write; 0 means until --records")
	flags.Int64Var(&f.records, "records", 0, "how many records to write in all; 0 means until --duration")
	flags.BoolVar(&f.once, "once", false, "write everything first, then mirror it once")
	flags.BoolVar(&f.print, "print-topology", false, "print the topology the demo runs, and exit")
	flags.StringVar(&f.logLevel, "log-level", "error", "debug, info, warn or error")
	return cmd
}
