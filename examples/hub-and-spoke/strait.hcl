# Two edges send what they measure to a hub, and the hub sends prices to both.
# On the hub a topic carries the name of its edge, so nothing mixes: "readings"
# of eu is "eu.readings". Prices arrive on the edges as "hub.prices".
#
#   strait run strait.hcl

cluster "hub" {
  bootstrap_servers = ["hub-1:9092", "hub-2:9092"]
}

cluster "eu" {
  bootstrap_servers = ["edge-eu:9092"]
}

cluster "us" {
  bootstrap_servers = ["edge-us:9092"]
}

# Aggregate.
flow "eu->hub" {
  topics = ["readings", "alarms"]
}

flow "us->hub" {
  topics = ["readings", "alarms"]
}

# Fan out. "prices" is the hub's own: what came from the edges has a prefix and
# does not match.
flow "hub->eu" {
  topics = ["prices"]
}

flow "hub->us" {
  topics = ["prices"]
}
