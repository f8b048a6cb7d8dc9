package admin

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Delete deletes one topic by its id: never another one that has got its name
// meanwhile. name is for errors.
func Delete(ctx context.Context, cl *kgo.Client, name string, id [16]byte) error {
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TimeoutMillis = int32(changeTimeout.Milliseconds())
	rt := kmsg.NewDeleteTopicsRequestTopic()
	rt.TopicID = id
	req.Topics = []kmsg.DeleteTopicsRequestTopic{rt}
	resp, err := req.RequestWith(ctx, cl)
	if err == nil && len(resp.Topics) != 1 {
		err = fmt.Errorf("the broker answered for %d topics", len(resp.Topics))
	}
	if err == nil {
		err = Refused(brokerError(resp.Topics[0].ErrorCode, resp.Topics[0].ErrorMessage), "DELETE", OnTopic(name))
	}
	if err != nil {
		return fmt.Errorf("deleting topic %q: %w", name, err)
	}
	return nil
}
