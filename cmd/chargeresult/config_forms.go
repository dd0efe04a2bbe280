package main

import (
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/chargeresult/chargeresult/processor/dedup"
)

// form is what a text must look like.
type form struct {
	want string // as people read it
	ok   func(string) bool
}

// The forms of the settings' texts.
var (
	hostPort = form{"host:port", isHostPort}
	// kafkaName is what Kafka allows for topics; groups and instance IDs keep to it, since they are part of Redis keys and transactional IDs.
	kafkaName = form{"1 to 249 letters, digits, dots, underscores or hyphens", isKafkaName}
	// retryPrefix leaves room for a delay.
	retryPrefix = form{"1 to 230 letters, digits, dots, underscores or hyphens", func(s string) bool { return len(s) <= 230 && isKafkaName(s) }}
	listen      = form{"host:port or :port", isListen}
	baseURL     = form{"an absolute http or https URL without user, query or fragment", isBaseURL}
	traceURL    = form{"an absolute http or https URL that holds {trace_id}", isTraceURL}
	jsonPointer = form{"a JSON pointer (RFC 6901) such as /data/id", regexp.MustCompile(`^(/([^~]|~[01])*)+$`).MatchString}
	codePattern = form{"a Konaplate code such as 007_009, or a prefix such as 007_*", regexp.MustCompile(`^\d{3}_(\d{3}|\d{0,2}\*)$`).MatchString}
	redisURL    = form{
		"redis://[user:password@]host[:port][/database], or rediss:// for TLS, redis+sentinel://…?master_name=…&addr=…, redis+cluster://…?addr=…",
		func(s string) bool { return dedup.CheckURL(s) == nil },
	}
	path    = form{"a path of a readable file", func(string) bool { return true }} // whether it is one shows when it is read
	nonzero = form{"a text", func(s string) bool { return s != "" && utf8.ValidString(s) }}
	token   = form{"1 to 256 visible ASCII characters", func(s string) bool { return len(s) <= 256 && visible(s, len(s)) }}
)

func visibleASCII(length int) form {
	return form{strconv.Itoa(length) + " visible ASCII characters", func(s string) bool { return visible(s, length) }}
}

func visible(s string, length int) bool {
	return len(s) == length && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func isHostPort(s string) bool {
	host, _, err := net.SplitHostPort(s)
	return err == nil && host != "" && isListen(s)
}

func isListen(s string) bool {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

func isKafkaName(s string) bool {
	return kafkaNamePattern.MatchString(s) && s != "." && s != ".."
}

var kafkaNamePattern = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

func isBaseURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// isTraceURL looks at an address as it will be, with an ID in its place. A user has no place in it: everybody who sees the page would.
func isTraceURL(s string) bool {
	u, err := url.Parse(strings.ReplaceAll(s, traceIDPlace, "0"))
	return err == nil && strings.Contains(s, traceIDPlace) && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil
}

// traceIDPlace is where a trace's ID belongs in its address.
const traceIDPlace = "{trace_id}"
