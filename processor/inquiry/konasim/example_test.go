package konasim_test

import (
	"fmt"
	"io"
	"net/http/httptest"

	"github.com/chargeresult/chargeresult/processor/inquiry/konasim"
)

// A subscriber's test: the transaction is PENDING at the first ask, Konaplate does not reply to the second, and the charge failed.
func ExampleParseScenario() {
	scenario, err := konasim.ParseScenario([]byte(`
transactions:
  CHG0000000001: [PENDING, HTTP503, FAILED]
  REFUND-*: [NOTFOUND]
`))
	if err != nil {
		fmt.Println(err) // names every fault, with its line
		return
	}
	sim := konasim.New(konasim.Config{Scenario: scenario})
	server := httptest.NewServer(sim) // what is tested asks here
	defer server.Close()
	for range 3 {
		resp, err := server.Client().Do(newRequest(server.URL, `{"sequenceId":"CHG0000000001"}`, ""))
		if err != nil {
			fmt.Println(err)
			return
		}
		_ = resp.Body.Close()
	}
	for _, call := range sim.Ledger() {
		fmt.Println(call.CorrelationID, call.SequenceID, call.Answer, call.Status)
	}
	// Output:
	// 261122103000-00000a1 CHG0000000001 PENDING 200
	// 261122103000-00000a1 CHG0000000001 HTTP503 503
	// 261122103000-00000a1 CHG0000000001 FAILED 200
}

func ExampleNew() {
	server := httptest.NewServer(konasim.New(konasim.Config{}))
	defer server.Close()
	resp, err := server.Client().Do(newRequest(server.URL, `{"sequenceId":"PENDING-1"}`, ""))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.StatusCode, string(body))
	// Output: 200 {"response":{"code":"000_000","message":"Success"},"result":"PENDING"}
}
