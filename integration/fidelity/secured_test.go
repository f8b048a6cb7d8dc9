package fidelity_test

import (
	"testing"

	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/integration/compare"
	"github.com/strait-mirror/strait/integration/kafka"
	"github.com/strait-mirror/strait/integration/shapes"
)

// TestSecuredAndOld mirrors every shape both ways between the oldest and the
// newest Kafka: one wants TLS and a password, the other a certificate.
func TestSecuredAndOld(t *testing.T) {
	ctx := bounded(t)
	options := map[string]kafka.Options{
		"old": {Version: kafka.Version39, TLS: true, SASL: kafka.ScramSHA512, Users: map[string]string{"ann": `a "quoted" \ word`}},
		"new": {MTLS: true},
	}
	clusters := map[string]*kafka.Cluster{}
	for name, o := range options {
		clusters[name] = kafka.Start(t, o)
	}
	var names []string
	for _, s := range shapes.All() {
		names = append(names, s.Name)
	}
	c := &model.Config{}
	for name, cluster := range clusters {
		writeShapes(ctx, t, cluster, shapes.All())
		c.Clusters = append(c.Clusters, alias(name, cluster, options[name]))
	}
	ways := [][2]string{{"old", "new"}, {"new", "old"}}
	for _, way := range ways {
		c.Flows = append(c.Flows, flow(way[0], way[1], names, nil))
	}
	once(ctx, t, c)
	for _, way := range ways {
		from, to := clusters[way[0]], clusters[way[1]]
		for _, name := range names {
			t.Run(way[0]+" to "+way[1]+"/"+name, func(t *testing.T) {
				identical(t, read(ctx, t, from, name, true), read(ctx, t, to, way[0]+"."+name, false), compare.Options{})
			})
		}
		anchoredAtEnds(ctx, t, pair{from, to}, way[0], true, names...)
	}
}
