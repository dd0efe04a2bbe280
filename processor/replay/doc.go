// Package replay reads topics from outside the flow: to restore claims, to account for what the processor has done, and to tell what became of
// one transaction. Nothing in it publishes anything.
//
// [Read] visits the records of topics, up to where they end at the time of the call, as somebody sees them who wants nothing but what is
// committed, and all of that. Rebuild and Reconcile stand on it, and read nothing but Kafka.
//
// # Rebuild
//
// [Rebuilder] restores the claims of a store that lost them. What it reads, and what it makes of it:
//
//	a final result of the group   settled, by the record that the result names as its source
//	a retry record                waiting, with its hop, by the original record
//	a duplicate                   claimed, by the record that it names as the owner: it may still be in flight
//	an interim result             nothing: a retry record was committed with it
//	a dead letter                 nothing: it owns no claim
//
// The order of taking the lease, the high watermarks and the proof of membership is what keeps a second final result from being
// published; Rebuild has the counterexamples.
//
// # Reconcile
//
// [Reconcile] checks the promise that every accepted event ends in exactly one place, by identity and not by counting:
//
//	accepted = final + dead + duplicate + waiting
//
// It is right while the processor is at work, because it reads the group's offsets before and after the outcomes, and knows what
// progress looks like. What it can't see it says: records so old that their outcome may have been removed are beyond the horizon.
//
// # Find
//
// [Find] tells the story of one correlation ID ([Timeline]) while somebody waits. It does not read topics, it searches them: it fetches whole record
// batches, looks for the ID in their bytes, and decodes only those that hold it (timeline_sift.go). A million records a topic take less than a
// second of CPU. And it searches as little as it can:
//
//	the claim            names the event's record; that has the key and the time of all that came of it
//	the key              tells the partition, of every topic: results, retry records and dead letters carry the event's
//	the ID's own time    where there is no claim: a day on either side, because its zone is unknown
//
// What is not read, because time is up, retention was faster, a transaction is open or Redis does not answer, is named, and the story called
// incomplete. Find says which partitions are searched in which order, and what is taken for granted.
//
// From the outside in: timeline.go has the story, timeline_find.go the search, timeline_window.go from where to where, timeline_sweep.go fetches,
// timeline_sift.go looks through batches, timeline_read.go turns records into steps, timeline_tell.go says what they come to.
//
// # Limits
//
// Results and dead letters name their group; duplicates and retry records do not, so that their topics must not be shared by groups.
// Results, dead letters and duplicates name the topic of their source, but not its ID: the outcomes of a topic that was deleted count for
// the one that has its name now, where offsets meet. Events that the group was moved past, or that were there before a group that
// starts at the end, are called missing: nothing tells them from lost ones.
//
// Find knows when a record was written and not when it was read: a dead letter keeps its event's time. Events of one ID under different keys are
// found together only if one leads to the other, or if none is where the ID would put it.
package replay
