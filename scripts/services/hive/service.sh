# Apache Hive 4.0.1: metastore and HiveServer2 in one process, over an embedded
# Derby; queries run inside it (MapReduce, local).
#   HIVE_HEAP                   default 768m
#   HIVE_AUTH                   NONE (default: SASL PLAIN, any user), NOSASL or LDAP
#   HIVE_LDAP_URL, HIVE_LDAP_BASE  with LDAP: as the service ldap prints them in
#                               FEATUREHOST_LDAP and FEATUREHOST_LDAP_BASE
#   HIVE_METASTORE_ONLY=1       no HiveServer2
#   FEATUREHOST_S3_ENDPOINT, FEATUREHOST_S3_ACCESS_KEY, FEATUREHOST_S3_SECRET_KEY
#                               the server behind s3a:// and s3:// locations

fetch() { fetch_jars; }

configure() {
	port HIVE_METASTORE_PORT
	port HIVE_SERVER_PORT
	local conf=$STATE/conf
	mkdir -p "$conf" "$STATE/warehouse" "$STATE/external" "$STATE/scratch"
	{
		echo '<configuration>'
		property fs.defaultFS file:///
		property hadoop.tmp.dir "$STATE/tmp"
		property mapreduce.framework.name local
		s3a
		echo '</configuration>'
	} >"$conf/core-site.xml"
	{
		echo '<configuration>'
		# The metastore: made on the first start, no housekeeping.
		property javax.jdo.option.ConnectionURL "jdbc:derby:;databaseName=$STATE/derby;create=true"
		property javax.jdo.option.ConnectionDriverName org.apache.derby.jdbc.EmbeddedDriver
		property datanucleus.schema.autoCreateAll true
		property hive.metastore.schema.verification false
		property metastore.thrift.bind.host "$HOST"
		property metastore.task.threads.always org.apache.hadoop.hive.metastore.events.EventCleanerTask
		property metastore.housekeeping.threads.on false
		property metastore.compactor.initiator.on false
		property metastore.server.min.threads 4
		property metastore.thrift.http.port 0
		property metastore.async.log.enabled false
		property hive.async.log.enabled false
		property hive.metastore.uris "thrift://$HOST:$HIVE_METASTORE_PORT"
		property hive.metastore.warehouse.dir "file://$STATE/warehouse"
		property hive.metastore.warehouse.external.dir "file://$STATE/external"
		property hive.msck.path.validation ignore
		# HiveServer2: binary Thrift, no web page, nothing started ahead.
		property hive.server2.thrift.bind.host "$HOST"
		property hive.server2.thrift.port "$HIVE_SERVER_PORT"
		property hive.server2.authentication "${HIVE_AUTH:-NONE}"
		if [ "${HIVE_AUTH:-}" = LDAP ]; then
			property hive.server2.authentication.ldap.url "${HIVE_LDAP_URL:?with HIVE_AUTH=LDAP}"
			property hive.server2.authentication.ldap.baseDN "${HIVE_LDAP_BASE:?with HIVE_AUTH=LDAP}"
		fi
		property hive.server2.enable.doAs false
		property hive.server2.webui.port -1
		property hive.server2.materializedviews.registry.impl DUMMY
		property hive.server2.tez.initialize.default.sessions false
		property hive.server2.logging.operation.enabled false
		property hive.server2.thrift.min.worker.threads 2
		property hive.notification.event.poll.interval 0s
		property hive.security.authorization.enabled false
		# Queries: in this process, without transactions, on the rows and never on
		# statistics.
		property hive.execution.engine mr
		property hive.exec.mode.local.auto true
		property hive.exec.submitviachild false
		property hive.exec.submit.local.task.via.child false
		property hive.exec.scratchdir "file://$STATE/scratch"
		property hive.exec.local.scratchdir "$STATE/scratch"
		property hive.downloaded.resources.dir "$STATE/tmp"
		property hive.querylog.location "$STATE/tmp"
		property hive.support.concurrency false
		property hive.txn.manager org.apache.hadoop.hive.ql.lockmgr.DummyTxnManager
		property hive.stats.autogather false
		property hive.compute.query.using.stats false
		property hive.query.results.cache.enabled false
		echo '</configuration>'
	} >"$conf/hive-site.xml"
	cp "$conf/hive-site.xml" "$conf/metastore-site.xml"
	cat >"$conf/hive-log4j2.properties" <<-'L'
		status = ERROR
		appender.out.type = Console
		appender.out.name = out
		appender.out.target = SYSTEM_OUT
		appender.out.layout.type = PatternLayout
		appender.out.layout.pattern = %d{HH:mm:ss.SSS} %p %c{1} %m%n
		rootLogger.level = INFO
		rootLogger.appenderRef.out.ref = out
		logger.jdo.name = DataNucleus
		logger.jdo.level = ERROR
	L
	cp "$conf/hive-log4j2.properties" "$conf/metastore-log4j2.properties"
}

compose() {
	jvm "${HIVE_HEAP:-768m}"
	opens java.io java.lang java.lang.invoke java.lang.reflect java.math java.net java.nio java.text java.time java.util \
		java.util.concurrent java.util.concurrent.atomic java.util.regex sun.nio.ch
	JVM+=("-Dderby.system.home=$STATE" "-Dderby.stream.error.file=$STATE/derby.log" "-Dlog4j2.configurationFile=$STATE/conf/hive-log4j2.properties" -cp "$STATE/conf:$JARS/*")
	if [ -n "${HIVE_METASTORE_ONLY:-}" ]; then
		CMD=("$JAVA" "${JVM[@]}" org.apache.hadoop.hive.metastore.HiveMetaStore -p "$HIVE_METASTORE_PORT")
	else
		CMD=("$JAVA" "${JVM[@]}" "$HERE/Together.java" "$HIVE_METASTORE_PORT")
	fi
}

ready() { answers "$HIVE_METASTORE_PORT" && { [ -n "${HIVE_METASTORE_ONLY:-}" ] || answers "$HIVE_SERVER_PORT"; }; }

addresses() {
	echo "FEATUREHOST_HIVE_METASTORE=$HOST:$HIVE_METASTORE_PORT"
	echo "FEATUREHOST_HIVE_SERVER=$HOST:$HIVE_SERVER_PORT"
}
