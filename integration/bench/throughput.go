package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"
)

// Times of the throughput measurements.
const (
	lookEvery = 10 * time.Millisecond // at the target's ends
	runLimit  = 20 * time.Minute      // of one run of one program
)

// work is one throughput measurement: a data set, how it is mirrored, and what
// is asked of the result.
type work struct {
	title     string
	data      shape
	far       bool
	relay     bool
	cpuGoal   float64 // MirrorMaker 2's processor time to Strait's, at least
	speedGoal float64 // Strait's throughput to MirrorMaker 2's, at least
	relayGoal float64 // Strait's processor time to the relay's, at most; 0: none
}

func large() work {
	return work{
		title:   "Large batches",
		data:    shape{prefix: "large", topics: 1, partitions: 6, records: 436 * 1146, perBatch: 436, least: 512, most: 512, codec: "lz4"},
		relay:   true,
		cpuGoal: 25, speedGoal: 4, relayGoal: 3,
	}
}

func small() work {
	return work{
		title:   "Small records",
		data:    shape{prefix: "small", topics: 1, partitions: 3, records: 666_900, perBatch: 150, least: 100, most: 100},
		relay:   true,
		cpuGoal: 60, speedGoal: 4,
	}
}

func single() work {
	return work{
		title:   "One record per batch",
		data:    shape{prefix: "single", topics: 1, partitions: 6, records: 33_000, perBatch: 1, least: 100, most: 1000},
		relay:   true,
		cpuGoal: 4, speedGoal: 1,
	}
}

func singleFar() work {
	w := single()
	w.title, w.far, w.relay = "One record per batch, far away", true, false
	return w
}

// turn is one paired run.
type turn struct {
	strait  *sample
	mm2     *sample // nil when it was left out
	relay   *sample // nil when there is none
	startUp time.Duration
}

// throughput measures one piece of work.
func (b *bench) throughput(ctx context.Context, w work) (*page, error) {
	data, err := b.fill(ctx, w.data.scaled(b.s.scale))
	if err != nil {
		return nil, err
	}
	turns, err := b.turns(ctx, w, data)
	if err != nil {
		return nil, err
	}
	return throughputPage(w, data, b.s, turns), nil
}

// turns mirrors one data set with all programs in turns.
func (b *bench) turns(ctx context.Context, w work, data set) ([]turn, error) {
	startUp, err := b.startUp(ctx)
	if err != nil {
		return nil, err
	}
	var turns []turn
	for i := range b.s.runs {
		t := turn{startUp: startUp}
		for _, c := range b.contenders() {
			s, err := b.mirrorOnce(ctx, c, data, w.far)
			if err != nil {
				return nil, fmt.Errorf("run %d of %s: %w", i+1, c.name, err)
			}
			b.log.Info("run ended", "run", i+1, "program", c.name, "cpu", s.cpu, "wall", s.wall, "copied", s.copied, "rss", s.rss)
			if c.name == nameStrait {
				t.strait = s
			} else {
				t.mm2 = s
			}
		}
		if w.relay {
			if t.relay, err = b.runRelay(ctx, data.wire); err != nil {
				return nil, fmt.Errorf("run %d of the relay: %w", i+1, err)
			}
			b.log.Info("run ended", "run", i+1, "program", "relay", "cpu", t.relay.cpu, "copied", t.relay.copied)
		}
		turns = append(turns, t)
	}
	return turns, nil
}

// mirrorOnce runs one program over one data set and removes the copy.
func (b *bench) mirrorOnce(ctx context.Context, c contender, data set, far bool) (*sample, error) {
	t := b.lab.topology(data.pattern(), far)
	o := b.observe(t, data.shape)
	w, err := b.launch(ctx, c, t, true)
	if err != nil {
		return nil, err
	}
	defer w.finish() //nolint:errcheck // on the way to an error; without one it has been waited for
	a, err := o.await(ctx, w, data.total(), lookEvery)
	if err != nil {
		return nil, fmt.Errorf("mirroring with %s: %w", c.name, err)
	}
	s := &sample{copied: a.copied()}
	if c.ends {
		err = w.wait(ctx)
	}
	if err != nil {
		return nil, err
	}
	if err := s.take(w); err != nil {
		return nil, err
	}
	if err := w.finish(); err != nil {
		return nil, err
	}
	sum, err := o.sum(ctx)
	if err != nil {
		return nil, err
	}
	s.extra = sum - data.total()
	return s, b.lab.clean(ctx)
}

// startUps is how often MirrorMaker 2's start is measured.
const startUpRuns = 3

// startUp returns the processor time that MirrorMaker 2 takes to start: until
// the only record of a topic is at the target. It is the median of some starts
// and measured once.
func (b *bench) startUp(ctx context.Context) (time.Duration, error) {
	if !b.s.mm2 {
		return 0, nil
	}
	for len(b.startUps) < min(startUpRuns, b.s.runs) {
		f, err := b.firstOnce(ctx, b.contenders()[1])
		if err != nil {
			return 0, fmt.Errorf("measuring the start-up of %s: %w", nameMM2, err)
		}
		b.startUps = append(b.startUps, f.cpu)
	}
	all := slices.Sorted(slices.Values(b.startUps))
	return all[len(all)/2], nil
}

// gb is the unit of "per GB" and a thousand "MB".
const gb = 1e9

// perGB is processor time per GB of the data set on the wire.
func perGB(cpu time.Duration, bytes int64) float64 { return cpu.Seconds() / (float64(bytes) / gb) }

// mbps is throughput in MB/s on the wire.
func mbps(bytes int64, in time.Duration) float64 {
	return float64(bytes) / 1e6 / max(in.Seconds(), 1e-3)
}

// throughputPage writes what was measured.
func throughputPage(w work, data set, s settings, turns []turn) *page {
	p := &page{title: w.title}
	p.say("%s records with values of %s bytes in %s batches of %s (%s on the wire on average%s), %d partitions; %s on the wire, %s of uncompressed records. Seed %d.",
		count(data.total()), span(data.least, data.most), count(data.batches), plural(data.perBatch, "record"),
		bytesText(data.wire/max(1, data.batches)), codecText(data), data.partitions, bytesText(data.wire), bytesText(data.plain), s.seed)
	if w.far {
		p.say("Connections to %s went through a proxy process that delivers every byte %v later in each direction; its processor time is nobody's below. It does not simulate what a long path does to TCP windows.", farText(s.far), s.oneWay)
	}
	p.say("Processor time is user and system time of the whole process. Strait is `strait run --once`, from its start to its exit. MirrorMaker 2 is measured from its start until the target holds every record, and once more without its start-up (%.2f s, the median of %d starts until a first record arrived), which is the base of the stricter verdict. The relay carries as many bytes as the batches have on the wire. \"Per GB\" is per 10^9 bytes of batches on the wire at the source, the same number for all; throughput counts the same bytes, from the last look that found the target empty to the first that found everything (looks every %v), and, under \"whole\", from the start of the process.",
		turns[0].startUp.Seconds(), startUpRuns, lookEvery)
	p.say("Every run of both mirrors ended with all %s records at the target.", count(data.total()))
	runs := table{head: []string{"run", "program", "CPU s", "CPU s/GB", "CPU s/GB uncompressed", "MB/s", "MB/s whole", "peak RSS MiB", "records twice"}}
	var relay, cpu, cpuWhole, speed, speedWhole, rss []float64
	for i, t := range turns {
		for _, e := range []struct {
			name string
			s    *sample
			less time.Duration
		}{{nameStrait, t.strait, 0}, {nameMM2, t.mm2, 0}, {nameMM2 + " without start-up", t.mm2, t.startUp}, {"relay", t.relay, 0}} {
			if e.s == nil {
				continue
			}
			used := e.s.cpu - e.less
			runs.add(i+1, e.name, number(used.Seconds()), number(perGB(used, data.wire)), number(perGB(used, data.plain)),
				number(mbps(data.wire, e.s.copied)), number(mbps(data.wire, e.s.wall)), number(mib(e.s.rss)), e.s.extra)
		}
		rss = append(rss, mib(t.strait.rss))
		if t.relay != nil {
			relay = append(relay, ratio(t.strait.cpu, t.relay.cpu))
		}
		if t.mm2 != nil {
			cpu = append(cpu, ratio(max(0, t.mm2.cpu-t.startUp), t.strait.cpu))
			cpuWhole = append(cpuWhole, ratio(t.mm2.cpu, t.strait.cpu))
			speed = append(speed, ratio(t.mm2.copied, t.strait.copied))
			speedWhole = append(speedWhole, ratio(t.mm2.wall, t.strait.wall))
		}
	}
	ratios := spreadTable("ratio, pair by pair")
	ratios.spread("CPU: Strait / relay", relay)
	ratios.spread("CPU: MirrorMaker 2 / Strait, start-up left out of MirrorMaker 2's", cpu)
	ratios.spread("CPU: MirrorMaker 2 / Strait, whole processes", cpuWhole)
	ratios.spread("throughput: Strait / MirrorMaker 2, first to last record", speed)
	ratios.spread("throughput: Strait / MirrorMaker 2, whole processes", speedWhole)
	ratios.spread("Strait's peak RSS, MiB", rss)
	p.tables = append(p.tables, ratios, runs)
	if w.relayGoal > 0 {
		p.goals = append(p.goals, atMost("CPU of Strait / relay, median", relay, median, w.relayGoal, ""))
	}
	p.goals = append(p.goals,
		atLeast("CPU of MirrorMaker 2 / Strait, whole processes, median", cpuWhole, median, w.cpuGoal),
		atLeast("the same without MirrorMaker 2's start-up, median", cpu, median, w.cpuGoal),
		atLeast("throughput of Strait / MirrorMaker 2, median", speed, median, w.speedGoal),
		atMost("Strait's peak RSS in MiB, largest", rss, slices.Max, 128, ""))
	return p
}

// ratio divides two durations; a divisor of 0 has no meaning.
func ratio(a, b time.Duration) float64 {
	if b <= 0 {
		return math.NaN()
	}
	return float64(a) / float64(b)
}

// mib is bytes in MiB.
func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// codecText names the codec.
func codecText(data set) string {
	if data.codec != "" {
		return ", " + data.codec
	}
	return ", not compressed"
}

// farText names what is behind the delay.
func farText(far string) string {
	if far == "both" {
		return "both clusters"
	}
	return "the " + far
}
