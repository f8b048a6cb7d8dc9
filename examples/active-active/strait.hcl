# Two clusters that mirror each other. Each keeps its own topics and gets the
# other's under the other's name: "orders" of west is "west.orders" on east, so
# nothing is ever copied back.
#
#   WEST_BROKERS=w1:9092,w2:9092 EAST_BROKERS=e1:9092 strait run strait.hcl

cluster "west" {
  bootstrap_servers = split(",", env("WEST_BROKERS"))
}

cluster "east" {
  bootstrap_servers = split(",", env("EAST_BROKERS"))
}

flow "west->east" {
  topics         = [".*"]
  topics_exclude = ["east\\..*"]
}

flow "east->west" {
  topics         = [".*"]
  topics_exclude = ["west\\..*"]
}
