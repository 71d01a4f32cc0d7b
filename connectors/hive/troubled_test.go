package hive_test

import (
	"context"
	"strings"
	"testing"

	hm "github.com/beltran/gohive/hive_metastore"

	"github.com/featurehost/featurehost/config"
	"github.com/featurehost/featurehost/connectors/hive"
	"github.com/featurehost/featurehost/connectors/servertest"
	"github.com/featurehost/featurehost/host/fault"
)

// troubled is a metastore whose database refuses some calls: two transactions
// that wait for each other, which no test can bring about in a real one.
type troubled struct {
	servertest.SilentMetastore
	refused, asked int
	no             error
}

func (s *troubled) GetPartitionNames(context.Context, string, string, int16) ([]string, error) {
	s.asked++
	if s.asked <= s.refused {
		return nil, s.no
	}
	return []string{"year=2024"}, nil
}

func TestMetastore_ItsDatabaseRefuses_AskedAgain(t *testing.T) {
	deadlock := &hm.MetaException{Message: "Exception rolling back to savepoint"}
	for name, c := range map[string]struct {
		refused, asked int
		no             error
		want           string
	}{
		"once":   {1, 2, deadlock, ""},
		"twice":  {2, 3, deadlock, ""},
		"always": {100, 4, deadlock, "rolling back to savepoint"},
		"absent": {100, 1, &hm.NoSuchObjectException{Message: "no table"}, "no table"},
	} {
		t.Run(name, func(t *testing.T) {
			handler := &troubled{refused: c.refused, no: c.no}
			m, err := hive.NewMetastore(config.Hive{Metastore: servertest.ServeMetastore(t, handler)}, hive.DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			names, err := m.PartitionNames(t.Context(), "db", "spend")
			if c.want == "" && (err != nil || len(names) != 1) {
				t.Error(names, err)
			}
			if c.want != "" && (!fault.Is(err, hive.Refused) && !fault.Is(err, hive.NoTable) || !strings.Contains(err.Error(), c.want)) {
				t.Error(err)
			}
			if handler.asked != c.asked {
				t.Errorf("asked %d times", handler.asked)
			}
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
