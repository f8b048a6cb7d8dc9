package mirror

import (
	"github.com/strait-mirror/strait/config/model"
	"github.com/strait-mirror/strait/flows/internal/batch"
	"github.com/strait-mirror/strait/flows/sink"
)

// codecOf returns the codec that a flow asks for; nil: batches keep theirs.
func codecOf(f *model.Flow) *batch.Codec {
	c, ok := batch.ParseCodec(string(f.CompressionType))
	if !ok {
		return nil
	}
	return &c
}

// recoded is the outcome of a Recode in pooled scratch space.
type recoded struct {
	batch.Recoded
	session *session
	scratch *[]byte
	refused int // of those dropped, for being too large by themselves
}

// free gives the scratch space back; the parts are gone then.
func (r *recoded) free() { r.session.scratch.Put(r.scratch) }

// recode edits a batch in scratch space.
func (s *session) recode(b batch.Batch, e batch.Edit) (*recoded, error) {
	scratch, _ := s.scratch.Get().(*[]byte)
	if scratch == nil {
		scratch = new([]byte)
	}
	made, err := s.recoder.Recode((*scratch)[:0], b, e)
	if err != nil {
		s.scratch.Put(scratch)
		return nil, err
	}
	const keep = 16 << 20 // larger ones go to the garbage collector
	if cap(made.Bytes) <= keep {
		*scratch = made.Bytes[:0]
	}
	return &recoded{Recoded: made, session: s, scratch: scratch}, nil
}

// own copies one part of a result into the budget's memory.
func (s *session) own(p batch.Part, owner sink.Owner, epoch int32) sink.Batch {
	buf := s.flow.budget.Get(len(p.Batch))
	copy(buf.Bytes(), p.Batch)
	b := batch.Batch(buf.Bytes())
	return sink.Batch{
		Data: b, Buffer: buf, Owner: owner, Records: b.Count(),
		SourceNext: p.Next, SourceEpoch: epoch, MaxTimestamp: b.MaxTimestamp(),
	}
}
