package dedup

import (
	"net/url"
	"strings"

	"github.com/chargeresult/chargeresult/events"
	"github.com/chargeresult/chargeresult/processor"
)

// keys names the keys of one group. All of them have the group as their hash tag, and so share a Cluster's slot.
type keys struct{ prefix string }

// keysOf returns the keys of a group. Whatever is not plain in the group's name, braces first of all, is percent-encoded
// as in the path of a URL: a brace in it would end the hash tag early, or empty it, and tear the keys apart.
func keysOf(group string) keys {
	return keys{prefix: "chargeresult:{" + url.PathEscape(group) + "}:"}
}

// claim is the key of a transaction.
func (k keys) claim(c processor.Claim) string {
	return k.prefix + lower(c.Operation) + ":" + strings.ToLower(c.CorrelationID)
}

// lower is the operation in lower case. It knows them, because strings.ToLower makes a string anew for each claim.
func lower(o events.Operation) string {
	switch o {
	case events.Charge:
		return "charge"
	case events.Cancellation:
		return "cancellation"
	}
	return strings.ToLower(string(o))
}

// sentinel is the key of the group's sentinel. No claim's key can equal it, or the lease's: theirs have one colon more.
func (k keys) sentinel() string { return k.prefix + "sentinel" }

// lease is the key of the lease that the process which rebuilds the group's claims holds.
func (k keys) lease() string { return k.prefix + "rebuild" }
