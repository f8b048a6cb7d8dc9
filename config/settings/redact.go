package settings

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/model"
)

// Document is what is in effect, for programs.
type Document struct {
	FormatVersion int                        `json:"format_version"`
	Clusters      map[string]DocumentSection `json:"clusters"`
	Flows         map[string]DocumentFlow    `json:"flows"`
}

// DocumentSection is settings by their names.
type DocumentSection = map[string]DocumentSetting

// DocumentSetting is one value in effect.
type DocumentSetting struct {
	Value  string `json:"value"`
	Origin string `json:"origin"`
	Secret bool   `json:"secret,omitempty"`
}

// DocumentFlow is one flow.
type DocumentFlow struct {
	Enabled  bool                       `json:"enabled"`
	Settings map[string]DocumentSection `json:"settings"` // by connector or client
}

// Document returns the listing for programs; secrets only where show says so.
func (l Listing) Document(show bool) Document {
	out := Document{1, map[string]DocumentSection{}, map[string]DocumentFlow{}}
	of := func(list []Setting) DocumentSection {
		m := DocumentSection{}
		for _, s := range list {
			m[s.Name] = DocumentSetting{Value: s.Text(show), Origin: s.Origin, Secret: s.Secret}
		}
		return m
	}
	for _, c := range l.Clusters {
		out.Clusters[c.Name] = of(c.Settings)
	}
	for _, f := range l.Flows {
		flow := DocumentFlow{Enabled: f.Enabled, Settings: map[string]DocumentSection{}}
		for _, s := range f.Sections {
			flow.Settings[s.Name] = of(s.Settings)
		}
		out.Flows[f.Name] = flow
	}
	return out
}

// leastSecret is how long a text must be to be looked for elsewhere: shorter ones
// are parts of other words.
const leastSecret = 4

// Redactor takes the secrets of a topology out of texts in which they should not be
// in the first place: what a broker or a library says of an error is not ours.
type Redactor struct{ secrets []string }

// NewRedactor knows the secrets of a topology and others. cfg may be nil.
func NewRedactor(cfg *model.Config, others ...string) Redactor {
	secrets := slices.Clone(others)
	if cfg != nil {
		l := OfModel(cfg)
		sections := slices.Clone(l.Clusters)
		for _, f := range l.Flows {
			sections = append(sections, f.Sections...)
		}
		for _, s := range sections {
			for _, one := range s.Settings {
				if one.Secret {
					secrets = append(secrets, one.text)
				}
			}
		}
		if s := cfg.Server; s != nil {
			secrets = append(secrets, s.Token.Reveal(), s.Key.Reveal())
		}
	}
	var r Redactor
	for _, s := range secrets {
		// JSON has some characters in other words, and so may a text in a text.
		quoted, err := json.Marshal(s)
		if err == nil {
			r.secrets = append(r.secrets, strings.Trim(string(quoted), `"`))
		}
		r.secrets = append(r.secrets, s)
	}
	r.secrets = slices.DeleteFunc(r.secrets, func(s string) bool { return len(s) < leastSecret })
	// The longest first: one may be part of another.
	slices.SortFunc(r.secrets, func(a, b string) int { return cmp.Or(len(b)-len(a), cmp.Compare(a, b)) })
	r.secrets = slices.Compact(r.secrets)
	return r
}

// Redact returns a text without the secrets.
func (r Redactor) Redact(text string) string {
	for _, s := range r.secrets {
		text = strings.ReplaceAll(text, s, Masked)
	}
	return text
}
