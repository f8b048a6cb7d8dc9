// Package grant owns which permissions a flow needs, on which topics, for which
// feature and why, and how an administrator grants them with kafka-acls. It is
// pure: what a cluster grants is asked elsewhere. What flows say when a
// permission is missing is written here too.
//
// What a new feature needs is declared in one place, the table of [needs]: a line
// for each operation, with the [Feature], a condition that says which flows have
// it, a [place] that says which cluster has to grant it and on what, and why it
// is wanted, in words for an administrator. The command acls, its --online and
// what flows say follow. integration/examples holds the table to what brokers
// with an authorizer are asked for: a permission that is missing is denied there,
// and one that no run has used is superfluous. An example has to use the feature,
// so its settings and the case's topics are part of the change.
package grant

import (
	"fmt"
	"slices"
	"strings"
)

// Operation is what an ACL allows, in the protocol's spelling.
type Operation string

// The operations that flows need.
const (
	Read            Operation = "READ"
	Write           Operation = "WRITE"
	Create          Operation = "CREATE"
	Alter           Operation = "ALTER"
	Delete          Operation = "DELETE"
	Describe        Operation = "DESCRIBE"
	AlterConfigs    Operation = "ALTER_CONFIGS"
	DescribeConfigs Operation = "DESCRIBE_CONFIGS"
)

// Java is the operation as kafka-acls spells it: DescribeConfigs.
func (o Operation) Java() string {
	var b strings.Builder
	for word := range strings.SplitSeq(strings.ToLower(string(o)), "_") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

// Includes reports whether who may do o may also do other, as Kafka's
// authorizers have it (AclEntry: DESCRIBE and DESCRIBE_CONFIGS are implied).
func (o Operation) Includes(other Operation) bool {
	switch other {
	case o:
		return true
	case Describe:
		return o == Read || o == Write || o == Alter || o == Delete || o == "ALL"
	case DescribeConfigs:
		return o == AlterConfigs || o == "ALL"
	default:
		return o == "ALL"
	}
}

// Kind is the type of a resource, in the protocol's spelling.
type Kind string

// The kinds of resources that flows use.
const (
	Topics           Kind = "topic"
	Groups           Kind = "group"
	Cluster          Kind = "cluster"
	TransactionalIDs Kind = "transactional_id"
)

// On is what an ACL is on: resources of one kind.
type On struct {
	Kind     Kind
	Name     string // "*" stands for all, unless Prefixed
	Prefixed bool   // all whose names begin with Name
}

// Topic is the topic called name.
func Topic(name string) On { return On{Kind: Topics, Name: name} }

// Group is the consumer group called name.
func Group(name string) On { return On{Kind: Groups, Name: name} }

// Transactions is all transactional ids that begin with name.
func Transactions(name string) On { return On{Kind: TransactionalIDs, Name: name, Prefixed: true} }

// Itself is the cluster, by the name that Kafka has for it.
func Itself() On { return On{Kind: Cluster, Name: "kafka-cluster"} }

// Prefix is all topics whose names begin with name.
func Prefix(name string) On { return On{Kind: Topics, Name: name, Prefixed: true} }

// All is every topic.
func All() On { return Topic("*") }

// Include reports whether all of other are among o.
func (o On) Include(other On) bool {
	everything := o.Name == "*" && !o.Prefixed
	switch {
	case o.Kind != other.Kind:
		return false
	case o == other || everything:
		return true
	case other.Name == "*" && !other.Prefixed:
		return false
	}
	return o.Prefixed && strings.HasPrefix(other.Name, o.Name)
}

// Grant is one ACL that allows something.
type Grant struct {
	Operation Operation
	On        On
}

// Includes reports whether g is enough where other is wanted.
func (g Grant) Includes(other Grant) bool {
	return g.Operation.Includes(other.Operation) && g.On.Include(other.On)
}

// Command returns the command line that grants a principal operations.
func Command(server, principal string, operations []Operation, on On) string {
	var b strings.Builder
	fmt.Fprintf(&b, "kafka-acls.sh --bootstrap-server %s --add --allow-principal %s", quote(server, ""), quote(principal, "'"))
	for _, o := range operations {
		b.WriteString(" --operation " + o.Java())
	}
	b.WriteString(" --" + strings.ReplaceAll(string(on.Kind), "_", "-"))
	if on.Kind != Cluster {
		b.WriteString(" " + quote(on.Name, ""))
	}
	if on.Prefixed {
		b.WriteString(" --resource-pattern-type prefixed")
	}
	return b.String()
}

// quote writes a word for a shell. always is the quote to use where none is
// needed.
func quote(word, always string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:/,[]@%+="
	strange := strings.ContainsFunc(word, func(r rune) bool { return !strings.ContainsRune(plain, r) })
	if word != "" && !strange {
		return always + word + always
	}
	word = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' ' // nothing that runs a second command
		}
		return r
	}, word)
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// least drops the entries that others include, and joins equal ones.
func least(all []Entry) []Entry {
	var out []Entry
	for _, e := range all {
		i := slices.IndexFunc(out, func(o Entry) bool { return o.Grant == e.Grant })
		if i < 0 {
			out = append(out, e)
			continue
		}
		for _, n := range e.Needs {
			if !slices.Contains(out[i].Needs, n) {
				out[i].Needs = append(out[i].Needs, n)
			}
		}
	}
	kept := out[:0:0]
	for i, e := range out {
		covered := slices.IndexFunc(out, func(o Entry) bool { return o.Grant != e.Grant && o.Includes(e.Grant) })
		if covered < 0 {
			kept = append(kept, out[i])
		}
	}
	return kept
}
