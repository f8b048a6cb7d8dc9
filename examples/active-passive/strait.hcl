# A standby cluster with unchanged topic names. After a failover start with
# --var failed_over=true: the flow then runs the other way.

variable "failed_over" {
  type        = bool
  default     = false
  description = "Whether dc2 serves the clients."
}

locals {
  topics = ["orders.*", "payments"]
}

cluster "dc1" {
  bootstrap_servers = ["broker-1.dc1:9093", "broker-2.dc1:9093"]
  tls {
    ca_file = "dc1-ca.pem"
  }
  sasl "scram-sha-512" {
    username = "strait"
    password = env("DC1_PASSWORD")
  }
}

cluster "dc2" {
  bootstrap_servers = ["broker-1.dc2:9092"]
}

flow "dc1->dc2" {
  enabled                 = !var.failed_over
  replication_policy      = "identity"
  topics                  = local.topics
  topics_exclude          = [".*\\.tmp"]
  replication_factor      = 3
  refresh_topics_interval = "30s"
}

flow "dc2->dc1" {
  enabled            = var.failed_over
  replication_policy = "identity"
  topics             = local.topics
  replication_factor = 3
}
