package dedup

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/chargeresult/chargeresult/processor"
)

// Loss is what was found in place of the store that the claims were written to. It is a processor.ErrClaimsLost.
//
// Only an answer of the server is ever a Loss. A server that does not answer, refuses, or answers anything
// else is unavailable: nothing is known of its claims.
type Loss struct {
	Server   string // address, as in the URL
	Sentinel string // the sentinel's key
	Field    string // what differs: run_id, cluster_id or topic:<name>; lease: a rebuild lost it; empty: the sentinel itself is missing
	Stored   string // what the sentinel says
	Found    string // what the server, or the configuration, says
}

// ErrorType is the error in a word, for spans and metrics.
func (l *Loss) ErrorType() string { return "claims_lost" }

// Error says what was found, what it means, and what to do.
func (l *Loss) Error() string {
	switch l.Field {
	case "":
		return fmt.Sprintf("claims lost: %s has no %s: it was wiped, or nothing was ever claimed on it, or a rebuild is under way; "+
			"nothing is claimed until its claims are rebuilt from Kafka, which happens by itself", l.Server, l.Sentinel)
	case fieldRunID:
		return fmt.Sprintf("claims lost: %s runs as %s, but its claims were written to %s: it restarted or failed over, and its last claims may be gone; "+
			"nothing is claimed until they are rebuilt from Kafka, which happens by itself", l.Server, l.Found, l.Stored)
	case fieldLease:
		return fmt.Sprintf("claims lost: the lease of this rebuild is gone from %s: it was wiped again, or nothing was restored for %v; begin the rebuild anew",
			l.Server, rebuildLease)
	default:
		return fmt.Sprintf("claims lost: %s on %s was made for %s %s, not %s: the topic was recreated, the cluster was replaced, or another installation claims here; "+
			"if that was meant, run with accept-offsets; else give each installation its own group or server", l.Sentinel, l.Server, l.Field, l.Stored, l.Found)
	}
}

// Foreign reports whether the claims are of another cluster or topic. They are not to be rebuilt before somebody said that this is meant.
func (l *Loss) Foreign() bool {
	return l.Field == fieldClusterID || strings.HasPrefix(l.Field, fieldTopic)
}

// Unwrap makes a Loss a processor.ErrClaimsLost, and a foreign one a processor.ErrClaimsForeign too.
func (l *Loss) Unwrap() []error {
	if l.Foreign() {
		return []error{processor.ErrClaimsLost, processor.ErrClaimsForeign}
	}
	return []error{processor.ErrClaimsLost}
}

// heldBy is the error where another process holds the lease, by the lease's value.
func heldBy(lease string) error {
	_, who, _ := strings.Cut(lease, " ")
	since, holder, _ := strings.Cut(who, " ")
	return fmt.Errorf("%w: %s, since %s; wait, then ask again", processor.ErrRebuilding, holder, since)
}

// finishedError is the error where no process holds the lease any more, because a rebuild was finished. It is a processor.ErrRebuilding.
type finishedError struct{ incarnation string }

func (e *finishedError) Error() string {
	return fmt.Sprintf("%v: it finished meanwhile, as incarnation %s; ask again", processor.ErrRebuilding, e.incarnation)
}

func (e *finishedError) Unwrap() error { return processor.ErrRebuilding }

// finishedAs reports whether err says that a rebuild was finished as an incarnation: the caller's own, whose first reply was lost.
func finishedAs(err error, incarnation string) bool {
	finished := (*finishedError)(nil)
	return errors.As(err, &finished) && finished.incarnation == incarnation
}

// hints says what to do about an error that the server answers, by the code that the error begins with.
var hints = [...]struct{ code, hint string }{
	{"LOADING", "it is reading its data after a start: wait"},
	{"READONLY", "it is a replica: wait for the failover to end, or let the URL name the master"},
	{"MASTERDOWN", "it is a replica without a master: wait for the failover to end"},
	{"NOREPLICAS", "it has too few replicas to accept writes (min-replicas-to-write): bring them back"},
	{"CLUSTERDOWN", "its cluster is incomplete: bring the missing shard back"},
	{"MOVED", "it is a Cluster: use a redis+cluster URL"},
	{"OOM", "its memory is full: raise maxmemory, or shorten the claims' time to live"},
	{"MISCONF", "it cannot write to its disk: free space, or see its log"},
	{"NOAUTH", "it wants credentials: put them into the URL"},
	{"WRONGPASS", "it refuses the credentials of the URL"},
	{"NOPERM", "the URL's user lacks a permission: see the package's documentation for all that are needed"},
	{"BUSY", "a script blocks it: wait, or end it with SCRIPT KILL"},
	{"WRONGTYPE", "a key of this group holds something else: remove it"},
}

// unavailable is the error of an operation that got no answer, or an answer that says nothing of the claims.
// ctx is the caller's, without the operation's own timeout: where it ended, its error is returned.
func (s *Store) unavailable(ctx context.Context, op string, err error) error {
	if ended := ctxErr(ctx); ended != nil {
		return fmt.Errorf("%s: %w", op, ended)
	}
	// Both the context's deadline and the socket's are net.Errors.
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		return fmt.Errorf("%s: %w: no answer of %s within %v (operation timeout)", op, processor.ErrClaimsUnavailable, s.server, s.cfg.OperationTimeout)
	}
	for _, h := range hints {
		if redis.HasErrorPrefix(err, h.code) {
			return fmt.Errorf("%s: %w: %s: %s (%w)", op, processor.ErrClaimsUnavailable, s.server, h.hint, err)
		}
	}
	return fmt.Errorf("%s: %w: %s: %w", op, processor.ErrClaimsUnavailable, s.server, err)
}

// ctxErr is ctx.Err, without its delay: a socket's deadline, which is the context's, may fire a moment before the context's own timer does.
func ctxErr(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}
