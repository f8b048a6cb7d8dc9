package lint

import "github.com/strait-mirror/strait/config/diag"

// clientRules are about the settings of Kafka clients.
func clientRules() []Rule {
	return []Rule{
		{
			ID: diag.CodeNoEffect, Severity: diag.Info, Title: "a setting without effect here",
			Why:  "It tunes a part of MirrorMaker 2 or of a Java client that has no equal here, or that is decided otherwise.",
			Fix:  "Nothing has to be done; remove it if MirrorMaker 2 no longer reads the file.",
			Bad:  Example{Properties: "dc2.producer.linger.ms = 100"},
			Good: Example{Properties: "dc2.producer.max.request.size = 4194304"},
		},
		{
			ID: diag.CodeJavaClass, Severity: diag.Error, Title: "a Java class that cannot be replaced",
			Why:  "No Java runs here. Classes that ship with Kafka have equals, others have none.",
			Fix:  "Use what the fix names, or the attributes and blocks of HCL.",
			Bad:  Example{Properties: "replication.policy.class = com.example.MyPolicy"},
			Good: Example{Properties: "replication.policy.class = org.apache.kafka.connect.mirror.IdentityReplicationPolicy"},
		},
		{
			ID: diag.CodeMemory, Severity: diag.Warning, Title: "larger buffers than the process may use",
			Why:   "buffer_memory is held between fetching and acknowledgement; a limit below it makes the garbage collector run all the time.",
			Fix:   "Lower buffer_memory to half of the limit, or raise GOMEMLIMIT.",
			Bad:   Example{HCL: "# GOMEMLIMIT=1GiB\nflow \"dc1->dc2\" {\n  topics        = [\"orders\"]\n  buffer_memory = \"2GiB\"\n}", Properties: "dc2.producer.buffer.memory = 2147483648"},
			Good:  Example{HCL: "# GOMEMLIMIT=1GiB\nflow \"dc1->dc2\" {\n  topics        = [\"orders\"]\n  buffer_memory = \"512MiB\"\n}", Properties: "dc2.producer.buffer.memory = 536870912"},
			check: checkMemory,
		},
		{
			ID: diag.CodeOutOfRange, Severity: diag.Error, Title: "a number outside its range",
			Why:  "The value is beyond what the setting can mean. What MirrorMaker 2 accepts is replaced by the default with a warning.",
			Fix:  "Write a value in the range that is named.",
			Bad:  Example{HCL: "flow \"dc1->dc2\" {\n  topics             = [\"orders\"]\n  replication_factor = 40000\n}"},
			Good: Example{HCL: "flow \"dc1->dc2\" {\n  topics             = [\"orders\"]\n  replication_factor = 3\n}"},
		},
	}
}
