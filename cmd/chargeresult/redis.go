package main

import (
	"context"
	"net/url"
	"strings"
)

// quietRedis drops what the Redis client would print by itself: whatever matters comes back as an error too.
type quietRedis struct{}

// Printf implements the client's logger.
func (quietRedis) Printf(context.Context, string, ...any) {}

// redisAddress is the URL with the password in it, if that was given apart.
func redisAddress(c config) string {
	password := c.RedisPassword.Reveal()
	u, err := url.Parse(c.RedisURL.Reveal())
	if password == "" || err != nil {
		return c.RedisURL.Reveal()
	}
	if strings.HasSuffix(u.Scheme, "+sentinel") { // before the host stands what Sentinel itself asks for
		query := u.Query()
		query.Set("password", password)
		u.RawQuery = query.Encode()
		return u.String()
	}
	u.User = url.UserPassword(u.User.Username(), password)
	return u.String()
}
