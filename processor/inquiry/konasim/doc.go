// Package konasim simulates Konaplate's inquiry endpoint, for tests and for the demonstration.
//
// A [Simulator] is an http.Handler. It validates every request as the vendor's API page describes it: method, path, the form of
// each header, the HMAC of the token if it knows the secret key, and the body. What it finds wrong it refuses with 400 000_002
// and the name of the field. It echoes X-KM-Correlation-Id in all of its replies, and enters every call in a ledger.
//
// # Which answer
//
// A sequence ID that begins with one of these asks for its answer by name; whatever follows is free:
//
//	COMPLETED-      200 COMPLETED
//	FAILED-         200 FAILED
//	PENDING-        200 PENDING, always
//	PENDING-<n>-    200 PENDING n times, then COMPLETED
//	NOTFOUND-       400 007_009, always
//	NOTFOUND-<n>-   400 007_009 n times, then COMPLETED: the inquiry overtook the charge
//	INVALID-        400 000_002, its message names sequenceId
//	REJECTED-       400 007_004
//	UNCLEAR-        400 000_999, a code that no page documents
//	HTTP<status>-   that status, without a code; 429 with Retry-After: 2
//	SLOW-<ms>-      COMPLETED after that many milliseconds
//	HANG-           nothing until the client leaves
//	RESET-          the connection is reset
//	TRUNCATED-      COMPLETED, whose body ends early
//	OVERSIZED-      COMPLETED, in a body of more than 64 KiB
//	HTML-           200 and a page
//	REDIRECT-       307 to the same address
//	FOREIGN-        COMPLETED, with the correlation ID of another message
//	NOECHO-         COMPLETED, without a correlation ID
//	DUPKEY-         COMPLETED and FAILED, under one key twice
//	TRAILING-       COMPLETED, and another object behind it
//	CONTRADICTION-  COMPLETED beside the code 007_009
//	ENCRYPTED-      encData
//	ODD-            200 with a result that no page documents
//
// Any other sequence ID gets an answer by lot, from [Config] Shares and Seed: the same seed and ID always draw the same lot,
// whatever was asked before. Latencies are drawn from the seed by the number of the call, as a re-ask is not slow because the
// first ask was.
//
// # What is invented
//
// The success, the invalid parameter and the unknown transaction are the API page's test data, in status, code and message. The
// page shows no body; the simulator puts code and message where [Config] Envelope says. A wrong token is answered 401 without
// a code, which no page documents either.
package konasim
