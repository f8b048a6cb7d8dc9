// Package rename reaches up and uses Kafka.
package rename

import (
	_ "github.com/twmb/franz-go/pkg/kgo" // want: imports github.com/twmb/franz-go/pkg/kgo, which only flows, integration, cmd/strait/internal/demo may

	_ "github.com/strait-mirror/strait/config/model"
	_ "github.com/strait-mirror/strait/flows/mirror" // want: transforms/rename imports flows/mirror: transforms may import only config
)
