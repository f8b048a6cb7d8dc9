package lint

import "github.com/strait-mirror/strait/config/diag"

// clientRules are about the settings of Kafka clients.
func clientRules() []Rule {
	return []Rule{
		{
			ID: diag.CodeAcksConflict, Severity: diag.Error, Title: "acks that idempotence rules out",
			Why:  "Java's producers refuse to start with enable.idempotence = true and acks other than all. Strait writes with both as they should be.",
			Fix:  "Remove acks.",
			Bad:  Example{Properties: "dc2.producer.enable.idempotence = true\ndc2.producer.acks = 1"},
			Good: Example{Properties: "dc2.producer.enable.idempotence = true\ndc2.producer.acks = all"},
		},
		{
			ID: diag.CodeWeakAcks, Severity: diag.Warning, Title: "acks that may lose records",
			Why:  "With fewer than all acks a record can be acknowledged and lost with its broker. Strait writes with acks=all; MirrorMaker 2 does what the file says.",
			Fix:  "Remove acks, or write all.",
			Bad:  Example{Properties: "dc2.producer.acks = 1"},
			Good: Example{Properties: "dc2.producer.acks = all"},
		},
		{
			ID: diag.CodeGivesUp, Severity: diag.Warning, Title: "a producer that gives up",
			Why:  "A record that is given up leaves a gap. Strait tries until it is written or refused for good; MirrorMaker 2 does what the file says.",
			Fix:  "Remove delivery.timeout.ms and retries.",
			Bad:  Example{Properties: "dc2.producer.delivery.timeout.ms = 120000"},
			Good: Example{Properties: "dc2.producer.delivery.timeout.ms = 2147483647"},
		},
		online(Rule{
			ID: diag.CodeRequestTooLarge, Severity: diag.Error, Title: "larger requests than the target takes",
			Why:   "A broker closes the connection on a request beyond socket.request.max.bytes, however often it is sent.",
			Fix:   "Lower max_request_size, or raise socket.request.max.bytes.",
			Bad:   Example{HCL: "# socket.request.max.bytes of dc2 is 104857600\nflow \"dc1->dc2\" {\n  topics           = [\"orders\"]\n  max_request_size = \"128MiB\"\n}"},
			Good:  Example{HCL: "# socket.request.max.bytes of dc2 is 104857600\nflow \"dc1->dc2\" {\n  topics           = [\"orders\"]\n  max_request_size = \"16MiB\"\n}"},
			check: checkRequestSize,
		}),
		online(Rule{
			ID: diag.CodeNewCodec, Severity: diag.Error, Title: "a codec the target does not know",
			Why:   "Brokers whose inter.broker.protocol.version is below 2.1 refuse zstd.",
			Fix:   "Raise it, or compress the topics otherwise.",
			Bad:   Example{HCL: "# orders on dc1 has compression.type=zstd; inter.broker.protocol.version of dc2 is 2.0-IV1\nflow \"dc1->dc2\" {\n  topics = [\"orders\"]\n}"},
			Good:  Example{HCL: "# orders on dc1 has compression.type=zstd; inter.broker.protocol.version of dc2 is 3.9-IV0\nflow \"dc1->dc2\" {\n  topics = [\"orders\"]\n}"},
			check: checkCodec,
		}),
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
