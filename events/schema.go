package events

import "embed"

// Schemas holds the contract as JSON Schemas (2020-12), each whole in itself, one file a record type:
//
//	schema/charge-requested.v1.json
//	schema/charge-cancelled.v1.json
//	schema/charge-result.v1.json
//	schema/charge-duplicate.v1.json
//
// Validators must assert formats. A schema accepts everything this package encodes or decodes. The inputs' also accept what no
// schema can refuse: dates that do not exist in a correlation ID, duplicate keys, half a surrogate pair.
//
//go:embed schema/*.json
var Schemas embed.FS
