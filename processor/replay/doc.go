// Package replay reads topics from outside the flow: to restore claims, and to account for what the processor has done.
//
// [Read] visits the records of topics, up to where they end at the time of the call, as somebody sees them who wants nothing but what is
// committed, and all of that. The other two stand on it; neither publishes anything, and neither reads anything but Kafka.
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
// # Limits
//
// Results and dead letters name their group; duplicates and retry records do not, so that their topics must not be shared by groups.
// Results, dead letters and duplicates name the topic of their source, but not its ID: the outcomes of a topic that was deleted count for
// the one that has its name now, where offsets meet. Events that the group was moved past, or that were there before a group that
// starts at the end, are called missing: nothing tells them from lost ones.
package replay
