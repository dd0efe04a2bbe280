package stream

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// watch holds every request of every test to the rules of the wire.
func (k *kafka) watch() {
	k.cluster.Control(func(req kmsg.Request) (kmsg.Response, error, bool) {
		k.cluster.KeepControl()
		switch req := req.(type) {
		case *kmsg.OffsetCommitRequest:
			if !k.operator.Load() {
				k.t.Errorf("a plain offset commit: %+v", req)
			}
		case *kmsg.TxnOffsetCommitRequest:
			if req.MemberID == "" || req.Generation < 0 {
				k.t.Errorf("an offset commit that no broker fences: member %q, generation %d", req.MemberID, req.Generation)
			}
			for _, t := range req.Topics {
				for _, p := range t.Partitions {
					if p.Metadata == nil || len(*p.Metadata) > metadataCap {
						k.t.Errorf("%s[%d]: metadata is missing or larger than %d bytes", t.Topic, p.Partition, metadataCap)
					}
				}
			}
		case *kmsg.FetchRequest:
			if req.IsolationLevel != 1 {
				k.t.Error("a fetch that is not read_committed")
			}
		}
		return nil, nil, false
	})
}
