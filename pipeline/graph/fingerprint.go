package graph

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unique"

	"github.com/strait-mirror/strait/config/diag"
	"github.com/strait-mirror/strait/config/model"
)

// Fingerprint stands for everything that was written about a part of a
// topology but for secrets, and for defaults as if they had been written. It
// does not depend on places in files or the order of keys, and is the same in
// every process, so that it may be printed, stored and sent.
type Fingerprint [16]byte

// String is the fingerprint in hexadecimal.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// MarshalText is String.
func (f Fingerprint) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// Key seals the secrets of the graphs that one process compares.
type Key [sha256.Size]byte

// NewKey returns a random key.
func NewKey() Key {
	var k Key
	_, _ = rand.Read(k[:]) // never fails (crypto/rand)
	return k
}

// Identity says whether a part of a topology is still what it was.
type Identity struct {
	Fingerprint Fingerprint

	// seal covers the secrets too. It is behind a handle for the reason that
	// model.Secret is: every verb of fmt prints an address.
	seal unique.Handle[[sha256.Size]byte]
}

// Same reports whether two parts are equal, secrets included. Parts of graphs
// under different keys are not.
func (i Identity) Same(o Identity) bool { return i.Fingerprint == o.Fingerprint && i.seal == o.seal }

// Identify returns the identity of values, all of which are of the model.
func (k Key) Identify(values ...any) Identity { return k.identify(values...) }

// Selection stands for which partitions of its source a flow takes, and where
// they go: processes that share a flow must agree on that, and on no more.
func Selection(f *model.Flow) Fingerprint {
	return Key{}.identify(part{f, []string{
		"Name", "From", "To", "Topics", "TopicsExclude", "ReplicationPolicy", "ReplicationPolicySeparator",
		"LoopGuard", "IsolationLevel", "OwnsOffsets", "Stages",
	}}, f.Delivery == model.Transactional).Fingerprint // transactions are shared out by their ids
}

// Surroundings stands for what each flow takes from those around it: which of them
// have the positions of its topics, and whether one leads the way back.
func Surroundings(cfg *model.Config) map[*model.Flow]Fingerprint {
	type pair struct{ from, to string }
	before := map[pair]Fingerprint{} // of the rivals so far
	all := make(map[*model.Flow]Fingerprint, len(cfg.Flows))
	for _, f := range cfg.Flows {
		at := pair{f.From, f.To}
		rivals := before[at]
		if model.Rivals(f, f) {
			before[at] = Key{}.identify(rivals[:], f.Name, Selection(f)).Fingerprint
		} else {
			rivals = Fingerprint{}
		}
		all[f] = Key{}.identify(rivals[:], cfg.Returns(f)).Fingerprint
	}
	return all
}

// ChangesLive reports whether a flow of a topology can become one of another while
// it runs, where it differs in live properties alone. Flows that keep positions in
// one place cannot take other topics so: one would have to leave a topic before
// another begins with it.
func ChangesLive(before, after *model.Config, was, is *model.Flow) bool {
	if !was.ChangesLive() || !is.ChangesLive() {
		return false
	}
	shares := func(cfg *model.Config, f *model.Flow) bool {
		return slices.ContainsFunc(cfg.Flows, func(o *model.Flow) bool { return o != f && model.Rivals(o, f) })
	}
	return Selection(was) == Selection(is) || !shares(before, was) && !shares(after, is)
}

// identify returns the identity of values, all of which are of the model.
func (k Key) identify(values ...any) Identity {
	var open canon
	for _, v := range values {
		open.value(reflect.ValueOf(v))
	}
	sealed := &open
	if open.hides { // else both are equal
		sealed = &canon{secrets: true}
		for _, v := range values {
			sealed.value(reflect.ValueOf(v))
		}
	}
	sum := sha256.Sum256(open.Bytes())
	mac := hmac.New(sha256.New, k[:])
	mac.Write(sealed.Bytes())
	id := Identity{seal: unique.Make([sha256.Size]byte(mac.Sum(nil)))}
	copy(id.Fingerprint[:], sum[:])
	return id
}

// part is the named fields of a struct.
type part struct {
	of    any // pointer to a struct
	names []string
}

// canon writes values in one canonical way: fields by name, maps by key,
// without places, and without what is zero, so that a new field changes nothing
// for those who do not use it.
type canon struct {
	bytes.Buffer
	secrets bool // write them too
	hides   bool // there was something that is only written with secrets
}

func (c *canon) text(s string) { c.Write(strconv.AppendQuote(c.AvailableBuffer(), s)) }

func (c *canon) value(v reflect.Value) {
	if !v.IsValid() || c.known(v.Interface()) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		c.value(v.Elem())
	case reflect.Struct:
		c.fields(v, func(string) bool { return true })
	case reflect.Slice, reflect.Array:
		c.WriteByte('[')
		for i := range v.Len() {
			c.value(v.Index(i))
			c.WriteByte(',')
		}
		c.WriteByte(']')
	case reflect.Map:
		c.mapping(v)
	default:
		c.scalar(v)
	}
}

// known writes what has a form of its own, and reports whether v has.
func (c *canon) known(v any) bool {
	switch x := v.(type) {
	case diag.Range, model.Places:
	case Identity:
		c.hides = true
		c.text(x.Fingerprint.String())
		if c.secrets && x != (Identity{}) {
			seal := x.seal.Value()
			c.text(string(seal[:]))
		}
	case model.Secret:
		c.hides = true
		c.text("secret")
		if c.secrets {
			c.text(x.Reveal())
		}
	case model.Property:
		c.hides = c.hides || x.Sensitive
		c.text("property")
		if c.secrets || !x.Sensitive {
			c.text(x.Value.Reveal())
		}
	case part:
		c.fields(reflect.ValueOf(x.of).Elem(), func(name string) bool { return slices.Contains(x.names, name) })
	default:
		return false
	}
	return true
}

// scalar writes what the model has of numbers and texts; it has no functions.
func (c *canon) scalar(v reflect.Value) {
	switch {
	case v.Kind() == reflect.String:
		c.text(v.String())
	case v.Kind() == reflect.Bool:
		c.WriteString(strconv.FormatBool(v.Bool()))
	case v.CanInt():
		c.WriteString(strconv.FormatInt(v.Int(), 10))
	case v.CanUint():
		c.WriteString(strconv.FormatUint(v.Uint(), 10))
	case v.CanFloat():
		c.WriteString(strconv.FormatFloat(v.Float(), 'g', -1, 64))
	}
}

func (c *canon) fields(v reflect.Value, want func(name string) bool) {
	t := v.Type()
	type member struct {
		name string
		at   int
	}
	members := make([]member, 0, t.NumField())
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && !blank(v.Field(i)) && want(f.Name) {
			members = append(members, member{f.Name, i})
		}
	}
	slices.SortFunc(members, func(a, b member) int { return strings.Compare(a.name, b.name) })
	c.WriteByte('{')
	for _, m := range members {
		before := c.Len()
		c.text(m.name)
		c.WriteByte('=')
		at := c.Len()
		if c.value(v.Field(m.at)); c.Len() == at { // a place
			c.Truncate(before)
		}
	}
	c.WriteByte('}')
}

// blank reports whether a field says nothing.
func blank(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	default:
		return v.IsZero()
	}
}

func (c *canon) mapping(v reflect.Value) {
	entries := map[string]reflect.Value{}
	var keys []string
	for it := v.MapRange(); it.Next(); {
		key := canon{secrets: c.secrets}
		key.value(it.Key())
		c.hides = c.hides || key.hides
		keys = append(keys, key.String())
		entries[key.String()] = it.Value()
	}
	slices.Sort(keys)
	c.WriteByte('{')
	for _, key := range keys {
		c.WriteString(key)
		c.WriteByte('=')
		c.value(entries[key])
		c.WriteByte(',')
	}
	c.WriteByte('}')
}
