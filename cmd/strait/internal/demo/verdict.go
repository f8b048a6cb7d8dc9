package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/strait-mirror/strait/cmd/strait/internal/view"
)

// verdict compares everything, shows what came out and returns ErrDifferent
// when that is not equality.
func (r *run) verdict(ctx context.Context) error {
	v := r.p.View
	v.Print("")
	v.Print("Comparing every record with an independent client.")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reading)
	defer cancel()
	began := time.Now()
	list := mirrors(r.cfg, r.west, r.east)
	for i := range list {
		list[i].anyCodec = r.p.anyCodec
	}
	outcomes, err := compare(ctx, list)
	if err != nil {
		return err
	}
	v.Print("")
	v.Print("%s", v.Faint(fmt.Sprintf("%-20s %-24s %11s  %s", "SOURCE", "TARGET", "RECORDS", "RESULT")))
	var records, aborted int64
	different := len(outcomes) == 0
	for _, o := range outcomes {
		result := v.Good("identical")
		if len(o.differences) > 0 {
			result = v.Bad("different")
			different = true
		}
		v.Print("%-20s %-24s %11s  %s", o.from.name+"/"+o.source, o.to.name+"/"+o.target, view.Count(o.records), result)
		for _, d := range o.differences {
			v.Print("  %s", d)
		}
		records += o.records
		aborted += r.written.aborted[o.from.name+"/"+o.source]
	}
	v.Print("")
	if different {
		v.Print("%s", v.Bad("Not identical."))
		return ErrDifferent
	}
	v.Print("%s %s records compared in %s: keys, values, headers, timestamps,", v.Good("Identical."),
		view.Count(records), view.Seconds(time.Since(began)))
	v.Print("compression and order. %s records of aborted transactions were left out,", view.Count(aborted))
	v.Print("as they must be.")
	return nil
}
