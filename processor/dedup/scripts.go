package dedup

import (
	_ "embed"

	"github.com/redis/go-redis/v9"
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

// scripts are what runs on the server. What claims stands behind the guard, what rebuilds behind the lease.
type scripts struct {
	claim, settle, incarnation      *redis.Script
	begin, restore, finish, abandon *redis.Script
}

func newScripts() scripts {
	guarded := sentinelLua + guardLua
	leased := sentinelLua + leaseLua
	return scripts{
		claim:       redis.NewScript(guarded + claimLua),
		settle:      redis.NewScript(guarded + settleLua),
		incarnation: redis.NewScript(guarded + incarnationLua),
		begin:       redis.NewScript(sentinelLua + beginLua),
		restore:     redis.NewScript(leased + settleLua),
		finish:      redis.NewScript(leased + finishLua),
		abandon:     redis.NewScript(abandonLua),
	}
}
