package config

// hive reads how a metastore, and where given HiveServer2, is reached.
func (d *decoder) hive(t *table, database, variable string) Hive {
	d.notEmpty(t, "metastore", "server", "database", "username", "password")
	h := Hive{
		Metastore: d.address(t, "metastore", "thrift", "9083"),
		Server:    d.address(t, "server", "", "10000"),
		Database:  d.setting(t, "database", variable, database),
		Auth:      d.setting(t, "auth", "", "NOSASL"),
		Username:  d.setting(t, "username", "", ""),
		Password:  d.secret(t, "password", ""),
	}
	switch has := func(key string) bool { return d.has(join(t.path, key)) || t.meant[key] }; {
	case h.Auth == "LDAP" && !(has("username") && has("password")):
		d.bad(t.path, atValue, MissingKey, "give both", `auth = "LDAP" needs "username" and "password"`)
	case h.Auth != "LDAP" && h.Auth != "":
		d.only(t, `auth = "LDAP"`, "password")
	}
	return h
}

// hiveTable reads what a reader of type "table" reads.
func (d *decoder) hiveTable(t *table) *Table {
	out := &Table{Name: t.val("table"), Where: t.val("where"), SQL: t.val("sql")}
	d.notEmpty(t, "table", "where", "sql")
	bySQL := d.has(join(t.path, "sql")) || t.meant["sql"]
	if hive, ok := get[*table](t, "hive"); ok {
		out.Hive = d.hive(hive, "default", "")
		if bySQL {
			d.needed(hive, "server", "", `add server = "host:port" of HiveServer2`, false)
		} else {
			d.needed(hive, "metastore", "", `add metastore = "thrift://host:port"`, false)
		}
	}
	d.exclusive(t, "table", "sql")
	d.needed(t, "table", "", `write table = "...", or sql = "SELECT ..."`, bySQL)
	d.onlyWith(t, `"where" chooses partitions of a table`, []string{"where"}, "table")
	return out
}

// hiveSink reads the catalogue that is told of a historical table.
func (d *decoder) hiveSink(t *table, layout string) *Hive {
	ht, ok := get[*table](t, "hive")
	if !ok {
		return nil
	}
	h := d.hive(ht, "feature_store", envDatabase)
	d.needed(ht, "metastore", "", `add metastore = "thrift://host:port"`, false)
	if layout == "flat" {
		d.bad(join(t.path, "hive"), atKey, Contradiction, `remove layout = "flat"`, "a metastore is told of partitions, which a flat table has not")
	}
	return &h
}
