package store

import (
	_ "embed"

	"github.com/redis/go-redis/v9"
)

var (
	//go:embed scripts/trace.lua
	traceSource string
	//go:embed scripts/queue.lua
	queueSource string
	//go:embed scripts/put.lua
	putSource string
	//go:embed scripts/claim.lua
	claimSource string
	//go:embed scripts/gone.lua
	goneSource string
	//go:embed scripts/giveback.lua
	giveBackSource string
	//go:embed scripts/forget.lua
	forgetSource string
	//go:embed scripts/settle.lua
	settleSource string
	//go:embed scripts/requeue.lua
	requeueSource string
	//go:embed scripts/admit.lua
	admitSource string
	//go:embed scripts/release.lua
	releaseSource string
	//go:embed scripts/pause.lua
	pauseSource string
	//go:embed scripts/turn.lua
	turnSource string
	//go:embed scripts/revisit.lua
	revisitSource string
	//go:embed scripts/review.lua
	reviewSource string
	//go:embed scripts/lease.lua
	leaseSource string
	//go:embed scripts/doubt.lua
	doubtSource string
	//go:embed scripts/restore.lua
	restoreSource string
	//go:embed scripts/index.lua
	indexSource string
	//go:embed scripts/held.lua
	heldSource string
	//go:embed scripts/hold.lua
	holdSource string
	//go:embed scripts/sweep.lua
	sweepSource string
	//go:embed scripts/heldgone.lua
	heldGoneSource string
	//go:embed scripts/drop.lua
	dropSource string
	//go:embed scripts/content.lua
	contentSource string
)

type script struct{ source, sha string }

func newScript(source string) script {
	source = traceSource + queueSource + source
	return script{source: source, sha: redis.NewScript(source).Hash()}
}

var (
	putScript      = newScript(putSource)
	claimScript    = newScript(claimSource)
	goneScript     = newScript(goneSource)
	giveBackScript = newScript(giveBackSource)
	forgetScript   = newScript(forgetSource)
	settleScript   = newScript(settleSource)
	requeueScript  = newScript(requeueSource)
	admitScript    = newScript(admitSource)
	releaseScript  = newScript(releaseSource)
	pauseScript    = newScript(pauseSource)
	turnScript     = newScript(turnSource)
	revisitScript  = newScript(revisitSource)
	reviewScript   = newScript(reviewSource)
	leaseScript    = newScript(leaseSource)
	doubtScript    = newScript(doubtSource)
	restoreScript  = newScript(restoreSource)
	indexScript    = newScript(indexSource)
	holdScript     = newScript(holdSource)
	sweepScript    = newScript(heldSource + sweepSource)
	heldGoneScript = newScript(heldGoneSource)
	dropScript     = newScript(heldSource + dropSource)
	contentScript  = newScript(contentSource)
)
