package mm2fmt

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// PlacesTopic returns the name of the topic in which Strait keeps what offsets
// of a source are on the target. mm2 and .internal keep MirrorMaker 2 from
// mirroring it.
func PlacesTopic(source string) string { return "mm2-strait-places." + source + ".internal" }

// PlacesVersion is the version of what Strait writes; a reader takes no other.
const PlacesVersion = 1

// Bounds of what readers take.
const (
	maxPlaces      = 4096
	maxPlacesBytes = 256 << 10
)

// Places are known places of one partition, ascending on both sides.
type Places struct {
	Topic     string // on the source
	Partition int32

	SourceID        [16]byte // of the topic; zero: the broker has none
	TargetTopic     string
	TargetPartition int32
	TargetID        [16]byte
	Offsets         []Place
}

// Place says that the records of the source below Source are on the target below
// Target, and no others of the partition.
type Place struct{ Source, Target int64 }

// places is the value. Offsets are a source offset and its target offset, then
// pairs of what is to be added to the pair before.
type places struct {
	Version         int     `json:"version"`
	SourceID        []byte  `json:"source_topic_id"`
	TargetTopic     string  `json:"target_topic"`
	TargetPartition int32   `json:"target_partition"`
	TargetID        []byte  `json:"target_topic_id"`
	Offsets         []int64 `json:"offsets"`
}

// Encode returns the record's key and value.
func (p Places) Encode() (key, value []byte) {
	v := places{
		Version: PlacesVersion, SourceID: p.SourceID[:], TargetTopic: p.TargetTopic,
		TargetPartition: p.TargetPartition, TargetID: p.TargetID[:], Offsets: make([]int64, 0, 2*len(p.Offsets)),
	}
	var last Place
	for _, at := range p.Offsets {
		v.Offsets = append(v.Offsets, at.Source-last.Source, at.Target-last.Target)
		last = at
	}
	value, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return append(strconv.AppendInt(nil, int64(p.Partition), 10), ":"+p.Topic...), value
}

// ParsePlaces reads a record. It fails for another version and for offsets that
// do not ascend.
func ParsePlaces(key, value []byte) (Places, error) {
	p, err := parsePlaces(key, value)
	if err != nil {
		return Places{}, fmt.Errorf("reading places: %w", err)
	}
	return p, nil
}

func parsePlaces(key, value []byte) (Places, error) {
	number, topic, ok := strings.Cut(string(key), ":")
	partition, err := strconv.ParseInt(number, 10, 32)
	if !ok || err != nil || partition < 0 || topic == "" {
		return Places{}, fmt.Errorf("key %q is not a partition and a topic", key)
	}
	var v places
	if err := decode(value, maxPlacesBytes, &v); err != nil {
		return Places{}, err
	}
	p := Places{Topic: topic, Partition: int32(partition), TargetTopic: v.TargetTopic, TargetPartition: v.TargetPartition}
	switch {
	case v.Version != PlacesVersion:
		return Places{}, fmt.Errorf("version %d is not %d", v.Version, PlacesVersion)
	case len(v.SourceID) != len(p.SourceID) || len(v.TargetID) != len(p.TargetID):
		return Places{}, errors.New("a topic id has not 16 bytes")
	case len(v.Offsets)%2 != 0 || len(v.Offsets) > 2*maxPlaces || v.TargetPartition < 0:
		return Places{}, errors.New("offsets come in pairs, of which there are not so many")
	}
	p.SourceID, p.TargetID = [16]byte(v.SourceID), [16]byte(v.TargetID)
	p.Offsets, err = summed(v.Offsets)
	return p, err
}

// summed adds up pairs of differences.
func summed(differences []int64) ([]Place, error) {
	var out []Place
	var last Place
	for i := 0; i < len(differences); i += 2 {
		source, target := differences[i], differences[i+1]
		at := Place{last.Source + source, last.Target + target}
		if source < 0 || target < 0 || i > 0 && source == 0 || at.Source < 0 || at.Target < 0 {
			return nil, errors.New("offsets do not ascend")
		}
		out = append(out, at)
		last = at
	}
	return out, nil
}
