// Package store keeps assessments in Redis, one hash a trace, and the queue of traces whose assessments a tracking
// backend has not seen yet. Every change of a trace is one atomic script, so any number of replicas may write and
// deliver at once, and a repeated write changes nothing.
//
// # Keys
//
// The 64 shards are hash slots: all keys of a trace begin with `{<prefix>:NN}`, NN being picked by trace id; those of a
// value that spans are found by likewise, NN being picked by the value's digest.
//
//	{fb:07}:trace:<trace>           hash, expires
//	    subject                     what is known of the trace: revision, number of records, first and last seen, …
//	    <assessment id>             the record's content, a JSON document with a version
//	    .delivery:<backend>:<id>    the record's state with a backend, JSON
//	    .sync:<backend>             the claim of the trace: token, end of the lease, first due, deferrals
//	    .dead:<backend>             why the backend's loop gave the trace up
//	    .review:<rule>              why the trace was put into a review queue, JSON
//	    .reviewed:<backend>         of one that stands in a queue, the last change that the review rules looked at
//	{fb:07}:content:<trace>         hash, expires with the trace: what the spans were asked and answered, by span id
//	{fb:07}:recent                  zset of trace ids by the time of their last change, or last look at the review queue
//	                                that they stand in
//	{fb:07}:pending                 zset of trace ids that nobody has seen, by the time they were told of
//	{fb:07}:sync:<backend>:human    zset of trace ids by the time they are due; auto likewise
//	{fb:07}:dead:<backend>          zset of trace ids by the time they were given up
//	{fb:07}:review:<backend>        zset of trace ids by the time the review rules look at them again
//	{fb:07}:index:<digest>          text, expires: the spans that have a value, a line of time, trace and span each
//	{fb:07}:index                   zset of digests by the time of their last span
//	{fb:07}:held:<digest>           hash, expires: the feedback by assessment id that waits for a span with the value
//	{fb:07}:held                    zset of "digest id" by the time they are given up
//	{fb:07}:held:ready              zset of digests that a span has come for, by the time they are due
//	{fb:07}:held:dead               list of what was given up, newest first, bounded, expires
//	fb:gate:<backend>               hash: pause, ramp and calls in flight of the whole backend
//	fb:doubt:<backend>          hash, expires: rows that were found missing lately, and until when none is believed
//	fb:refresh:<backend>            hash, expires: when the next step of re-reading may be taken, and where its passes are
//	fb:review:<backend>:places      hash, expires: how far the review rules have come, by shard
//	fb:review:<backend>:queues      hash, expires: the review queues by the time of the last look at each
//	fb:review:<backend>:lease       the replica that works on the review rules, expires
//	fb:meta                         hash: record version, shards, backends with their endpoints, notes
//
// A record's content and its delivery are two fields, because a delivery happens to every record and would otherwise
// rewrite the whole document. Scripts never decode a document: where an existing record has to be compared, the
// replica reads the trace, merges in Go, and the script writes only if the trace's revision is still the one read.
//
// A script is told the keys that it works on, so that a cluster refuses it as a whole while it moves their slot. Those
// that find their keys in a list (claim, sweep, the bounds of queue and index) take a key that is not there for one that
// may be elsewhere: what is to go for good goes by a second script that is told the keys.
package store
