package config

// cassandra reads how the online store on Cassandra is reached.
func (d *decoder) cassandra(t *table) *Cassandra {
	d.notEmpty(t, "keyspace", "datacenter", "replication")
	c := &Cassandra{
		Hosts: d.addresses(t, "hosts", envHosts, "9042"), Keyspace: d.setting(t, "keyspace", envKeyspace, ""),
		Consistency: d.setting(t, "consistency", "", "LOCAL_QUORUM"), Concurrency: 64,
		Replication: d.setting(t, "replication", "", ""), Datacenter: d.setting(t, "datacenter", "", ""), TLS: d.tls(t),
	}
	c.Username, c.Password = d.user(t, envUsername, envPassword)
	if n, ok := get[int64](t, "concurrency"); ok {
		c.Concurrency = int(n)
	}
	d.needed(t, "hosts", envHosts, `write hosts = ["host:port"]`, len(c.Hosts) > 0)
	d.needed(t, "keyspace", envKeyspace, `write keyspace = "..."`, c.Keyspace != "")
	return c
}
