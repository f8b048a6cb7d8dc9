package lint

import "github.com/strait-mirror/strait/config/diag"

// textRules are about what is written, whatever it means. The readers find
// them.
func textRules() []Rule {
	return []Rule{
		{
			ID: diag.CodeSyntax, Severity: diag.Error, Title: "the text cannot be parsed",
			Why:  "Nothing is known of a file that is no HCL, or of a properties file with a malformed \\u escape, which Java refuses as a whole.",
			Fix:  "Correct the place that is shown; the mistake may be in the line before it.",
			Bad:  Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\"", Properties: "dc1->dc2.topics = \\u00"},
			Good: Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\"]\n}", Properties: "dc1->dc2.topics = orders\\u002d.*"},
		},
		{
			ID: diag.CodeUnknownKey, Severity: diag.Error, Title: "no such attribute, block or property",
			Why:  "What is misspelt has no effect. MirrorMaker 2 ignores it silently; here it is an error in HCL and a warning in a properties file.",
			Fix:  "Take the name that is suggested, or remove the line.",
			Bad:  Example{HCL: "flow \"dc1->dc2\" {\n  topcs = [\"orders\"]\n}", Properties: "dc1->dc2.topics = orders\nreplication.factr = 3"},
			Good: Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\"]\n}", Properties: "dc1->dc2.topics = orders\nreplication.factor = 3"},
		},
		{
			ID: diag.CodeMissing, Severity: diag.Error, Title: "something required is not set",
			Why:  "A cluster without brokers or a flow without ends cannot run.",
			Fix:  "Add the attribute that is named.",
			Bad:  Example{HCL: "cluster \"dc1\" {\n  client_rack = \"a\"\n}", Properties: "clusters = dc1, dc2, dc3\ndc3->dc1.enabled = true\ndc3->dc1.topics = parts\ndc1->dc2.topics = orders"},
			Good: Example{HCL: "cluster \"dc1\" {\n  bootstrap_servers = [\"dc1:9092\"]\n  client_rack       = \"a\"\n}", Properties: "clusters = dc1, dc2\ndc1.bootstrap.servers = dc1:9092"},
		},
		{
			ID: diag.CodeUnit, Severity: diag.Error, Title: "not a duration or a size",
			Why:  "A bare number says nothing of its unit.",
			Fix:  "Write durations as \"30s\" or \"10m\", sizes as \"512KiB\" or \"8MiB\".",
			Bad:  Example{HCL: "flow \"dc1->dc2\" {\n  topics                  = [\"orders\"]\n  refresh_topics_interval = 30\n}"},
			Good: Example{HCL: "flow \"dc1->dc2\" {\n  topics                  = [\"orders\"]\n  refresh_topics_interval = \"30s\"\n}"},
		},
		{
			ID: diag.CodeRemovedKey, Severity: diag.Warning, Title: "a property MirrorMaker 2 removed",
			Why:  "MirrorMaker 2 ignores topics.blacklist and its like since 4.0. Strait reads them as what replaced them.",
			Fix:  "Rename it: topics.blacklist is topics.exclude.",
			Bad:  Example{Properties: "dc1->dc2.topics = orders.*\ndc1->dc2.topics.blacklist = orders.tmp, mm2.*\\\\.internal, .*\\\\.replica, __.*"},
			Good: Example{Properties: "dc1->dc2.topics = orders.*\ndc1->dc2.topics.exclude = orders.tmp, mm2.*\\\\.internal, .*\\\\.replica, __.*"},
		},
		{
			ID: diag.CodeDuplicateKey, Severity: diag.Error, Title: "set twice",
			Why:  "In a properties file the last line wins and the first has no effect; in HCL it is an error.",
			Fix:  "Remove one of the two.",
			Bad:  Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\"]\n  topics = [\"payments\"]\n}", Properties: "dc1->dc2.topics = orders\ndc1->dc2.topics = payments"},
			Good: Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\", \"payments\"]\n}", Properties: "dc1->dc2.topics = orders, payments"},
		},
		{
			ID: diag.CodeSpaceInFlow, Severity: diag.Warning, Title: "blanks around -> in a key",
			Why:  "A blank ends the key in a properties file: \"A -> B.topics = x\" sets the key A to \"-> B.topics = x\".",
			Fix:  "Write A->B without blanks.",
			Bad:  Example{Properties: "dc1 -> dc2.topics = orders"},
			Good: Example{Properties: "dc1->dc2.topics = orders"},
		},
		{
			ID: diag.CodeLostBackslash, Severity: diag.Warning, Title: "a backslash that gets lost",
			Why:  "A properties file drops a single backslash: \"\\.\" is \".\", which matches every character.",
			Fix:  "Write two: \"\\\\.\".",
			Bad:  Example{Properties: "dc1->dc2.topics = eu\\.orders"},
			Good: Example{Properties: "dc1->dc2.topics = eu\\\\.orders"},
		},
		{
			ID: diag.CodeUnreadable, Severity: diag.Error, Title: "a file or directory of the topology cannot be read",
			Why: "Without it the topology is not what was meant.",
			Fix: "Check the path and its permissions; the name of a file must end in .hcl or .properties.",
		},
		{
			ID: diag.CodeTooBig, Severity: diag.Error, Title: "too large or too deeply nested",
			Why: "A file has at most 16 MiB and is nested at most 250 levels deep, so that no file can exhaust the program.",
			Fix: "Split the file, or use locals.",
		},
		{
			ID: diag.CodeWaiver, Severity: diag.Warning, Title: "a waiver that is not one",
			Why:  "A comment that lets a finding be has to name a rule and a reason: the next reader wants to know why.",
			Fix:  "Write # strait:ignore ST402 and the reason.",
			Bad:  Example{HCL: "# strait:ignore ST404\nflow \"dc1->dc2\" {\n  topics = [\"orders\"]\n}", Properties: "# strait:ignore ST999 because\ndc1->dc2.topics = orders"},
			Good: Example{HCL: "flow \"dc1->dc2\" {\n  # strait:ignore ST401 kept until the new pattern is agreed on\n  topics = [\"orders(\"]\n}"},
		},
		{
			ID: diag.CodeUnusedWaiver, Severity: diag.Warning, Title: "a waiver that waives nothing",
			Why:  "It hides the next finding of its rule, which nobody has looked at.",
			Fix:  "Remove the comment.",
			Bad:  Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\"] # strait:ignore ST402 tested by hand\n}", Properties: "# strait:ignore ST402 tested by hand\ndc1->dc2.topics = orders"},
			Good: Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\"]\n}", Properties: "dc1->dc2.topics = orders"},
		},
		{
			ID: diag.CodeNotYet, Severity: diag.Error, Title: "a part of the language that this version lacks",
			Why:  "Strait is to have it, and refuses it until then, so that nobody believes that it works.",
			Fix:  "Use what the finding names, or wait for a version that has it.",
			Bad:  Example{HCL: "flow \"dc1->dc2\" {\n  topics = [\"orders\"]\n  transform \"route\" \"by-key\" {\n  }\n}"},
			Good: Example{HCL: "# quota on dc2: producer_byte_rate=83886080\nflow \"dc1->dc2\" {\n  topics = [\"orders\"]\n}"},
		},
	}
}
