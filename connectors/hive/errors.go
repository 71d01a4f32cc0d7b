package hive

import (
	"cmp"
	"context"
	"errors"

	hm "github.com/beltran/gohive/hive_metastore"

	"github.com/featurehost/featurehost/connectors/hive/wire"
	"github.com/featurehost/featurehost/host/fault"
)

// unreachableError is a failure to connect.
type unreachableError struct{ err error }

func (e *unreachableError) Error() string { return e.err.Error() }
func (e *unreachableError) Unwrap() error { return e.err }

// errAbsent is in the tree of errors about what the metastore does not know.
var errAbsent = errors.New("the metastore knows no such thing")

// told gives an error of a call in the words of this room; about is what was
// asked for: database "x", table "x.y".
func (m *Metastore) told(ctx context.Context, err error, about string) error {
	if err == nil || fault.As(err) != nil {
		return err
	}
	if cerr := ctx.Err(); cerr != nil {
		if errors.Is(cerr, context.DeadlineExceeded) {
			e := fault.Wrap(cerr, Unreachable, "%s: no answer in the time that was left", about).At("%s", m.Name())
			e.Retry = true
			return e
		}
		return cerr
	}
	var denied *wire.DeniedError
	if errors.As(err, &denied) {
		return fault.New(AuthRefused, "user %q is not accepted: %s", m.config.Username, denied.Text).At("%s", m.Name()).
			WithHint("check auth, username and password")
	}
	var away *unreachableError
	if errors.As(err, &away) {
		e := fault.Wrap(away.err, Unreachable, "%s: the metastore cannot be reached", about).At("%s", m.Name()).
			WithHint("check that it runs and that the address is its Thrift port")
		e.Retry = true
		return e
	}
	if errors.Is(err, wire.ErrBroken) {
		e := fault.Wrap(err, Unreachable, "%s: the metastore gave no answer", about).At("%s", m.Name()).
			WithHint("check that it runs, and that auth = %q is how it knows its users", cmp.Or(m.config.Auth, "NOSASL"))
		e.Retry = true
		return e
	}
	if text, ok := ownWords(err); ok {
		if isAbsent(err) {
			return fault.Wrap(errAbsent, NoTable, "%s: %s", about, text).At("%s", m.Name())
		}
		return fault.New(Refused, "%s: %s", about, text).At("%s", m.Name())
	}
	return fault.Wrap(err, Refused, "%s", about).At("%s", m.Name())
}

// ownWords gives the message of an exception of the metastore.
func ownWords(err error) (string, bool) {
	var e interface {
		error
		GetMessage() string
	}
	if !errors.As(err, &e) {
		return "", false
	}
	if text := e.GetMessage(); text != "" {
		return text, true
	}
	return "it gives no reason", true
}

func isAbsent(err error) bool {
	var object *hm.NoSuchObjectException
	var table *hm.UnknownTableException
	var database *hm.UnknownDBException
	return errors.As(err, &object) || errors.As(err, &table) || errors.As(err, &database)
}

func isTaken(err error) bool {
	var taken *hm.AlreadyExistsException
	return errors.As(err, &taken)
}
