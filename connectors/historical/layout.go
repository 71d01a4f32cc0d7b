package historical

import (
	"context"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/featurehost/featurehost/host/flow"
)

const (
	partFile    = "part-0.parquet"
	hiveNull    = "__HIVE_DEFAULT_PARTITION__"
	partitioned = "partitioned"
	flat        = "flat"
)

// noDay stands for rows without a timestamp; they form a partition of their own.
const noDay = flow.Day(math.MinInt32)

// tableKey is the folder that readers see.
func tableKey(entity, set string) string { return "historical/" + entity + "/" + set }

// homeKey is the folder of what readers must not see.
func homeKey(entity, set string) string { return "_featurehost/" + entity + "/" + set }

func pendingKey(entity, set, run string) string {
	return homeKey(entity, set) + "/pending/" + run
}

func trashKey(entity, set, run string) string { return homeKey(entity, set) + "/trash/" + run }

// dayPath is the folder of a day below the table (S-1201).
func dayPath(d flow.Day) string {
	if d == noDay {
		return "year=" + hiveNull + "/month=" + hiveNull + "/day=" + hiveNull
	}
	y, m, day := d.Date()
	return fmt.Sprintf("year=%d/month=%d/day=%d", y, m, day)
}

// dirs tells the names in folders; absent ones are empty.
type dirs interface {
	ReadDir(ctx context.Context, key string) ([]string, error)
}

// storedDay is a day's folder as found on disk. Its path is dayPath(day)
// unless another tool wrote it, with zero padding for example.
type storedDay struct {
	day  flow.Day
	path string
}

// listDays finds the day folders of a table, by day, then by path. loose
// reports files directly in the table's folder: the flat layout.
func listDays(ctx context.Context, f dirs, table string) (days []storedDay, loose bool, err error) {
	years, err := f.ReadDir(ctx, table)
	if err != nil {
		return nil, false, err
	}
	for _, y := range years {
		if strings.HasSuffix(y, ".parquet") {
			loose = true
		}
		if !strings.HasPrefix(y, "year=") {
			continue
		}
		months, err := f.ReadDir(ctx, table+"/"+y)
		if err != nil {
			return nil, false, err
		}
		for _, m := range months {
			if !strings.HasPrefix(m, "month=") {
				continue
			}
			ds, err := f.ReadDir(ctx, table+"/"+y+"/"+m)
			if err != nil {
				return nil, false, err
			}
			for _, d := range ds {
				path := y + "/" + m + "/" + d
				if day, ok := parseDay(y, m, d); ok {
					days = append(days, storedDay{day, path})
				}
			}
		}
	}
	sort.Slice(days, func(i, j int) bool {
		if days[i].day != days[j].day {
			return days[i].day < days[j].day
		}
		return days[i].path < days[j].path
	})
	return days, loose, nil
}

// parseDay reads the three folder names of a day, with or without padding.
func parseDay(year, month, day string) (flow.Day, bool) {
	y, m, d := strings.TrimPrefix(year, "year="), strings.TrimPrefix(month, "month="), strings.TrimPrefix(day, "day=")
	if y == hiveNull && m == hiveNull && d == hiveNull {
		return noDay, true
	}
	yn, e1 := strconv.ParseUint(y, 10, 16)
	mn, e2 := strconv.ParseUint(m, 10, 8)
	dn, e3 := strconv.ParseUint(d, 10, 8)
	if e1 != nil || e2 != nil || e3 != nil || !strings.HasPrefix(day, "day=") || yn < 1 || yn > 10000 { // a window that an event of the last day enters ends in 10000
		return 0, false
	}
	t := time.Date(int(yn), time.Month(mn), int(dn), 0, 0, 0, 0, time.UTC)
	if t.Year() != int(yn) || t.Month() != time.Month(mn) || t.Day() != int(dn) {
		return 0, false // the 31st of a month with 30 days
	}
	return flow.DayOf(t.UnixMicro()), true
}
