// Package position imports a sibling, dials, and uses the fake cluster.
package position

import (
	_ "github.com/twmb/franz-go/pkg/kfake" // want: imports github.com/twmb/franz-go/pkg/kfake, which only flows_test, flows/flowtest, pipeline_test, integration, cmd/strait/internal/demo may
	client "github.com/twmb/franz-go/pkg/kgo"

	_ "github.com/strait-mirror/strait/flows/cluster"
	_ "github.com/strait-mirror/strait/flows/internal/batch"
	_ "github.com/strait-mirror/strait/flows/topicsync" // want: flows/position imports flows/topicsync: packages of flows are kept apart
)

func dial() { _, _ = client.NewClient() } // want: uses github.com/twmb/franz-go/pkg/kgo.NewClient, which only flows/cluster, integration, cmd/strait/internal/demo may
