// Package model breaks the arrows.
package model

import (
	_ "github.com/spf13/cobra" // want: imports github.com/spf13/cobra, which only cmd/strait may

	_ "github.com/strait-mirror/strait/config/diag"
	_ "github.com/strait-mirror/strait/pipeline/graph" // want: config/model imports pipeline/graph: config may import no other room
)
