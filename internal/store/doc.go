// Package store keeps assessments in Redis, one hash a trace, and the queue of traces whose assessments a tracking
// backend has not seen yet. Every change of a trace is one atomic script, so any number of replicas may write and
// deliver at once, and a repeated write changes nothing.
//
// # Keys
//
// The 64 shards are hash slots: all keys of a trace begin with `{<prefix>:NN}`, NN being picked by trace id.
//
//	{fb:07}:trace:<trace>           hash, expires
//	    subject                     what is known of the trace: revision, number of records, first and last seen, …
//	    <assessment id>             the record's content, a JSON document with a version
//	    .delivery:<backend>:<id>    the record's state with a backend, JSON
//	    .sync:<backend>             the claim of the trace: token, end of the lease, first due, deferrals
//	    .dead:<backend>             why the backend's loop gave the trace up
//	{fb:07}:recent                  zset of trace ids by the time of their last change
//	{fb:07}:pending                 zset of trace ids that nobody has seen, by the time they were told of
//	{fb:07}:sync:<backend>:human    zset of trace ids by the time they are due; auto likewise
//	{fb:07}:dead:<backend>          zset of trace ids by the time they were given up
//	fb:gate:<backend>               hash: pause, ramp and calls in flight of the whole backend
//	fb:refresh:<backend>            hash, expires: when the next step of re-reading may be taken, and where its passes are
//	fb:meta                         hash: record version, shards, backends with their endpoints
//
// A record's content and its delivery are two fields, because a delivery happens to every record and would otherwise
// rewrite the whole document. Scripts never decode a document: where an existing record has to be compared, the
// replica reads the trace, merges in Go, and the script writes only if the trace's revision is still the one read.
package store
