// Package mirror joins the others, which it may.
package mirror

import (
	_ "github.com/strait-mirror/strait/flows/position"
	_ "github.com/strait-mirror/strait/flows/topicsync"
)
