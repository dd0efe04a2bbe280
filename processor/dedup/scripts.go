package dedup

import (
	"crypto/sha1"
	_ "embed"
	"encoding/hex"
)

var (
	//go:embed sentinel.lua
	sentinelLua string
	//go:embed guard.lua
	guardLua string
	//go:embed lease.lua
	leaseLua string
	//go:embed claim.lua
	claimLua string
	//go:embed settle.lua
	settleLua string
	//go:embed incarnation.lua
	incarnationLua string
	//go:embed begin.lua
	beginLua string
	//go:embed finish.lua
	finishLua string
	//go:embed abandon.lua
	abandonLua string
)

// script is a script in Lua, with its name for people, and the one under which a server that has run it knows it.
type script struct{ name, source, sha string }

func newScript(name, source string) script {
	sum := sha1.Sum([]byte(source)) // as EVALSHA wants it; nothing here is secret
	return script{name, source, hex.EncodeToString(sum[:])}
}

// scripts are what runs on the server. What claims stands behind the guard, what rebuilds behind the lease.
type scripts struct {
	claim, settle, incarnation      script
	begin, restore, finish, abandon script
}

func newScripts() scripts {
	guarded := sentinelLua + guardLua
	leased := sentinelLua + leaseLua
	return scripts{
		claim:       newScript("claim", guarded+claimLua),
		settle:      newScript("settle", guarded+settleLua),
		incarnation: newScript("incarnation", guarded+incarnationLua),
		begin:       newScript("begin", sentinelLua+beginLua),
		restore:     newScript("restore", leased+settleLua),
		finish:      newScript("finish", leased+finishLua),
		abandon:     newScript("abandon", abandonLua),
	}
}
