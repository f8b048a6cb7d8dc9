# From brokers of our own, which speak TLS and SCRAM, to a managed cluster, which
# has a public certificate and wants an API key. Topics keep their names and
# start at their first record, so that clients only change the address.
#
#   SELF_PASSWORD=... API_KEY=... API_SECRET=... strait run strait.hcl

cluster "self" {
  bootstrap_servers = ["kafka-1.example:9093", "kafka-2.example:9093"]
  tls {
    ca_file = "ca.pem"
  }
  sasl "scram-sha-512" {
    username = "migration"
    password = env("SELF_PASSWORD")
  }
}

cluster "managed" {
  bootstrap_servers = ["cluster.managed.example:9092"]
  tls {}
  sasl "plain" {
    username = env("API_KEY")
    password = env("API_SECRET")
  }
}

flow "self->managed" {
  replication_policy = "identity"
  topics             = [".*"]
  topics_exclude     = ["connect-.*"]
  replication_factor = 3
  # The service decides these itself and refuses them.
  config_properties_exclude = [
    "follower\\.replication\\.throttled\\.replicas",
    "leader\\.replication\\.throttled\\.replicas",
    "message\\.timestamp\\.difference\\.max\\.ms",
    "message\\.timestamp\\.type",
    "unclean\\.leader\\.election\\.enable",
    "min\\.insync\\.replicas",
    "segment\\..*",
  ]
}
