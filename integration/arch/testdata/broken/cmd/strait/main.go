// Command strait may import every room but the tests.
package main

import (
	_ "github.com/strait-mirror/strait/integration/arch" // want: cmd/strait imports integration/arch: cmd may import only pipeline, flows, transforms, config, examples
	_ "github.com/strait-mirror/strait/pipeline/graph"
)

func main() {}
