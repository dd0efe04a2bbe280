// Package inquiry asks Konaplate how a charge or its cancellation ended.
//
// Five processor.Inquirers, each around the next, make the whole; the order is visible where they are put together:
//
//	inquiry.WithRetries(inquiry.WithBreaker(inquiry.WithPace(inquiry.WithStats(client), pace), breaker), retries)
//
// Stats are next to the client, so that they measure Konaplate and not the waits before it. Pace comes before all that is sent, so that its rate
// covers it: probes, what follows an outage, and what is tried again. Retries are outermost, so that each try is a turn of its own.
//
// # The client
//
// A [Client] makes one try a call: it makes the body once, has the [Signer] sign those bytes, sends those bytes, and has
// Config.Timeout for everything up to the last byte of the reply. It uses the transport itself, and no http.Client, as it follows no
// redirect and keeps no cookie. It speaks TLS 1.2 or newer, reads 64 KiB at most and decompresses nothing, and sends no header that
// the API page does not name, save the usual three of HTTP: the trace ends here, because Konaplate is another company. Each header's
// length and form is validated before it is sent.
//
// # The reply table
//
// What a reply means is decided by one pure function, classify in reply.go, and by nothing else; REPLIES.md has the table, and the test of
// each of its rows. It believes only what two readers can't
// read differently. What it does not believe is NotAnAnswer, which counts as an outage and is never published. Where code and message
// stand in a body is documented nowhere; envelope.go has the places that are looked at.
//
// # The pace
//
// A [Pace] makes questions wait, in order of arrival, so that no more than Rate a second are asked by this process. A question takes its
// slot when it is asked; who gives up waiting takes none. Timers are late, which is made up for, up to 10 ms: at most a hundredth of
// Rate comes on top in any one second. Nothing is saved up while nobody asks.
//
// A 429 stops all questions until its Retry-After has passed: a second if it does not say, five minutes if it says more. Then they go
// one at a time, until one that was asked after the last 429 is answered with anything else. From there on, each such answer makes room for
// one more in flight, as after an outage: the vendor is not met at once by all that waited. [Retries] ask the refused question again,
// which counts as a try, and leave the waiting to Pace.
//
// # The breaker
//
// A [Breaker] does not refuse questions, it makes them wait, for as long as nobody drains. It opens when FailureRatio of the results of
// the last Window have failed: a vendor that is down, or gives no answer. Every real answer is a success, PENDING and FAILED and a
// 4xx with a code included; 429 and what we cancelled ourselves count for nothing.
//
//	closed ──ratio of failures──> open ──Open + jitter──> half-open ──success──> closed, 2 in flight
//	                               ^                          │                        │ one more for each success
//	                               └────────failure───────────┘                        v
//	                               └─────────half of a round, or of a window───── closed, all in flight
//
// While it is open nothing is sent and nobody spins: one timer wakes one of those who wait, and its question is the probe. A probe that was
// cancelled, or told to slow down, passes its turn on, and the next waits in Pace for as long as the vendor asked; one that never got
// away puts the next off. A result counts from when it comes, however long its question waited in Pace. When a probe has
// succeeded, the others follow as in TCP's slow start, doubling with each round: a vendor that has just come back is not
// met by all that waited. Only the state machine and the rolling window are gobreaker's; who waits, who probes and the ramp are here.
//
// # Secrets
//
// The access key, the secret key and the token are in no error, no log and no printed value of this package, and where a vendor
// quotes them in its message they are struck out. [Credential] is the type that keeps them from being printed.
package inquiry
