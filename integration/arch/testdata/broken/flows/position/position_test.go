package position

import (
	_ "github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

var update = false

func dialForATest() { _, _ = kgo.NewClient() }
