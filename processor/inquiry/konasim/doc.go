// Package konasim simulates Konaplate's inquiry endpoint, for tests and for the demonstration.
//
// A [Simulator] is an http.Handler. It validates every request as the vendor's API page describes it: method, path, the form of
// each header, the HMAC of the token if it knows the secret key, and the body. What it finds wrong it refuses with 400 000_002
// and the name of the field. It echoes X-KM-Correlation-Id in all of its replies, and enters every call in a ledger, which
// [Simulator.Ledger] returns and [Config] LedgerTo gets line by line.
//
// # The answers
//
// Every answer has a name:
//
//	COMPLETED      200 COMPLETED
//	FAILED         200 FAILED
//	PENDING        200 PENDING, always
//	PENDING-<n>    200 PENDING n times, then COMPLETED
//	NOTFOUND       400 007_009, always
//	NOTFOUND-<n>   400 007_009 n times, then COMPLETED: the inquiry overtook the charge
//	INVALID        400 000_002, its message names sequenceId
//	REJECTED       400 007_004
//	UNCLEAR        400 000_999, a code that no page documents
//
//	DOWN           503 without a body
//	HTTP<status>   that status, 200 to 599, without a body; 429 with Retry-After: 2
//	HTTP<status>-<seconds>   the same, with that Retry-After
//	RESULT500      500, with the body of COMPLETED
//	SLOW-<ms>      COMPLETED after that many milliseconds
//	HANG           nothing until the client leaves
//	RESET          the connection is reset
//
//	DRIP           COMPLETED, a byte a second; headers at once
//	DRIP-<ms>      the same, a byte every so many milliseconds
//	TRUNCATED      COMPLETED, whose body ends early
//	OVERSIZED      COMPLETED, in a body of more than 64 KiB
//	BOMB           COMPLETED, in about 1 KiB of gzip that unpacks to 1 MiB
//	HTML           200 and a page
//	REDIRECT       307 to the same address
//	FOREIGN        COMPLETED, with the correlation ID of another message
//	NOECHO         COMPLETED, without a correlation ID
//	DUPKEY         COMPLETED and FAILED, under one key twice
//	TRAILING       COMPLETED, and another object behind it
//	MISTYPED       200 with a number as code, and a list as result
//	CONTRADICTION  COMPLETED beside the code 007_009
//	ENCRYPTED      encData
//	ODD            200 with a result that no page documents
//
// The most particular rule gives the answer, and the next one where it has none:
//
//  1. [Simulator.SetOutage].
//  2. [Config] Script, a function.
//  3. An outage (DOWN, HANG or RESET) in the current phase of [Config] Scenario.
//  4. The transaction's list in the scenario.
//  5. Any other answer of the current phase.
//  6. The sequence ID itself, if it begins with a name and a dash: FAILED-1, PENDING-2-x, HTTP429-5-x. A number is one only
//     with a dash behind it.
//  7. A lot, from [Config] Shares and Seed: the same seed and ID always draw the same lot, whatever was asked before. Latencies
//     are drawn from the seed by the number of the call, as a re-ask is not slow because the first ask was.
//
// Where an answer depends on how often was asked, the asks of one transaction count that the same rule answered. A transaction is a sequence
// ID together with a correlation ID; a client that makes a new correlation ID for every message asks about a new one each time.
//
// # Scenario files
//
// [ParseScenario] reads YAML with up to three keys:
//
//	# An outage from second 10 to 40. Then a third of the transactions are PENDING for three asks.
//	phases:                # by the time since the simulator's start; each lasts until the next begins
//	  - until: 10s         # without an answer: the other rules
//	  - until: 40s
//	    answer: DOWN
//	  - answer: PENDING-3
//	    share: 0.33        # of the transactions, always the same; default 1
//	transactions:          # by sequence ID, or by its beginning and *; the longest wins, and "*" is everybody
//	  CHG0000000001: [PENDING, PENDING, COMPLETED] # the answers to its asks in turn, the last one for ever
//	  REFUND-*: [NOTFOUND, HTTP429-5, FAILED]
//	latency: 20ms          # of every answer; replaces Config.Latency
//
// # What is invented
//
// The success, the invalid parameter and the unknown transaction are the API page's test data, in status, code and message. The
// page shows no body; the simulator puts code and message where [Config] Envelope says. A wrong token is answered 401 without
// a code, which no page documents either.
package konasim
