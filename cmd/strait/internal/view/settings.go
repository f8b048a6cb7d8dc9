package view

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/strait-mirror/strait/config/settings"
)

// Settings prints what is in effect, a line a setting with its origin behind
// it.
func (v *View) Settings(l settings.Listing, showSecrets bool) {
	for _, c := range l.Clusters {
		v.Print("cluster %s", c.Name)
		v.Lines(settingLines("  ", c.Settings, showSecrets))
	}
	for _, f := range l.Flows {
		state := "enabled"
		if !f.Enabled {
			state = "not enabled"
		}
		v.Print("flow %s (%s)", f.Name, state)
		for _, s := range f.Sections {
			v.Print("  %s", s.Name)
			v.Lines(settingLines("    ", s.Settings, showSecrets))
		}
	}
}

// widest is the most columns that a setting may push its neighbours' origins
// to the right.
const widest = 60

func settingLines(indent string, list []settings.Setting, showSecrets bool) []string {
	texts := make([]string, len(list))
	width := 0
	for i, s := range list {
		texts[i] = fmt.Sprintf("%s = %s", s.Name, printable(s.Text(showSecrets)))
		if n := len([]rune(texts[i])); n <= widest {
			width = max(width, n)
		}
	}
	for i, s := range list {
		texts[i] = strings.TrimRight(fmt.Sprintf("%s%-*s  # %s", indent, width, texts[i], s.Origin), " ")
	}
	return texts
}

// printable quotes a text that would not stay on its line.
func printable(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) || strings.TrimSpace(text) != text {
		return strconv.Quote(text)
	}
	return text
}

// SettingsJSON prints the same for programs.
func (v *View) SettingsJSON(l settings.Listing, showSecrets bool) error {
	return v.JSON(l.Document(showSecrets))
}

// JavaSettings prints MirrorMaker 2's configurations as plain maps, to be
// compared with Java's.
func (v *View) JavaSettings(l settings.Listing, showSecrets bool) error {
	out := struct {
		FormatVersion int                                     `json:"format_version"`
		Flows         map[string]map[string]map[string]string `json:"flows"`
	}{1, map[string]map[string]map[string]string{}}
	for _, f := range l.Flows {
		flow := map[string]map[string]string{}
		for _, s := range f.Sections {
			flow[s.Name] = map[string]string{}
			for _, one := range s.Settings {
				flow[s.Name][one.Name] = one.Text(showSecrets)
			}
		}
		out.Flows[f.Name] = flow
	}
	return v.JSON(out)
}
