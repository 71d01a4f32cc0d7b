package blobtest

import (
	"fmt"
	"strings"

	"github.com/featurehost/featurehost/connectors/blob"
)

// Durable reads operations in order and reports every move of a file or
// folder that happened while bytes or entries below it were not yet synced:
// a power loss after such a move could show half a file under its new name.
func Durable(ops []blob.Op) []string {
	dirty := map[string]string{} // key -> what is not on disk
	var bad []string
	for _, op := range ops {
		switch op.Kind {
		case blob.Create, blob.Write:
			dirty[op.Key] = "file not synced"
			if op.Kind == blob.Create {
				dirty[parent(op.Key)] = "entry not synced"
			}
		case blob.MakeDir:
			dirty[parent(op.Key)] = "entry not synced"
		case blob.Sync, blob.SyncDir:
			delete(dirty, op.Key)
		case blob.Remove:
			delete(dirty, op.Key)
		case blob.Link, blob.Rename, blob.Exchange:
			for key, why := range dirty {
				if key == op.Key || strings.HasPrefix(key, op.Key+"/") {
					bad = append(bad, fmt.Sprintf("%s: %s: %s", op, key, why))
				}
			}
			dirty[parent(op.To)] = "entry not synced"
		}
	}
	return bad
}

func parent(key string) string {
	if i := strings.LastIndexByte(key, '/'); i >= 0 {
		return key[:i]
	}
	return ""
}
