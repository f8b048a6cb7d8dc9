package cli

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/strait-mirror/strait/config/schema"
	"github.com/strait-mirror/strait/pipeline/lint"
)

// rulesVersion is the version of the JSON form of rules.
const rulesVersion = 1

// jsonRules is the JSON form of rules.
type jsonRules struct {
	FormatVersion int            `json:"format_version"`
	Rules         []jsonRule     `json:"rules"`
	Attributes    []schema.Found `json:"attributes,omitempty"`
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
			return a.showRules(lint.Rules(), nil, output, func() {
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
		Use:   "explain NAME...",
		Short: "Say what a rule of lint or an attribute is about",
		Long: "Explain says what a rule of lint is about, with a bad and a good example, or what\n" +
			"an attribute of HCL means: its type, range and default, MirrorMaker 2's key for it,\n" +
			"and what a change costs. MirrorMaker 2's key is a name of it, too.",
		Example: "  strait explain ST402\n  strait explain topics_exclude\n  strait explain offset.lag.max",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("explain needs the id of a rule, such as ST402, or the name of an attribute, such as topics_exclude")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			var rules []lint.Rule
			var attributes []schema.Found
			for _, name := range args {
				found, near := schema.Lookup(name)
				if attributes = append(attributes, found...); found != nil {
					continue
				}
				r, err := lint.Lookup(name)
				if err != nil && near != "" {
					err = fmt.Errorf("no rule or attribute %q: did you mean %q?", name, near)
				}
				if err != nil {
					return err
				}
				rules = append(rules, r)
			}
			return a.showRules(rules, attributes, output, func() {
				gap := ""
				for _, r := range rules {
					a.view.Raw([]byte(gap + r.Text()))
					gap = "\n"
				}
				for _, f := range attributes {
					a.view.Raw([]byte(gap + f.Text()))
					gap = "\n"
				}
			})
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return append(ruleNames(), attributeNames()...), cobra.ShellCompDirectiveNoFileComp
		},
	}
	addOutput(cmd, &output)
	return cmd
}

func addOutput(cmd *cobra.Command, output *string) {
	cmd.Flags().StringVar(output, "output", "text", "text or json")
}

// showRules prints rules and attributes as text or as JSON.
func (a *app) showRules(rules []lint.Rule, attributes []schema.Found, output string, text func()) error {
	show, err := oneOf("--output", output, map[string]func() error{
		"text": func() error { text(); return nil },
		"json": func() error { return failed(a.rulesJSON(rules, attributes)) },
	}, []string{"text", "json"})
	if err != nil {
		return err
	}
	return show()
}

func (a *app) rulesJSON(rules []lint.Rule, attributes []schema.Found) error {
	out := jsonRules{FormatVersion: rulesVersion, Rules: []jsonRule{}, Attributes: attributes}
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
