package load

import (
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/legacy/mm2/effective"
	"github.com/strait-mirror/strait/config/props"
)

// Java reads the properties file at path as MirrorMaker 2's own classes do. The
// result is nil if the file cannot be read at all; an Error means that
// MirrorMaker 2 does not start with it.
func Java(path string, opts Options) (*effective.Config, diag.List) {
	l := newLoader(opts)
	text, err := l.opts.ReadFile(path)
	if err != nil {
		l.unreadable(path, err)
		return nil, l.problems
	}
	l.opts.Sources.Add(path, text)
	doc, problems := props.Parse(path, text, props.Latin1)
	for _, e := range doc.Entries {
		if effective.Secret(e.Key) {
			l.opts.Sources.Hide(e.ValueRange)
		}
	}
	if problems.HasErrors() {
		return nil, problems
	}
	c, more := effective.Read(effective.Params{Doc: doc, Env: l.opts.Env, ReadFile: l.opts.ReadFile})
	problems.Add(more...)
	return c, problems
}
