package mm2

import (
	"slices"

	"github.com/strait-mirror/strait/config/client"
	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/field"
	"github.com/strait-mirror/strait/config/legacy/mm2/effective"
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/config/props"
)

// Client is the properties file of one Java client, read as Kafka reads it:
// keys without a prefix, variables of config providers replaced. MirrorMaker 1
// is started with two of them.
type Client struct {
	r      *reader
	broken bool // the text cannot be parsed
}

// Setting is what a client's file says of a key.
type Setting struct {
	Key       string
	Text      string
	Sensitive bool // never quoted
	At        diag.Range
}

// OpenClient parses the file of a Java client. It never returns nil.
func OpenClient(p Params) *Client {
	if p.Sources == nil {
		p.Sources = &diag.Sources{}
	}
	p.Sources.Add(p.File, p.Text)
	doc, problems := props.Parse(p.File, p.Text, props.Latin1)
	r := newReader(p, doc, problems)
	keys, wrong := effective.Plain(effective.Params{Doc: doc, Env: p.Env, ReadFile: p.ReadFile})
	for _, d := range wrong {
		r.add(r.excused(d))
	}
	r.twice = keys
	r.markProviders(keys)
	return &Client{r: r, broken: problems.HasErrors()}
}

// Problems returns everything that was found wrong so far.
func (c *Client) Problems() diag.List { return c.r.problems }

// Lookup returns what the file says of a key, which counts as known from then
// on.
func (c *Client) Lookup(key string) (Setting, bool) {
	v, ok := c.r.lookup(key)
	return Setting{Key: key, Text: v.text, Sensitive: v.sensitive, At: v.at}, ok && !v.missing
}

// Set stores what the file says of the key of d, if anything, and notes where in
// places.
func (c *Client) Set(d field.Def, places model.Places) {
	if v, ok := c.r.lookup(d.Key); ok && d.Key != "" {
		c.r.set(d, v, places)
	}
}

// Cluster returns the connection that the file describes; alias is what the
// cluster is called.
func (c *Client) Cluster(alias string) *model.Cluster {
	cl := model.NewCluster(field.Properties)
	cl.Alias, cl.Range, cl.Ranges = alias, diag.Range{File: c.r.p.File}, model.Places{}
	keys := map[string]client.Value{}
	for _, e := range c.r.doc.Effective() {
		if row, ok := c.r.table.Find(e.Key, client.Any); ok && row.OfConnection() {
			v, _ := c.r.lookup(e.Key)
			keys[e.Key] = clientValue(v)
		}
	}
	_, problems := client.Read(client.Params{
		Role: client.Any, Keys: keys, Alias: alias, Form: field.Properties, Cluster: cl,
		ReadFile: c.r.p.ReadFile, AllowMissing: c.r.p.AllowMissing, Unchecked: c.r.p.Unchecked,
	})
	for _, d := range problems {
		c.r.once(d)
	}
	c.servers(cl)
	return cl
}

// servers checks the brokers, without which there is no client.
func (c *Client) servers(cl *model.Cluster) {
	const key = "bootstrap.servers"
	at, written := cl.Ranges["bootstrap_servers"]
	if !written || len(cl.BootstrapServers) == 0 {
		if _, tried := c.r.doc.Get(key); !tried || written {
			c.r.once(diag.Errorf(diag.CodeMissing, diag.Range{File: c.r.p.File}, "%s is not set", key).WithFix("write %s = host:9092", key))
		}
		return
	}
	cl.Range = at
}

// ReportUnused says of every key that was not looked up what Strait makes of it;
// others are names that exist, too.
func (c *Client) ReportUnused(others []string) {
	if c.broken {
		return
	}
	for _, e := range c.r.doc.Effective() {
		if !c.r.used[e.Key] && !c.r.known(e, e.Key) {
			c.r.unknown(e, "", e.Key, slices.Concat(others, c.r.clientNames()))
		}
	}
}
