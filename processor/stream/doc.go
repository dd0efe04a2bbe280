// Package stream turns the records of Kafka topics into other records, exactly once, out of order, and without one slow record holding up
// those behind it.
//
// [Engine] is what a program runs; [Handler] is what it brings along; [Ledger] keeps state outside Kafka in step with what commits; [Intake]
// is the valve that others may close. [CommittedPositions] is for readers outside: what a group has finished.
//
// # Session
//
// A session is one life of two clients: a consumer, which is a member of the group, and a transactional producer. What is known only by being a
// member lives and dies with it. Whatever leaves an outcome unknown ends the session; the next one takes over the
// transactional ID, which ends what was left open, and then reads what is committed.
//
// # Tracker and offset map
//
// Each assignment of a partition has a tracker of its own: which records are fetched, in a transaction, or finished. A commit holds the
// low-water mark as the offset and the runs of finished offsets above it, encoded, in its metadata. The next owner reads both and
// skips what is finished. The metadata names its version, cluster, topic ID and offset, so that an offset that somebody moved is
// noticed. A partition whose map gets full is not fetched until the map has room again; nothing is dropped.
//
// # Due times
//
// The records of Config.Parked wait until they are due. The first one of a partition that is not, and what comes behind it, stays with its
// assignment; once that is a poll's worth the partition is paused until half of it has been taken up: of a backlog, however long, less than two polls
// are in memory. The
// tracker learns of a record when it is taken up, so no commit passes one that waits, and whoever is assigned the partition
// next fetches it again. Reading wakes up when the first of all heads is due.
//
// # Holds
//
// While intake is held, for whatever reasons, one message at a time is let in, and only when none is in flight: whoever holds needs
// real work to find out whether its reason is gone. What is in flight goes on, membership too. The engine itself holds when Admit fails
// and while it is no working member of its group, so that [Status] has one list of reasons why nothing comes in.
//
// # Order
//
// Messages of one key form a chain and run one after another; other keys don't wait for them. Results that wait for a transaction
// stay in the order they finished, also across aborted transactions.
//
// # Transaction
//
// Results and offsets commit together, in transactions that follow each other back to back. The offsets carry the member ID and the
// generation they were read with, under one lock with the trackers. A record becomes finished only when the end of its transaction is
// confirmed. There is no other kind of offset commit: one that overtakes a transaction would move the group back.
//
// # Fencing
//
// A partition that is taken away may finish what runs, within DrainTimeout; then its assignment is fenced, and what finishes later
// publishes nothing. A member that was expelled is refused by the group's coordinator. One that the client let join again as another member,
// without a word, is noticed by its changed member ID, and the session ends.
//
// # Errors
//
//	what happens                                               what the engine does
//	Admit fails                                                holds intake, with the reason, tries again
//	a record, an offset or Confirm fails; rebalance            aborts; the same results go into the next transaction
//	the end of a transaction is unknown                        settles nothing and starts over
//	expelled, member ID changed, producer timed out            starts over
//	Confirm returns ErrNotAdmitted                             starts over: everything in flight is admitted again
//	a result is refused for what it is                         finds its message and stops that partition
//	metadata refused, foreign commit, topic recreated,         stops that partition, with the reason in Status; the others go on
//	offset out of range
//	another process has our name                               Run returns ErrFenced
//	transactions of the broker are unsafe                      Run returns ErrUnsafeBroker
//	Process fails                                              Run returns its error
//	the cluster is away                                        holds intake, with the reason, and starts over
//
// # Limits
//
// Exactly once is the only mode, and it holds for subscribers that read with read_committed. Every message needs at least one record as its
// result: one without waits for the next transaction, keeps a revocation or a shutdown waiting for DrainTimeout, and a held intake shut. While a
// revocation drains, nothing is fetched, and what becomes due meanwhile may wait for its end. Due times are the wall clock's: one that is set
// forward is noticed when the wait that is under way ends. New partitions are noticed when the client refreshes its metadata, within five minutes.
// A handler or a ledger that ignores its context keeps a session from ending.
package stream
