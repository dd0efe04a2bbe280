package inquiry

import "strings"

// HostileReply is a reply that echoes our correlation ID and must not be believed. Its case is one of TestNotAnAnswer.
type HostileReply struct {
	Case, Name string
	Status     int
	Body       string
}

// Hostile replies differ from an answer by as little as can be.
var Hostile = []HostileReply{
	{"HTML with 200", "a page", 200, `<html>COMPLETED</html>`},
	{"HTML with 200", "a page in an answer's place", 200, `<!-- {"result":"COMPLETED"} -->`},

	{"truncated JSON", "cut before the brace", 200, `{"result":"COMPLETED"`},
	{"truncated JSON", "cut in the result", 200, `{"result":"COMPLE`},
	{"truncated JSON", "cut refusal", 400, `{"code":"007_009","message":"Previous`},

	{"wrong types", "body is an array", 200, `[{"result":"COMPLETED"}]`},
	{"wrong types", "body is a text", 200, `"COMPLETED"`},
	{"wrong types", "body is a number", 200, `200`},
	{"wrong types", "body is null", 200, `null`},
	{"wrong types", "result is a number", 200, `{"result":1}`},
	{"wrong types", "result is a boolean", 200, `{"result":true}`},
	{"wrong types", "result is an array", 200, `{"result":["COMPLETED"]}`},
	{"wrong types", "result is an object", 200, `{"result":{"result":"COMPLETED"}}`},
	{"wrong types", "code is a number, beside a result", 200, `{"result":"COMPLETED","code":0}`},
	{"wrong types", "code is a number", 400, `{"code":400}`},
	{"wrong types", "code is an array", 400, `{"code":["007_009"]}`},
	{"wrong types", "response is a text", 200, `{"result":"COMPLETED","response":"000_000"}`},
	{"wrong types", "error is an array", 400, `{"error":[{"code":"007_009"}]}`},
	{"wrong types", "message is a number", 200, `{"result":"COMPLETED","message":1}`},

	{"an unknown result", "another word", 200, `{"result":"SETTLED"}`},
	{"an unknown result", "UNKNOWN", 200, `{"result":"UNKNOWN"}`},
	{"an unknown result", "lower case", 200, `{"result":"completed"}`},
	{"an unknown result", "with a blank", 200, `{"result":"COMPLETED "}`},
	{"an unknown result", "empty", 200, `{"result":""}`},
	{"an unknown result", "null", 200, `{"result":null}`},
	{"an unknown result", "none", 200, `{}`},

	{"a result in another place", "key in another case", 200, `{"Result":"COMPLETED"}`},
	{"a result in another place", "under response", 200, `{"response":{"result":"COMPLETED"}}`},
	{"a result in another place", "here and under response", 200, `{"result":"COMPLETED","response":{"result":"FAILED"}}`},

	{"a body of 1 GiB", "one byte too large", 200, `{"result":"COMPLETED"}` + strings.Repeat(" ", maxBody+1-len(`{"result":"COMPLETED"}`))},

	{"duplicate keys", "result twice", 200, `{"result":"COMPLETED","result":"FAILED"}`},
	{"duplicate keys", "result twice the same", 200, `{"result":"COMPLETED","result":"COMPLETED"}`},
	{"duplicate keys", "escaped", 200, `{"result":"COMPLETED","\u0072esult":"FAILED"}`},
	{"duplicate keys", "in another case", 200, `{"result":"COMPLETED","RESULT":"FAILED"}`},
	{"duplicate keys", "code, further down", 200, `{"result":"COMPLETED","response":{"code":"000_000","code":"007_004"}}`},
	{"duplicate keys", "of no interest, in an array", 200, `{"result":"COMPLETED","x":[{"a":1,"a":2}]}`},
	{"duplicate keys", "code of a refusal", 400, `{"code":"007_009","code":"007_004"}`},

	{"trailing data", "an object", 200, `{"result":"COMPLETED"}{"result":"FAILED"}`},
	{"trailing data", "a brace", 200, `{"result":"COMPLETED"}}`},
	{"trailing data", "a zero byte", 200, "{\"result\":\"COMPLETED\"}\x00"},
	{"trailing data", "a page after a refusal", 400, `{"code":"007_009"}<html>`},

	{"no JSON", "empty", 200, ``},
	{"no JSON", "a byte order mark", 200, "\ufeff" + `{"result":"COMPLETED"}`},
	{"no JSON", "not UTF-8", 200, "{\"result\":\"COMPLETED\",\"message\":\"\xff\"}"},
	{"no JSON", "too deep", 200, `{"result":"COMPLETED","x":` + strings.Repeat("[", 30000) + strings.Repeat("]", 30000) + `}`},
	{"no JSON", "a form", 200, `result=COMPLETED`},

	{"encData", "alone", 200, `{"encData":"eyJ"}`},
	{"encData", "beside a result", 200, `{"encData":"eyJ","result":"COMPLETED"}`},
	{"encData", "beside a code", 400, `{"encData":"eyJ","code":"007_009"}`},

	{"a result beside a failure code", "flat", 200, `{"result":"COMPLETED","code":"007_009"}`},
	{"a result beside a failure code", "pending", 200, `{"result":"PENDING","code":"007_009"}`},
	{"a result beside a failure code", "under error", 200, `{"result":"COMPLETED","error":{"code":"007_009"}}`},
	{"a result beside a failure code", "resultCode", 200, `{"result":"COMPLETED","resultCode":"007_004"}`},
	{"a result beside a failure code", "under reason", 200, `{"result":"COMPLETED","reason":"007_004"}`},
	{"a result beside a failure code", "of another form", 200, `{"result":"COMPLETED","code":"00"}`},
	{"a result beside a failure code", "empty", 200, `{"result":"COMPLETED","code":""}`},
	{"a result beside a failure code", "with 400", 400, `{"code":"007_009","result":"COMPLETED"}`},

	{"codes that contradict", "two, with 200", 200, `{"result":"COMPLETED","code":"000_000","error":{"code":"007_004"}}`},
	{"codes that contradict", "two, with 400", 400, `{"code":"007_009","response":{"code":"007_004"}}`},
	{"codes that contradict", "a failure, with 200", 200, `{"code":"007_009"}`},
	{"codes that contradict", "success, with 400", 400, `{"code":"000_000"}`},

	{"204", "without a body", 204, ``},
	{"404 without a code", "empty", 404, ``},
	{"404 without a code", "a page", 404, `<html>007_009</html>`},
	{"404 without a code", "a message only", 404, `{"message":"Previous transaction not found."}`},
	{"404 without a code", "a code of another form", 404, `{"code":"7_9"}`},
	{"404 without a code", "a code of letters", 404, `{"code":"NNN_NNN"}`},
	{"404 without a code", "a code with a letter at its end", 404, `{"code":"007_00O"}`},
	{"404 without a code", "a code with a newline", 404, `{"code":"007_009\n"}`},
	{"404 without a code", "a status for a code", 404, `{"code":"404"}`},
	{"404 without a code", "400", 400, `{"message":"Previous transaction not found."}`},
	{"404 without a code", "407 of a proxy", 407, ``},
	{"500 with a result", "500", 500, `{"result":"COMPLETED"}`},
	{"500 with a result", "and with success", 503, `{"code":"000_000","result":"FAILED"}`},
	{"500 with a result", "504 not found", 504, `{"code":"007_009"}`},

	{"a status the API has not", "201", 201, `{"result":"COMPLETED"}`},
	{"a status the API has not", "203", 203, `{"result":"COMPLETED"}`},
	{"a status the API has not", "206", 206, `{"result":"COMPLETED"}`},
	{"a status the API has not", "302 to nowhere", 302, `{"result":"COMPLETED"}`},
	{"a status the API has not", "302 with a refusal", 302, `{"code":"007_009"}`},
	{"a status the API has not", "202 with a refusal", 202, `{"code":"007_004"}`},
	{"a status the API has not", "304", 304, ``},
	{"a status the API has not", "600", 600, `{"result":"COMPLETED"}`},
}
