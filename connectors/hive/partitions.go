package hive

import (
	"context"
	"errors"
	"slices"

	hm "github.com/beltran/gohive/hive_metastore"

	"github.com/featurehost/featurehost/host/fault"
)

const (
	// page is how many partitions one call adds or drops.
	page = 200
	// Asked is how many partitions one call asks for, and so how many a reader
	// sees as they were at one moment.
	Asked = 1000
	// swapBytes bounds a call that changes partitions: a metastore takes
	// messages of 100 MB.
	swapBytes = 48 << 20
)

// PartitionNames lists the names of all partitions of a table, such as
// year=2024/month=1/day=31.
func (m *Metastore) PartitionNames(ctx context.Context, database, table string) (names []string, err error) {
	err = m.call(ctx, "get_partition_names", `partitions of "`+database+"."+table+`"`, 0, func(ctx context.Context, c *hm.ThriftHiveMetastoreClient) (err error) {
		names, err = c.GetPartitionNames(ctx, database, table, -1)
		return err
	})
	return names, err
}

// Partitions calls f with the partitions of those names that there are, in
// batches of Asked, in no order.
func (m *Metastore) Partitions(ctx context.Context, database, table string, names []string, f func([]*hm.Partition) error) error {
	for part := range slices.Chunk(names, Asked) {
		var got []*hm.Partition
		err := m.call(ctx, "get_partitions_by_names", `partitions of "`+database+"."+table+`"`, 0, func(ctx context.Context, c *hm.ThriftHiveMetastoreClient) (err error) {
			got, err = c.GetPartitionsByNames(ctx, database, table, part)
			return err
		})
		if err != nil {
			return err
		}
		if err := f(got); err != nil {
			return err
		}
	}
	return nil
}

// Partition gives the partition of these values, or nil when there is none (any
// more).
func (m *Metastore) Partition(ctx context.Context, database, table string, values []string) (p *hm.Partition, err error) {
	err = m.call(ctx, "get_partition", `a partition of "`+database+"."+table+`"`, 0, func(ctx context.Context, c *hm.ThriftHiveMetastoreClient) (err error) {
		p, err = c.GetPartition(ctx, database, table, values)
		return err
	})
	if errors.Is(err, errAbsent) {
		// Of a table that is not there, either, the answer is the same.
		_, err = m.Table(ctx, database, table)
		return nil, err
	}
	if err == nil && p == nil {
		return nil, fault.New(Refused, "a partition of %q: the metastore answers without one", database+"."+table).At("%s", m.Name())
	}
	return p, err
}

// AddPartitions adds those that are not there; the others stay as they are.
func (m *Metastore) AddPartitions(ctx context.Context, database, table string, list []*hm.Partition) error {
	for part := range slices.Chunk(list, page) {
		err := m.call(ctx, "add_partitions", `partitions of "`+database+"."+table+`"`, len(part), func(ctx context.Context, c *hm.ThriftHiveMetastoreClient) error {
			_, err := c.AddPartitionsReq(ctx, &hm.AddPartitionsRequest{DbName: database, TblName: table, Parts: part, IfNotExists: true})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// AlterPartitions changes partitions to what the list says, in one call and so
// in one transaction of the metastore, unless they are too many for a message.
func (m *Metastore) AlterPartitions(ctx context.Context, database, table string, list []*hm.Partition) error {
	for len(list) > 0 {
		n, bytes := 0, 0
		for n < len(list) && (n == 0 || bytes+sizeOf(list[n]) <= swapBytes) {
			bytes += sizeOf(list[n])
			n++
		}
		part := list[:n]
		list = list[n:]
		err := m.call(ctx, "alter_partitions", `partitions of "`+database+"."+table+`"`, n, func(ctx context.Context, c *hm.ThriftHiveMetastoreClient) error {
			return c.AlterPartitionsWithEnvironmentContext(ctx, database, table, part, noStatistics())
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sizeOf is about what a partition takes in a message.
func sizeOf(p *hm.Partition) int {
	n := 1000 + len(p.Sd.Location)
	for _, c := range p.Sd.Cols {
		n += 40 + len(c.Name) + len(c.Type) + len(c.Comment)
	}
	return n
}

// DropPartitions forgets those of the names that there are. Their files stay.
func (m *Metastore) DropPartitions(ctx context.Context, database, table string, names []string) error {
	keep := false
	for part := range slices.Chunk(names, page) {
		err := m.call(ctx, "drop_partitions", `partitions of "`+database+"."+table+`"`, len(part), func(ctx context.Context, c *hm.ThriftHiveMetastoreClient) error {
			_, err := c.DropPartitionsReq(ctx, &hm.DropPartitionsRequest{DbName: database, TblName: table,
				Parts: &hm.RequestPartsSpec{Names: part}, DeleteData: &keep, IfExists: true})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
