package diag

// The stable codes. A code keeps its meaning for ever; a new meaning gets a new
// number. Hundreds group them: 0 text, 1 topology, 2 security, 3 client
// settings, 4 topics.
const (
	CodeSyntax           = "ST001" // the text cannot be parsed
	CodeUnknownKey       = "ST002" // no such attribute, block or property
	CodeMissing          = "ST003" // a required attribute is not set
	CodeUnit             = "ST004" // not a duration or size
	CodeRemovedKey       = "ST005" // a property newer MirrorMaker 2 no longer reads
	CodeDuplicateKey     = "ST006" // the same property twice, the last one wins
	CodeSpaceInFlow      = "ST007" // "A -> B.x": the blank ends the key
	CodeLostBackslash    = "ST008" // "\." in a properties file is "."
	CodeTemplate         = "ST009" // "${1}" is an interpolation in HCL
	CodeUnused           = "ST010" // a cluster no flow uses
	CodeUndefined        = "ST012" // a reference to something not declared
	CodeMissingValue     = "ST013" // an environment variable or file is missing
	CodeIgnoredPrefix    = "ST014" // a property where MirrorMaker 2 does not read it
	CodeBadValue         = "ST015" // wrong type, or not one of the accepted words
	CodeDuplicateName    = "ST016" // two clusters, flows, variables or locals of one name
	CodeUnreadable       = "ST017" // a topology file or directory cannot be read
	CodeTooBig           = "ST018" // beyond the bounds of size or nesting
	CodeWaiver           = "ST019" // a waiver without a rule or a reason
	CodeUnusedWaiver     = "ST020" // a waiver that waives nothing
	CodeNotYet           = "ST021" // a part of the language that this version lacks
	CodeLoop             = "ST101" // two flows that copy each other's copies
	CodeFromEqualsTo     = "ST102" // a flow from a cluster to itself
	CodeSameCluster      = "ST103" // two aliases of one cluster
	CodeOtherCluster     = "ST104" // a cluster with another id than expected
	CodeTwoWriters       = "ST105" // two flows from different sources into one topic
	CodeCopiedTwice      = "ST106" // two flows that copy a topic to the same place
	CodeSeparatorInAlias = "ST107" // an alias contains the policy's separator
	CodeMerge            = "ST109" // topics that get one name on the target
	CodeNoFlow           = "ST110" // no enabled flow
	CodeNestedHeartbeats = "ST111" // heartbeats copied in a circle
	CodeLiteralSecret    = "ST201" // a secret in the file itself
	CodePlainLogin       = "ST202" // SASL without TLS
	CodeHostnameCheckOff = "ST203" // TLS without host name verification
	CodeKeystore         = "ST204" // a certificate or key that cannot be used
	CodeCertificateEnds  = "ST205" // a certificate that has expired or will soon
	CodeJAAS             = "ST206" // sasl.jaas.config cannot be parsed
	CodeMechanism        = "ST207" // SASL mechanism unsupported or not the login module's
	CodeOpenFile         = "ST208" // a secret in a file everybody may read
	CodeProvider         = "ST209" // ${x:...} with an undeclared provider
	CodeRefused          = "ST211" // a login the cluster refuses
	CodeLargerRecords    = "ST305" // the source allows larger records than the target
	CodeNoEffect         = "ST306" // a setting without effect or equivalent here
	CodeJavaClass        = "ST307" // a Java class that cannot be replaced
	CodeMemory           = "ST308" // larger buffers than the process may use
	CodeOutOfRange       = "ST309" // a number outside its range
	CodeUncommitted      = "ST310" // transactional source read uncommitted
	CodeBadRegex         = "ST401" // not a regular expression
	CodeJavaRegex        = "ST402" // a Java regular expression with no equal here
	CodeNoMatch          = "ST403" // a pattern that matches no topic
	CodeInternalTopic    = "ST404" // an internal topic is named in topics
	CodeExcludesLost     = "ST405" // topics_exclude without the defaults
	CodeReplicas         = "ST406" // more replicas than brokers
	CodeInsync           = "ST407" // fewer replicas than min.insync.replicas
	CodeFewerPartitions  = "ST408" // a copy with fewer partitions
	CodeRetention        = "ST409" // a copy with another cleanup policy or retention
	CodeAppendTime       = "ST410" // a copy with LogAppendTime
	CodeTopicName        = "ST412" // a name Kafka refuses
	CodePermission       = "ST413" // a missing permission
)
