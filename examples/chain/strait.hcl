# Records travel from the factory over the region to the head office, which
# cannot reach the factory itself. Every hop puts its name in front: "orders" of
# the factory is "factory.orders" in the region and "region.factory.orders" in
# the head office.
#
#   strait run strait.hcl

cluster "factory" {
  bootstrap_servers = ["factory:9092"]
}

cluster "region" {
  bootstrap_servers = ["region-1:9092", "region-2:9092"]
}

cluster "office" {
  bootstrap_servers = ["office:9092"]
}

flow "factory->region" {
  topics = ["orders", "stock"]
}

# Only what came from the factory goes on.
flow "region->office" {
  topics = ["factory\\..*"]
}
