package cassandra

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/featurehost/featurehost/connectors/servertest"
)

// Cassandra answers requests that were queued over a pause of more than its own
// limit (native_transport_timeout, 12 s) in a way that closes the connection.
// They are made again.
func TestInsert_QueuedOverAPause_MadeAgain(t *testing.T) {
	own := servertest.Own(t, "cassandra", "CASSANDRA_SYNC=1")
	s := storeOn(t, own.Addr)
	s.cql("CREATE TABLE %k.x (id int PRIMARY KEY, v int)")
	s.raw(func(c *session) {
		const writers = 1500 // more than Cassandra has threads, so that they queue
		errs := make([]error, writers)
		frozen := make(chan struct{})
		var all, begun sync.WaitGroup
		begun.Add(writers)
		for i := range writers {
			id := cell{0, 0, byte(i >> 8), byte(i)}
			all.Go(func() {
				begun.Done()
				for n := 0; errs[i] == nil; n++ {
					select {
					case <-frozen:
						if n > 0 {
							return
						}
					default:
					}
					v := cell{0, 0, 0, byte(n)}
					errs[i] = c.insert(context.Background(), "INSERT INTO "+s.cfg.Cassandra.Keyspace+".x (id, v) VALUES (?, ?)", id, []any{&id, &v})
				}
			})
		}
		begun.Wait()
		time.Sleep(400 * time.Millisecond)
		own.Freeze()
		close(frozen)
		time.Sleep(15 * time.Second)
		own.Thaw()
		all.Wait()
		for i, err := range errs {
			if err != nil {
				t.Fatalf("writer %d: %v", i, err)
			}
		}
	})
}
