# Two plants run the same software, so that their topics have the same names, and
# headquarters has one topic of both: "measurements" of berlin and of paris end in
# "measurements", as with a MirrorMaker 1 for each plant.
#
#   strait run strait.hcl

cluster "berlin" {
  bootstrap_servers = ["kafka.berlin:9092"]
}

cluster "paris" {
  bootstrap_servers = ["kafka.paris:9092"]
}

cluster "headquarters" {
  bootstrap_servers = ["kafka-1.hq:9092", "kafka-2.hq:9092"]
}

flow "berlin->headquarters" {
  replication_policy = "identity"
  topics             = ["measurements", "faults"]
}

flow "paris->headquarters" {
  replication_policy = "identity"
  # strait:ignore ST105 one topic of both plants is what is wanted
  topics = ["measurements", "faults"]
}
