package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/config/settings"
)

// configFlags are the flags of config.
type configFlags struct {
	java        bool
	showSecrets bool
	output      string
	clusters    []string
}

func (a *app) newConfig() *cobra.Command {
	var f configFlags
	cmd := &cobra.Command{
		Use:   "config FILE...",
		Short: "Show the settings in effect and where each comes from",
		Long: "Config shows every setting in effect: of every cluster, and of every connector\n" +
			"and client of every flow, with the place in the file that says it. With --java it\n" +
			"shows what MirrorMaker 2 itself would make of a properties file, by Java's keys.\n" +
			"Secrets are shown as " + settings.Masked + " unless --show-secrets is given.",
		Example: "  strait config topology.hcl\n  strait config --java --output json mm2.properties",
		Args:    a.needsTopology,
		RunE: func(_ *cobra.Command, args []string) error {
			if f.output != "text" && f.output != "json" {
				return fmt.Errorf("--output is %q, not text or json", f.output)
			}
			list, err := a.settings(args, f)
			if err != nil {
				return err
			}
			switch {
			case f.output == "text":
				a.view.Settings(list, f.showSecrets)
				return nil
			case f.java:
				return failed(a.view.JavaSettings(list, f.showSecrets))
			default:
				return failed(a.view.SettingsJSON(list, f.showSecrets))
			}
		},
	}
	flags := cmd.Flags()
	a.vars.register(flags)
	a.one.register(flags)
	flags.BoolVar(&f.java, "java", false, "show what MirrorMaker 2's own classes compute")
	flags.BoolVar(&f.showSecrets, "show-secrets", false, "show passwords and other secrets")
	flags.StringVar(&f.output, "output", "text", "text or json")
	flags.StringSliceVar(&f.clusters, "clusters", nil, clustersUsage)
	return cmd
}

// clustersUsage describes the flag that both config and run have.
const clustersUsage = "only flows to these clusters, as of connect-mirror-maker.sh"

// settings lists what is in effect; its error has been shown already unless it
// is about how the command was called.
func (a *app) settings(paths []string, f configFlags) (settings.Listing, error) {
	if !f.java {
		a.offline = true
		cfg, err := a.topology(paths)
		if err != nil {
			return settings.Listing{}, err
		}
		keepTargets(cfg, f.clusters)
		return settings.OfModel(cfg), nil
	}
	if len(paths) != 1 || filepath.Ext(paths[0]) != ".properties" {
		return settings.Listing{}, errors.New("--java needs one .properties file")
	}
	var src diag.Sources
	list, problems := javaSettings(paths[0], f.clusters, a.p.Getenv, &src)
	a.view.Diagnostics(problems, &src)
	if problems.HasErrors() {
		return list, &resultError{code: exitConfig}
	}
	return list, nil
}

// keepTargets drops the flows to other clusters than those named; none named
// keeps all.
func keepTargets(cfg *model.Config, targets []string) {
	if len(targets) > 0 {
		cfg.Flows = slices.DeleteFunc(cfg.Flows, func(f *model.Flow) bool { return !slices.Contains(targets, f.To) })
	}
}
