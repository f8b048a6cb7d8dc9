package cli

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/pipeline/lint"
)

// rulesVersion is the version of the JSON form of rules.
const rulesVersion = 1

// jsonRules is the JSON form of rules.
type jsonRules struct {
	FormatVersion int        `json:"format_version"`
	Rules         []jsonRule `json:"rules"`
}

type jsonRule struct {
	ID       string      `json:"id"`
	Severity string      `json:"severity"`
	Title    string      `json:"title"`
	Why      string      `json:"why"`
	Fix      string      `json:"fix"`
	Online   bool        `json:"online"`
	Bad      jsonExample `json:"bad"`
	Good     jsonExample `json:"good"`
}

type jsonExample struct {
	HCL        string `json:"hcl,omitempty"`
	Properties string `json:"properties,omitempty"`
}

func (a *app) newRules() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "List the rules of lint",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.showRules(lint.Rules(), output, func() {
				for _, r := range lint.Rules() {
					online := ""
					if r.Online {
						online = " (--online)"
					}
					a.view.Print("%s  %-7s  %s%s", r.ID, r.Severity, r.Title, online)
				}
			})
		},
	}
	addOutput(cmd, &output)
	return cmd
}

func (a *app) newExplain() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:     "explain RULE...",
		Short:   "Say what a rule of lint is about, with a bad and a good example",
		Example: "  strait explain ST402",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("explain needs the id of a rule, such as ST402")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			var rules []lint.Rule
			for _, id := range args {
				r, err := lint.Lookup(id)
				if err != nil {
					return err
				}
				rules = append(rules, r)
			}
			return a.showRules(rules, output, func() {
				for i, r := range rules {
					if i > 0 {
						a.view.Print("")
					}
					a.view.Raw([]byte(r.Text()))
				}
			})
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var ids []string
			for _, r := range lint.Rules() {
				ids = append(ids, r.ID+"\t"+r.Title)
			}
			return ids, cobra.ShellCompDirectiveNoFileComp
		},
	}
	addOutput(cmd, &output)
	return cmd
}

func addOutput(cmd *cobra.Command, output *string) {
	cmd.Flags().StringVar(output, "output", "text", "text or json")
}

// showRules prints rules as text or as JSON.
func (a *app) showRules(rules []lint.Rule, output string, text func()) error {
	show, err := oneOf("--output", output, map[string]func() error{
		"text": func() error { text(); return nil },
		"json": func() error { return failed(a.rulesJSON(rules)) },
	}, []string{"text", "json"})
	if err != nil {
		return err
	}
	return show()
}

func (a *app) rulesJSON(rules []lint.Rule) error {
	out := jsonRules{FormatVersion: rulesVersion}
	for _, r := range rules {
		out.Rules = append(out.Rules, jsonRule{
			ID: r.ID, Severity: r.Severity.String(), Title: r.Title, Why: r.Why, Fix: r.Fix, Online: r.Online,
			Bad: jsonExample(r.Bad), Good: jsonExample(r.Good),
		})
	}
	text, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the rules as JSON: %w", err)
	}
	a.view.Raw(append(text, '\n'))
	return nil
}
