// Package processor finds out how prepaid-card charges and cancellations ended.
//
// processor.go is the whole flow, from top to bottom, on one screen. A [Processor] is what a stream.Engine works with: it admits the messages of a
// poll (decodes them, claims their transactions), processes each one (asks Konaplate, decides), confirms a transaction before it
// commits, and settles the claims after.
//
// What the flow needs from outside stands here as two small interfaces, whose comments are the contract: [Claims], kept by package dedup in Redis, and
// [Inquirer], made by package inquiry out of a client, a breaker and retries. Deciding is pure: decide.go holds the reply table.
//
// DESIGN.md beside this file has the file map, the invariants that are not obvious with the test that guards each, and the decisions with their cost.
package processor
