package main

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

var modes = map[string]konasim.Outage{
	"":            konasim.Unavailable,
	"unavailable": konasim.Unavailable,
	"closing":     konasim.Closing,
	"hanging":     konasim.Hanging,
}

// routes serves sim, and what belongs to it under /-/.
func routes(sim *konasim.Simulator) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", sim)
	mux.HandleFunc("GET /-/ledger", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jsonl")
		lines := json.NewEncoder(w)
		for _, call := range sim.Ledger() {
			if lines.Encode(call) != nil {
				return // the client has left
			}
		}
	})
	mux.HandleFunc("GET /-/stats", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(sim.Stats()) // fails only if the client has left
	})
	mux.HandleFunc("POST /-/down", func(w http.ResponseWriter, r *http.Request) {
		mode, known := modes[r.URL.Query().Get("mode")]
		if !known {
			http.Error(w, "mode: want unavailable, closing or hanging", http.StatusBadRequest)
			return
		}
		sim.SetOutage(mode)
		_, _ = fmt.Fprintln(w, "down")
	})
	mux.HandleFunc("POST /-/up", func(w http.ResponseWriter, _ *http.Request) {
		sim.SetOutage(konasim.Up)
		_, _ = fmt.Fprintln(w, "up")
	})
	return mux
}
