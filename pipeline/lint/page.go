package lint

import (
	"fmt"
	"strings"
)

// Page is the rule's page of the reference, in Markdown.
func (r Rule) Page() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: %s\n\n%s", r.ID, r.Title, upperFirst(r.Severity.String()))
	if r.Online {
		b.WriteString(", with `--online`")
	}
	fmt.Fprintf(&b, ".\n\n%s\n\n**Fix:** %s\n", r.Why, r.Fix)
	for _, e := range []struct {
		title string
		Example
	}{{"Bad", r.Bad}, {"Good", r.Good}} {
		fmt.Fprintf(&b, "\n## %s\n", e.title)
		if e.HCL != "" {
			fmt.Fprintf(&b, "\n```hcl\n%s\n```\n", strings.Trim(e.HCL, "\n"))
		}
		if e.Properties != "" {
			fmt.Fprintf(&b, "\n```properties\n%s\n```\n", strings.Trim(e.Properties, "\n"))
		}
	}
	fmt.Fprintf(&b, "\nLet one be with `# %s %s` and the reason, on its line or above it.\n", waiverMark, r.ID)
	return b.String()
}

// Index is the page that lists all rules, in Markdown.
func Index() string {
	var b strings.Builder
	b.WriteString("# Lint rules\n\n")
	b.WriteString("`strait lint FILE...` applies them, `strait explain ID` shows one. In a properties file what\n" +
		"MirrorMaker 2 starts with is a warning at most.\n")
	b.WriteString("\n| rule | severity | what it finds |\n|---|---|---|\n")
	for _, r := range Rules() {
		online := ""
		if r.Online {
			online = ", online"
		}
		fmt.Fprintf(&b, "| [%s](%s.md) | %s%s | %s |\n", r.ID, r.ID, r.Severity, online, strings.ReplaceAll(r.Title, "|", `\|`))
	}
	return b.String()
}

// Pages returns the generated pages by file name.
func Pages() map[string]string {
	pages := map[string]string{"README.md": Index()}
	for _, r := range Rules() {
		pages[r.ID+".md"] = r.Page()
	}
	return pages
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// Text is what is said about the rule on a terminal.
func (r Rule) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s\n\n%s\nfix: %s\n", r.ID, r.Severity, r.Title, r.Why, r.Fix)
	if r.Online {
		b.WriteString("needs: strait lint --online\n")
	}
	for _, e := range []struct{ title, text string }{
		{"bad, HCL", r.Bad.HCL},
		{"good, HCL", r.Good.HCL},
		{"bad, properties", r.Bad.Properties},
		{"good, properties", r.Good.Properties},
	} {
		if e.text != "" {
			fmt.Fprintf(&b, "\n%s:\n    %s\n", e.title, strings.ReplaceAll(strings.Trim(e.text, "\n"), "\n", "\n    "))
		}
	}
	fmt.Fprintf(&b, "\nto let one be, on its line or above it:\n    # %s %s the reason\n", waiverMark, r.ID)
	return b.String()
}
