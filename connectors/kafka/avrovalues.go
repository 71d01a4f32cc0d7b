package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/featurehost/featurehost/connectors/avro"
	"github.com/featurehost/featurehost/host/fault"
)

// Limits of what is believed and remembered of schemas that a registry does not
// know.
const (
	// askAgain is the pause before such a schema is asked for once more: a
	// registry of several servers may not have it everywhere yet.
	askAgain = time.Second
	// unknownFor is how long such an answer holds.
	unknownFor = time.Minute
	// mostUnknown is how many of them hold at a time. Messages that begin with a
	// zero byte and are nothing of a registry's may have a number of their own
	// each: beyond so many in that time only numbers of the topic's own subject
	// are asked for.
	mostUnknown = 1000
)

// avroValues reads messages that begin with a zero byte and the number of their
// schema.
type avroValues struct {
	registry *registry
	subject  string
	decoder  *avro.Decoder
	plans    map[int32]planned
}

// planned is a plan, or why there will never be one.
type planned struct {
	plan   *avro.Plan
	reason string
}

// schemaNumber reads the number that a message begins with, and gives a reason
// when it begins with none.
func schemaNumber(b []byte) (id int32, reason string) {
	if len(b) < 5 || b[0] != 0 {
		return 0, "the value does not begin with a zero byte and the number of a schema"
	}
	if id = int32(binary.BigEndian.Uint32(b[1:])); id <= 0 {
		return 0, fmt.Sprintf("the value begins with %d, which is no number of a schema", id)
	}
	return id, ""
}

// madeBytes ends a batch of Avro early: a few bytes may stand for a long default,
// or for a record whose JSON names all its fields.
const madeBytes = 2 * batchBytes

func (a *avroValues) decode(ctx context.Context, g *gathered, from int) (decoded, error) {
	unknown, err := a.learn(ctx, g, from)
	if err != nil {
		return decoded{}, err
	}
	out := decoded{dense: true, to: from}
	v := &g.values
	for ; out.to < g.rows() && a.decoder.Bytes() < madeBytes; out.to++ {
		b := v.data[v.ends[out.to]:v.ends[out.to+1]]
		id, reason := schemaNumber(b)
		p := a.plans[id]
		switch {
		case reason != "":
		case unknown[id] != "":
			reason = unknown[id]
		case p.plan == nil:
			reason = p.reason
		default:
			err := a.decoder.Append(p.plan, b[5:])
			if fault.Is(err, avro.Full) {
				out.columns = a.decoder.Arrays()
				return out, nil // it is the first of the next batch
			}
			if err != nil {
				reason = fault.As(err).Message
			}
		}
		if reason != "" {
			out.bad = append(out.bad, badRow{out.to, reason})
		}
	}
	out.columns = a.decoder.Arrays()
	return out, nil
}

// learn makes the plans of messages from a row on. Of a number that the registry does not
// know it gives the reason for which the messages are bad. A registry that gives
// any other answer, or none, is an error: nothing can be said of its messages.
func (a *avroValues) learn(ctx context.Context, g *gathered, from int) (unknown map[int32]string, err error) {
	if len(a.plans) > mostKept {
		clear(a.plans)
	}
	v := &g.values
	var doubtful []int32
	asked := map[int32]bool{}
	var own map[int32]bool // numbers of the topic's subject; nil until they matter
	for i := from; i < g.rows(); i++ {
		id, bad := schemaNumber(v.data[v.ends[i]:v.ends[i+1]])
		if _, ok := a.plans[id]; ok || bad != "" || asked[id] {
			continue
		}
		asked[id] = true
		reason, many := a.registry.lacks(id, len(doubtful))
		if many {
			if own == nil {
				if own, err = a.registry.numbers(ctx, a.subject); err != nil {
					return nil, err
				}
			}
			if !own[id] {
				reason = fmt.Sprintf("%q has no schema %d, and the registry was not asked for others: it did not know %d of them within %s", a.subject, id, mostUnknown, unknownFor)
			}
		}
		if reason != "" {
			unknown = with(unknown, id, reason)
			continue
		}
		ok, err := a.plan(ctx, id)
		if err != nil {
			return nil, err
		}
		if !ok {
			doubtful = append(doubtful, id)
		}
	}
	if len(doubtful) == 0 {
		return unknown, nil
	}
	if !sleep(ctx, askAgain) {
		return nil, context.Cause(ctx)
	}
	for _, id := range doubtful {
		ok, err := a.plan(ctx, id)
		if err != nil {
			return nil, err
		}
		if !ok {
			unknown = with(unknown, id, a.registry.forget(id))
		}
	}
	return unknown, nil
}

func with(m map[int32]string, id int32, reason string) map[int32]string {
	if m == nil {
		m = map[int32]string{}
	}
	m[id] = reason
	return m
}

// plan asks for a schema and plans for it, or remembers why it can never be
// read; false when the registry does not know it.
func (a *avroValues) plan(ctx context.Context, id int32) (known bool, err error) {
	s, err := a.registry.schema(ctx, id)
	var p planned
	if err == nil {
		p.plan, err = a.decoder.Plan(s)
	}
	var never unread
	e := fault.As(err)
	switch {
	case err == nil:
	case errors.Is(err, errNoSchema):
		return false, nil
	case e == nil, e.Code == RegistryFailed && !errors.As(err, &never):
		return false, err
	default:
		p.reason = e.Message
		if never != "" {
			p.reason += ": " + never.Error()
		}
		if e.Place != "" {
			p.reason = e.Place + ": " + p.reason
		}
	}
	a.plans[id] = p
	return true, nil
}

// lacks tells why messages of a schema are bad, without a question: because the
// registry did not know it a moment ago. many says that it did not know so many
// others either that this one should not be asked for lightly; more are those
// about to be found unknown.
func (r *registry) lacks(id int32, more int) (reason string, many bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if until, ok := r.unknown[id]; ok && now.Before(until) {
		return unknownReason(id), false
	}
	if r.byID[id] != nil || len(r.unknown)+more < mostUnknown {
		return "", false
	}
	for k, until := range r.unknown {
		if !now.Before(until) {
			delete(r.unknown, k)
		}
	}
	return "", len(r.unknown)+more >= mostUnknown
}

// forget remembers for a while that the registry does not know a schema.
func (r *registry) forget(id int32) (reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unknown[id] = time.Now().Add(unknownFor)
	return unknownReason(id)
}

func unknownReason(id int32) string { return fmt.Sprintf("the registry knows no schema %d", id) }
