package main

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
)

// logLevelHandler answers at /loglevel: GET tells the level, PUT changes it. A change lasts until the process ends, and is logged. A page of
// another site can't make it.
func logLevelHandler(current *slog.LevelVar, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /loglevel", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, strings.ToLower(current.Level().String()))
	})
	mux.HandleFunc("PUT /loglevel", func(w http.ResponseWriter, r *http.Request) {
		var wanted slog.Level
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64))
		if k := level(&wanted); err != nil || !k.store(strings.TrimSpace(string(body))) {
			http.Error(w, "send a level as the body: "+k.form, http.StatusBadRequest)
			return
		}
		from := current.Level()
		// Of the two levels the lower one lets the line through.
		current.Set(min(from, wanted))
		log.Log(r.Context(), max(slog.LevelInfo, min(from, wanted)), "log level changed", "from", from, "to", wanted, "by", r.RemoteAddr)
		current.Set(wanted)
		fmt.Fprintln(w, strings.ToLower(wanted.String()))
	})
	return http.NewCrossOriginProtection().Handler(mux)
}
