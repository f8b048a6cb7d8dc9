# One cluster is stretched over three zones; its brokers have broker.rack set and
# replica.selector.class = org.apache.kafka.common.replica.RackAwareReplicaSelector.
# A second cluster stands beside it, in zone a. Strait runs in zone a and fetches
# from the replicas there, so that no record crosses zones on its way.
#
#   BESIDE_BROKERS=b1:9092,b2:9092 strait run strait.hcl

cluster "stretch" {
  bootstrap_servers = ["a.stretch:9092", "b.stretch:9092", "c.stretch:9092"]
  client_rack       = "zone-a"
}

cluster "beside" {
  bootstrap_servers = split(",", env("BESIDE_BROKERS"))
}

flow "stretch->beside" {
  replication_policy = "identity"
  topics             = [".*"]
}
