package server2

import (
	"context"
	"io"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	hs "github.com/beltran/gohive/hiveserver"

	"github.com/featurehost/featurehost/connectors/hive"
	"github.com/featurehost/featurehost/host/fault"
)

// Result is the rows of a statement, fetched as they are asked for.
type Result struct {
	s       *Session
	handle  *hs.TOperationHandle
	schema  *arrow.Schema
	columns []column
}

// Query runs a statement and returns when its rows can be fetched.
func (s *Session) Query(ctx context.Context, sql string) (*Result, error) {
	const about = "the statement is not run"
	var out *hs.TExecuteStatementResp
	err := s.do(ctx, about, func(ctx context.Context, c *hs.TCLIServiceClient) (status *hs.TStatus, err error) {
		out, err = c.ExecuteStatement(ctx, &hs.TExecuteStatementReq{SessionHandle: s.handle, Statement: sql, RunAsync: true})
		if err != nil {
			return nil, err
		}
		return out.Status, nil
	})
	if err != nil {
		return nil, err
	}
	r := &Result{s: s, handle: out.OperationHandle}
	if r.handle == nil {
		return nil, s.refused(about, "")
	}
	if err := r.wait(ctx, about); err != nil {
		r.cancel()
		return nil, err
	}
	if !r.handle.HasResultSet { // the server hangs up when it is asked for columns
		_ = r.Close()
		return nil, badResult("the statement gives no rows").At("%s", s.Name()).WithHint("a SELECT is needed")
	}
	if err := r.describe(ctx); err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

// wait returns when the statement has ended well.
func (r *Result) wait(ctx context.Context, about string) error {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		var out *hs.TGetOperationStatusResp
		err := r.s.do(ctx, about, func(ctx context.Context, c *hs.TCLIServiceClient) (status *hs.TStatus, err error) {
			out, err = c.GetOperationStatus(ctx, &hs.TGetOperationStatusReq{OperationHandle: r.handle})
			if err != nil {
				return nil, err
			}
			return out.Status, nil
		})
		if err != nil {
			return err
		}
		switch out.GetOperationState() {
		case hs.TOperationState_FINISHED_STATE:
			return nil
		case hs.TOperationState_INITIALIZED_STATE, hs.TOperationState_RUNNING_STATE, hs.TOperationState_PENDING_STATE:
		case hs.TOperationState_CANCELED_STATE, hs.TOperationState_CLOSED_STATE, hs.TOperationState_TIMEDOUT_STATE:
			return r.s.refused(about, "the server has ended it: "+out.GetOperationState().String()+" "+out.GetErrorMessage())
		default:
			return r.s.refused(about, out.GetErrorMessage())
		}
		select {
		case <-ctx.Done():
			return r.s.told(ctx, ctx.Err(), about)
		case <-time.After(pause):
		}
	}
}

// describe asks for the columns.
func (r *Result) describe(ctx context.Context) error {
	var out *hs.TGetResultSetMetadataResp
	err := r.s.do(ctx, "the columns are not told", func(ctx context.Context, c *hs.TCLIServiceClient) (status *hs.TStatus, err error) {
		out, err = c.GetResultSetMetadata(ctx, &hs.TGetResultSetMetadataReq{OperationHandle: r.handle})
		if err != nil {
			return nil, err
		}
		return out.Status, nil
	})
	if err != nil {
		return err
	}
	r.schema, r.columns, err = columnsOf(out.Schema)
	if f := fault.As(err); f != nil {
		f.Place = r.s.Name()
	}
	return err
}

// Schema tells the columns, under their names without a table's.
func (r *Result) Schema() *arrow.Schema { return r.schema }

// Next gives up to so many rows, which the caller releases; io.EOF ends them.
func (r *Result) Next(ctx context.Context, rows int) (arrow.RecordBatch, error) {
	var out *hs.TFetchResultsResp
	err := r.s.do(ctx, "the rows are not given", func(ctx context.Context, c *hs.TCLIServiceClient) (status *hs.TStatus, err error) {
		out, err = c.FetchResults(ctx, &hs.TFetchResultsReq{OperationHandle: r.handle, Orientation: hs.TFetchOrientation_FETCH_NEXT, MaxRows: int64(rows)})
		if err != nil {
			return nil, err
		}
		return out.Status, nil
	})
	if err != nil {
		return nil, err
	}
	// "More rows" is never set by a server that streams: no rows are the end.
	if out.Results == nil {
		return nil, io.EOF
	}
	batch, err := r.batch(out.Results.Columns)
	if f := fault.As(err); f != nil && f.Place == "" {
		f.Place = r.s.Name()
	}
	if err == nil && batch.NumRows() == 0 {
		batch.Release()
		return nil, io.EOF
	}
	return batch, err
}

// cancel tells the server that the statement is not wanted any more.
func (r *Result) cancel() {
	if !r.s.conn.Broken() {
		_ = r.s.conn.Do(context.Background(), partingLimit, func(ctx context.Context) error {
			_, err := hs.NewTCLIServiceClient(r.s.conn.Client).CancelOperation(ctx, &hs.TCancelOperationReq{OperationHandle: r.handle})
			return err
		})
	}
	_ = r.Close()
}

// Close gives the result back to the server. The session may run another
// statement then.
func (r *Result) Close() error {
	if r.handle == nil || r.s.conn.Broken() {
		return nil
	}
	handle := r.handle
	r.handle = nil
	return r.s.conn.Do(context.Background(), partingLimit, func(ctx context.Context) error {
		_, err := hs.NewTCLIServiceClient(r.s.conn.Client).CloseOperation(ctx, &hs.TCloseOperationReq{OperationHandle: handle})
		return err
	})
}

// badResult is an error about a value or a column.
func badResult(format string, args ...any) *fault.Error {
	return fault.New(hive.BadResult, format, args...)
}
