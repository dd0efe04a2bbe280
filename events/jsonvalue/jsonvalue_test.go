package jsonvalue_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/chargeresult/chargeresult/events/jsonvalue"
)

func parse(t *testing.T, text string) jsonvalue.Value {
	t.Helper()
	v, err := jsonvalue.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%.100s: %v", text, err)
	}
	return v
}

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"":                 "is not JSON: unexpected end of JSON input, after 0 of 0 bytes",
		`{"a":1}x`:         "is not JSON: invalid character 'x' after top-level value, after 8 of 8 bytes",
		`{"a":1}{}`:        "is not JSON: invalid character '{' after top-level value, after 8 of 9 bytes",
		"\ufeff{}":         "is not JSON: invalid character 'ï' looking for beginning of value, after 1 of 5 bytes",
		"{\"a\":\"\xff\"}": "is not UTF-8: byte 0xff at offset 6",
	} {
		if v, err := jsonvalue.Parse([]byte(text)); err == nil || err.Error() != want || v != nil {
			t.Errorf("%q: %s, %v, want %s", text, v, err, want)
		}
	}
	if got := parse(t, " \t\r\n[1] \n"); string(got) != "[1]" {
		t.Errorf("got %q", got)
	}
}

func TestKind(t *testing.T) {
	for text, want := range map[string]string{
		"{}": "an object", "[]": "an array", `""`: "a string", "true": "a boolean", "false": "a boolean", "null": "null", "-1": "a number", "0": "a number",
	} {
		v := parse(t, text)
		if got := v.Kind(); got != want || v.IsObject() != (text == "{}") || v.IsString() != (text == `""`) || v.IsNull() != (text == "null") {
			t.Errorf("%s: %s, %t, %t, %t", text, got, v.IsObject(), v.IsString(), v.IsNull())
		}
	}
}

func TestMembers(t *testing.T) {
	v := parse(t, `{ "a" : [1, {"b":"}"}] ,"\u0063":"\"]","a":null, "":-1.5e3 }`)
	var got strings.Builder
	for key, value := range v.Members() {
		fmt.Fprintf(&got, "%s=%s;", key, value)
	}
	if want := `"a"=[1, {"b":"}"}];"\u0063"="\"]";"a"=null;""=-1.5e3;`; got.String() != want {
		t.Errorf("got %s, want %s", got.String(), want)
	}
	for key := range v.Members() {
		if string(key) != `"a"` {
			t.Errorf("went on to %s", key)
		}
		break
	}
}

func TestChild(t *testing.T) {
	const text = `{"a":1,"\u0062":[10,{"c":2},"x"],"d":3,"D":4,"e":5,"\u0065":6,"\ud800":7}`
	for token, want := range map[string]string{"a": "1", "b": `[10,{"c":2},"x"]`, "d": "3", "D": "4", "\ufffd": "", "z": "", "": ""} {
		if got, err := parse(t, text).Child(token); string(got) != want || err != nil {
			t.Errorf("%q: %s, %v, want %s", token, got, err, want)
		}
	}
	if got, err := parse(t, text).Child("e"); got != nil || !errors.Is(err, jsonvalue.ErrAmbiguous) {
		t.Errorf("a key twice: %s, %v", got, err)
	}
	for token, want := range map[string]string{"0": "10", "1": `{"c":2}`, "2": `"x"`, "3": "", "01": "", "-1": "", "+1": "", "a": ""} {
		if got, err := parse(t, ` [ 10 ,{"c":2}, "x"]`).Child(token); string(got) != want || err != nil {
			t.Errorf("element %q: %s, %v, want %s", token, got, err, want)
		}
	}
	for _, text := range []string{"[]", "1", `"a"`, "null"} {
		if got, err := parse(t, text).Child("0"); got != nil || err != nil {
			t.Errorf("of %s: %s, %v", text, got, err)
		}
	}
}

func TestStrings(t *testing.T) {
	for text, want := range map[string]string{
		`""`: "", `"abc"`: "abc", `"\u0061\n\/"`: "a\n/", `"\ud83d\ude00"`: "😀", `"가"`: "가", `"\\ud800"`: `\ud800`,
	} {
		v := parse(t, text)
		if got, err := v.Unquote(); got != want || err != nil || !v.Is(want) || string(v.Mended()) != want || v.Is(want+"x") {
			t.Errorf("%s: %q, %v, want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		`"\ud800"`: "\ufffd", `"a\udc00b"`: "a\ufffdb", `"\ud800\ud83d\ude00"`: "\ufffd😀", `"\ud83d\n"`: "\ufffd\n",
	} {
		v := parse(t, text)
		if got, err := v.Unquote(); got != "" || !errors.Is(err, jsonvalue.ErrUnpaired) || v.Is(want) || string(v.Mended()) != want {
			t.Errorf("%s: %q, %v, mended %q", text, got, err, v.Mended())
		}
	}
}

func TestDistinct(t *testing.T) {
	for text, want := range map[string]bool{
		`1`: true, `"a"`: true, `{}`: true, `[]`: true, `[{}]`: true, `[1,[2],3]`: true,
		`{"a":1,"b":2}`: true, `{"a":1,"a":2}`: false, `{"a":1,"b":2,"a":1}`: false, `{"a":1,"A":2}`: false, `{"":1,"":2}`: false,
		`{"a":1,"\u0061":2}`: false, `{"a":1,"\u0041":2}`: false,
		`{"a":{"a":{"a":1}},"b":{"a":2}}`: true, `[{"a":1},{"a":2}]`: true,
		`{"b":{"a":1,"c":2},"a":1}`: true, `{"x":[{"a":1,"a":2}]}`: false, `{"x":[0,{"y":{"a":1,"A":2}}]}`: false,
		`{"a":{"x":1,"y":2},"b":1,"a":2}`: false, `[{"a":1,"a":1}, 2]`: false,
		`{"É":1,"é":2}`: false, `{"K":1,"k":2}`: false, `{"ſ":1,"s":2}`: true, `{"σ":1,"ς":2}`: true,
		`{"\ud800":1,"\udfff":2}`: false, `{"\ud800":1,"\ufffd":2}`: false, `{"a\"":1,"a\\":2}`: true,
	} {
		if got := parse(t, text).Distinct(); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}

// TestDistinctOfMuch has as many keys and as much depth as a sender can put into a body.
func TestDistinctOfMuch(t *testing.T) {
	var keys strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&keys, `"%x":{"a":0},`, i*7919%20_000)
	}
	if !parse(t, "{"+keys.String()+`"z":0}`).Distinct() {
		t.Error("20,000 keys are not distinct")
	}
	if parse(t, "{"+keys.String()+`"4E1F":0}`).Distinct() {
		t.Error("one of 20,000 keys is not found twice")
	}
	const depth = 4_999 // of an object in an array each
	deep := func(inside string) string {
		return strings.Repeat(`[{"a":`, depth) + inside + strings.Repeat(`}]`, depth)
	}
	if !parse(t, deep(`1`)).Distinct() || parse(t, deep(`{"b":1,"B":2}`)).Distinct() {
		t.Error("deep down keys are not told apart")
	}
}

// FuzzValue holds what is found in a text to what encoding/json makes of it.
func FuzzValue(f *testing.F) {
	for _, text := range []string{
		`{"a":1,"b":[{"c":"d"},null,true],"e":"\ud83d\ude00"}`, `{"a":1,"A":2}`, `{"\ud800":1,"\ud801":2}`, ` [ 1 , "x" ] `, `"a"`, `1`, `{"a":{"a":{"b":0,"b":0}}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := jsonvalue.Parse(text)
		if valid := json.Valid(text) && utf8.Valid(text); valid != (err == nil) {
			t.Fatalf("%q: %v", text, err)
		}
		if err != nil {
			return
		}
		if got, want := v.Distinct(), distinct(decoder(text)); got != want {
			t.Errorf("%s: distinct %t, want %t", text, got, want)
		}
		compare(t, v)
	})
}

// compare holds v, and all in it, to encoding/json.
func compare(t *testing.T, v jsonvalue.Value) {
	t.Helper()
	switch v.Kind() {
	case "an object":
		var members map[string]json.RawMessage // of a key that occurs twice, the last
		if err := json.Unmarshal(v, &members); err != nil {
			t.Fatalf("%s: %v", v, err)
		}
		found := map[string]json.RawMessage{}
		for key, value := range v.Members() {
			compare(t, key)
			compare(t, value)
			found[string(key.Mended())] = json.RawMessage(value)
		}
		if fmt.Sprintf("%q", found) != fmt.Sprintf("%q", members) {
			t.Errorf("%s: members %q, want %q", v, found, members)
		}
	case "an array":
		var elements []json.RawMessage
		if err := json.Unmarshal(v, &elements); err != nil {
			t.Fatalf("%s: %v", v, err)
		}
		for i, want := range elements {
			if got, err := v.Child(fmt.Sprint(i)); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: element %d is %s, %v, want %s", v, i, got, err, want)
			}
		}
	case "a string":
		var want string
		if err := json.Unmarshal(v, &want); err != nil {
			t.Fatalf("%s: %v", v, err)
		}
		got, err := v.Unquote()
		if string(v.Mended()) != want || err == nil && got != want || err != nil && !strings.Contains(want, "\ufffd") {
			t.Errorf("%s: %q, %q, %v, want %q", v, got, v.Mended(), err, want)
		}
	}
}

func decoder(text []byte) *json.Decoder {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d
}

// distinct is Distinct of the next value, as a reader of tokens has it.
func distinct(d *json.Decoder) bool {
	token, _ := d.Token()
	ok := true
	switch token {
	case json.Delim('['):
		for d.More() {
			ok = distinct(d) && ok
		}
		_, _ = d.Token()
	case json.Delim('{'):
		seen := map[string]bool{}
		for d.More() {
			key, _ := d.Token()
			folded := strings.ToLower(key.(string))
			ok = distinct(d) && !seen[folded] && ok
			seen[folded] = true
		}
		_, _ = d.Token()
	}
	return ok
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "CHG0000000001", "<", "&", ">", `"`, `\`, "가나다", "a\xffb", "\x00\x1f\x7f", "\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := jsonvalue.AppendString([]byte("x"), s); string(got) != "x"+string(want) {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
	})
}
