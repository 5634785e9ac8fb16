package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// maxReason bounds the text that says why a trace is dead.
	maxReason = 1024
	// forNewerBuild is after what time a trace with a record of a newer build is due again, for a replica of that.
	forNewerBuild = time.Minute
)

// errSettlements is a programming error of the caller.
var errSettlements = errors.New("as many settlements as claims are needed")

// Settle writes what was learned of a claimed trace. held is false if the claim's token holds no longer: then nothing
// was written. A claim is settled once.
func (s *Store) Settle(ctx context.Context, claim Claim, settlement Settlement) (held bool, err error) {
	all, err := s.SettleAll(ctx, []Claim{claim}, []Settlement{settlement})
	if err != nil {
		return false, err
	}
	return all[0], nil
}

// SettleAll settles many claims in one round trip; held is aligned with them.
//
// Rows are taken over only if the trace has not changed since the claim; else they are left to the next claim, the trace
// is due now, and of a record that stands among Deliveries, too, that state is written. A trace that changed is due now instead of done or dead, too. One that holds a record of a newer
// build is left to a replica of that.
func (s *Store) SettleAll(ctx context.Context, claims []Claim, settlements []Settlement) (held []bool, err error) {
	if len(claims) != len(settlements) {
		return nil, errSettlements
	}
	calls := make([]*call, len(claims))
	now := time.Time{}
	for i := range claims {
		if _, err := s.backend(claims[i].Backend); err != nil {
			return nil, err
		}
		if len(settlements[i].TakenOver) > 0 && now.IsZero() {
			began := time.Now()
			now, err = s.client.Time(ctx).Result()
			if s.seen(began, err) != nil {
				return nil, fmt.Errorf("redis: %w", err)
			}
		}
		calls[i] = s.settleCall(&claims[i], &settlements[i], now.UTC())
	}
	if err := s.run(ctx, true, calls...); err != nil {
		return nil, fmt.Errorf("redis: %w", err)
	}
	held = make([]bool, len(calls))
	for i, c := range calls {
		held[i] = c.reply == int64(1)
	}
	return held, nil
}

func (s *Store) settleCall(claim *Claim, settlement *Settlement, now time.Time) *call {
	what, detail := "retry", any(max(0, settlement.RetryAfter.Milliseconds()))
	switch {
	case settlement.Dead != "":
		what, detail = "dead", settlement.Dead[:min(len(settlement.Dead), maxReason)]
	case settlement.Done && holdsNewer(claim):
		detail = forNewerBuild.Milliseconds()
	case settlement.Done:
		what = "done"
	}
	taken := s.takeOver(claim, settlement.TakenOver, now)
	args := []any{
		len(s.set.Backends), claim.Backend, claim.Token, claim.Revision, what, detail,
		s.putHead[0], s.putHead[4], taken.byPerson, taken.overriding,
	}
	for _, backend := range s.set.Backends {
		args = append(args, backend.Name)
	}
	// The letter of the protocol: a count, then the pairs.
	at := len(args)
	args = append(args, 0)
	count := 0
	for id, delivery := range settlement.Deliveries {
		if !validID(id) {
			continue
		}
		args = append(args, deliveryField(claim.Backend, id), appendDelivery(nil, &delivery))
		count++
	}
	args[at] = count
	args = append(args, len(taken.ids))
	args = append(args, taken.args...)
	shard := &s.shards[shardOf(claim.TraceID)]
	return &call{script: settleScript, keys: shard.keysOf(claim.TraceID), args: args}
}

// holdsNewer says whether the trace holds a record that only a newer build can deliver.
func holdsNewer(claim *Claim) bool {
	for id := range claim.Records {
		if version := claim.Records[id].Version; version > RecordVersion && version != unreadableVersion {
			return true
		}
	}
	return false
}

// takenOver are the script's arguments for rows that the backend decided.
type takenOver struct {
	ids        map[string]struct{}
	args       []any
	byPerson   int
	overriding int
}

// takeOver compares the rows with the claim's records: the script writes them only if these still stand.
func (s *Store) takeOver(claim *Claim, rows []Record, now time.Time) takenOver {
	taken := takenOver{ids: make(map[string]struct{}, len(rows))}
	added := 0
	for i := range rows {
		row := rows[i]
		if _, twice := taken.ids[row.ID]; twice || !validID(row.ID) || row.Name == "" {
			continue
		}
		old, known := claim.Records[row.ID]
		if known && old.Version > RecordVersion || !known && len(claim.Records)+added >= s.set.MaxPerTrace {
			continue
		}
		row.TraceID, row.Version = claim.TraceID, RecordVersion
		text := ""
		if !known || changed(&old, &row) {
			adopt(&old, &row, known, now)
			var ok bool
			if text, ok = fit(&row, s.set.MaxAssessmentSize); !ok {
				continue
			}
			if !known {
				added++
			}
			if row.Touched {
				taken.byPerson = 1
			}
			if row.Overrides != "" && (!known || old.Overrides == "") {
				taken.overriding++
			}
		}
		delivery := row.Backends[claim.Backend]
		taken.ids[row.ID] = struct{}{}
		taken.args = append(taken.args, row.ID, text, appendDelivery(nil, &delivery))
	}
	return taken
}

// changed says whether the row differs from the record in more than its delivery. A row whose loser went to the history
// differs in that alone.
func changed(old, row *Record) bool {
	return !sameContent(&old.Assessment, &row.Assessment) || old.Invalid != row.Invalid || old.Touched != row.Touched ||
		!old.Deleted.Equal(row.Deleted) || old.Author != row.Author || len(old.History) != len(row.History)
}

// adopt fills in what the caller does not know of a row that becomes a record.
func adopt(old, row *Record, known bool, now time.Time) {
	row.Revision = old.Revision + 1
	if row.CreateTime.IsZero() {
		row.CreateTime = now
	}
	if row.UpdateTime.IsZero() {
		row.UpdateTime = row.CreateTime
	}
	if !known {
		row.Touched = row.Touched || !row.Source.Type.Automated()
		return
	}
	row.Touched = true
	if row.Author == "" {
		row.Author = authorOf(&row.Assessment)
	}
	if len(row.History) <= len(old.History) && !sameContent(&old.Assessment, &row.Assessment) {
		row.History = append(append([]Change(nil), old.History...), Change{
			Time: now, Author: row.Author, Door: doorBackend, Reason: reasonBackend, Old: old.Assessment,
		})
	}
}
