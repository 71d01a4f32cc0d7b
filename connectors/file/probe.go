package file

import (
	"context"

	"github.com/featurehost/featurehost/connectors/blob/s3store"
	"github.com/featurehost/featurehost/host/flow"
)

var _ flow.Prober = (*Reader)(nil)

// Probe implements flow.Prober. Files of this machine are on no server.
func (r *Reader) Probe(ctx context.Context) ([]flow.Finding, error) {
	if !s3store.Is(r.cfg.Path) {
		return nil, nil
	}
	bucket, _, err := s3store.Split(r.cfg.Path)
	if err != nil {
		return nil, r.placed(err)
	}
	s, err := r.pool.Open("s3://"+bucket, r.cfg.S3)
	if err != nil {
		return nil, r.placed(err)
	}
	defer func() { _ = s.Close() }() // it holds nothing but connections
	return []flow.Finding{s.Probe(ctx)}, nil
}
