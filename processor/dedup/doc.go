// Package dedup keeps, in Redis, which record owns each transaction.
//
// # What it promises
//
// Of all records that name one operation and correlation ID, one is the owner: it is asked about, and its outcome is published. The others are
// duplicates, or conflicts. Store is the processor.Claims that the processor runs on; Fake is the same in memory, for tests.
//
// Kafka is the truth, and Redis an accelerator that may lose anything at any time. So a claim names the record that owns it, and asking
// again is always safe: a redelivery after a crash, or a claim whose reply was lost, finds its own record and goes on. No claim expires
// under its owner's feet, because a lease does not exist: the owner's offset is not committed until its outcome is.
//
// # How it decides
//
// judge (judge.go) is the decision, a function of the claim and what is stored under its key:
//
//	stored owner      state                            fingerprint   verdict
//	the same record   settled                          any           Redelivered
//	the same record   waiting in a later hop           any           Redelivered
//	the same record   claimed or waiting in this hop   any           Ours
//	the same record   less far than this hop           any           Ours, after a compare-and-set: it waits in this hop
//	another           any                              equal         Duplicate
//	another           any                              different     Conflict
//	another, gone     claimed                          any           Ours, after a compare-and-set: the claim is taken over
//
// A retry record claims on behalf of its owner, and says which one it is: its hop, 0 being the owner itself. So moved offsets, of the input or of
// the retry topics, bring back nothing that has gone further since. That a retry record claims proves that it is committed: a store that did
// not hear of that writes it down, and a free key is claimed as waiting in that hop. Of several hops of one owner in a batch only the newest goes on.
//
// A gone owner is one that can never be answered any more (Config.Gone). What it left waiting is not taken over: its retry record
// is answered without it, and would be a second final.
//
// # What it stores
//
// All keys of a group share the group as their hash tag, so that a script reaches all of them in a Cluster, which therefore uses one shard for it:
//
//	chargeresult:{charge-result}:charge:261122103000-00000a1
//	  1 settled 2 COMPLETED 5f0c6e1d4f1b4c0d9a52b1a3c4d5e6f7/3/1234 CHG0000000001
//
// The key ends in the operation and the correlation ID, in lower case. The value is the layout's version, the state (claimed, waiting, settled), the hop
// (retry records committed), the result (- if none), the owner (topic ID in hex, partition, offset) and the fingerprint. With its
// overhead a claim takes about 270 bytes (measured on Redis 7.0); it expires Config.TTL after it was last written.
// Characters of a group's name that are not plain in a URL's path are written as %XX, braces among them.
//
//	HGETALL chargeresult:{charge-result}:sentinel
//	  incarnation             random, one for each life of the store
//	  run_id                  of the server process that this life began on, as in INFO server
//	  cluster_id              of the Kafka cluster
//	  topic:charge-requested  ID of an input topic, in hex; one field for each
//	  generation              newest group generation that claimed
//
//	GET chargeresult:{charge-result}:rebuild
//	  5WPCQ4DLHZAN6HV7RNH3XSDTQO 2026-11-22T10:30:00Z pod-1:17
//
// The last is the lease of a rebuild under way: a token, since when, and who (Config.Holder). The sentinel never expires. DEL of a claim lets the
// next event of its transaction own it; DEL of the sentinel stops intake until the claims are rebuilt.
//
// # When it refuses
//
// What claims, confirms or settles begins with guard.lua, which looks at the sentinel and at the server that runs it, in one atomic step with what follows. So
// nothing is claimed or settled on another store than the one the claims were written to, whichever connection, pool, proxy or failover
// led there; a Loss, which is a processor.ErrClaimsLost, says what was found:
//
//   - the sentinel is missing: the store was wiped, or nothing was ever claimed on it, or a rebuild is under way;
//   - the cluster ID or a topic's ID is another: the same offsets mean other records there. This one is a processor.ErrClaimsForeign too;
//   - the run_id is another: the server restarted or failed over, and may have lost its last claims without any wipe.
//
// A lost store stays lost until its claims are rebuilt from Kafka. Whoever notices may begin that, except on a foreign store: there somebody
// has to say first that the change was meant. A topic that the sentinel does not name is no loss but an
// addition: no record of it can own a claim yet. The first script that an instance runs with it adds it, and from then on it is held to like the others.
//
// A claimant whose group generation is older than the newest one seen was expelled, and is refused with processor.ErrClaimStale.
//
// Only what the server answers can be a loss. No answer, and every error that it answers (LOADING, READONLY, OOM, MISCONF, NOAUTH, MOVED, ...),
// and a claim that cannot be read, is a processor.ErrClaimsUnavailable: nothing is known, intake waits, and asking again is safe.
//
// # How it is rebuilt
//
// BeginRebuild takes a lease of 15 seconds, and removes the sentinel: whatever the store was, it answers nobody from then on. Restore writes what is
// committed in Kafka, by the rules of Settle, and Finish the sentinel of a new incarnation. Their scripts begin with lease.lua, which renews the
// lease, and lets the rest run only while it is this rebuild's, on the server where it began. So nothing half restored is ever claimed on:
//
//   - another process holds the lease, or has finished since: processor.ErrRebuilding, which says who and since when;
//   - the server was replaced, or the lease is gone and nobody finished: a Loss. The lease expired, or the store was wiped, with what
//     was restored: the two look the same, so it is never taken a second time by one rebuild;
//   - the process died: the lease expires, and the next that notices the loss begins anew.
//
// Claims that the store still holds stay; what is restored never lowers one. 100,000 states take about 2 seconds.
//
// # What it needs
//
// Redis 7.0 or later, or Valkey, with maxmemory-policy noeviction (CheckPolicy) and these permissions:
//
//	ACL SETUSER claims on >... ~chargeresult:{charge-result}:* +info +eval +evalsha +get +set +del +hgetall +hset
//
// A Cluster's client needs +cluster|slots too. Claims of one call travel in one round trip, at most 256 to a script, which runs about a millisecond.
package dedup
