package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/strait-mirror/strait/config/client"
)

// clientPage lists the settings of Kafka's Java clients and what becomes of
// each.
func clientPage() string {
	var w strings.Builder
	w.WriteString("# Client settings\n\nWhat becomes of the settings of Kafka's Java clients, in an `mm2.properties` and in " +
		"[`properties = {}`](hcl.md#properties) of HCL. A key that ends in a dot stands for all that begin with it. " +
		"A setting of *every client* may be written for the whole cluster (`A.KEY`), all others are for one of its clients " +
		"(`A.consumer.KEY`).\n")
	for _, part := range []struct{ title, text string }{
		{"Connections", "how brokers are reached"},
		{"TLS", "whom to trust, and who one is"},
		{"Login", "SASL and its mechanisms"},
		{"Consumers", "what reads records"},
		{"Producers", "what writes records"},
		{"Other", "what surrounds a Java client"},
	} {
		fmt.Fprintf(&w, "\n## %s\n\nSettings of %s.\n\n| key | of | becomes | |\n|---|---|---|---|\n", part.title, part.text)
		for _, row := range client.Rows() {
			if sectionOf(row) == part.title {
				fmt.Fprintf(&w, "| `%s` | %s | %s | %s |\n", row.Key, ownerOf(row), row.Handling, cell(about(row)))
			}
		}
	}
	return w.String()
}

// sectionOf is the heading that a row stands under.
func sectionOf(r client.Row) string {
	switch {
	case strings.HasPrefix(r.Key, "ssl."):
		return "TLS"
	case strings.HasPrefix(r.Key, "sasl."):
		return "Login"
	case r.Roles == client.Consumer:
		return "Consumers"
	case r.Roles == client.Producer, r.Key == "retries":
		return "Producers"
	case r.OfConnection(), r.Key == "metadata.recovery.rebootstrap.trigger.ms", r.Key == "bootstrap.controllers":
		return "Connections"
	}
	return "Other"
}

func ownerOf(r client.Row) string {
	if r.Common {
		return "every client"
	}
	return r.Roles.String()
}

// about is what there is to know of a row, as a sentence.
func about(r client.Row) string {
	text := r.Doc
	if quiet := r.Quiet(); len(quiet) > 0 && r.Handling != client.Equal {
		text += "; nothing is said of `" + strings.Join(quiet, "`, `") + "`"
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	if words := r.Words(); len(words) > 0 && slices.Max(words) != "" && len(words) < 5 {
		text += " Values: `" + strings.Join(words, "`, `") + "`."
	}
	return text
}
