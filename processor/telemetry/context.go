package telemetry

import "context"

type contextKey struct{}

// transaction is what a context carries through the flow. One goroutine at a time works on it.
type transaction struct {
	correlationID string
	tries         int // of the inquiry under way
}

// WithTransaction returns a context whose spans and log lines carry the correlation ID.
func WithTransaction(ctx context.Context, correlationID string) context.Context {
	return context.WithValue(ctx, contextKey{}, &transaction{correlationID: correlationID})
}

// CorrelationID returns the correlation ID of the transaction that ctx belongs to; empty if to none.
func CorrelationID(ctx context.Context) string {
	if tx := transactionOf(ctx); tx != nil {
		return tx.correlationID
	}
	return ""
}

func transactionOf(ctx context.Context) *transaction {
	tx, _ := ctx.Value(contextKey{}).(*transaction)
	return tx
}
