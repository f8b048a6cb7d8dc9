# Orders come in over the web and the app on one cluster, and from a partner on
# another. The warehouse wants all of them in one topic, "orders".
#
#   strait run strait.hcl

cluster "shops" {
  bootstrap_servers = ["kafka.shops:9092"]
}

cluster "partner" {
  bootstrap_servers = ["kafka.partner:9092"]
}

cluster "warehouse" {
  bootstrap_servers = ["kafka.warehouse:9092"]
}

source "shops" {
  cluster = cluster.shops
  topics  = ["orders-web", "orders-app"]
}

source "partner" {
  cluster = cluster.partner
  topics  = ["partner-orders"]
}

transform "rename" "one" {
  inputs = [source.shops, source.partner]
  map = {
    "orders-web"     = "orders"
    "orders-app"     = "orders"
    "partner-orders" = "orders"
  }
  merge = true
}

sink "warehouse" {
  cluster = cluster.warehouse
  inputs  = [transform.one]
}
