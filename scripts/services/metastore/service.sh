# The Hive metastore 3.1.3 alone, over an embedded Derby. It answers get_table as
# well as get_table_req, so Spark's own client reads it too.
#   METASTORE_HEAP              default 320m
#   FEATUREHOST_S3_ENDPOINT, FEATUREHOST_S3_ACCESS_KEY, FEATUREHOST_S3_SECRET_KEY
#                               the server behind s3a:// and s3:// locations

fetch() { fetch_jars; }

configure() {
	port METASTORE_PORT
	mkdir -p "$STATE/conf" "$STATE/warehouse"
	{
		echo '<configuration>'
		property fs.defaultFS file:///
		property hadoop.tmp.dir "$STATE/tmp"
		s3a
		echo '</configuration>'
	} >"$STATE/conf/core-site.xml"
	{
		echo '<configuration>'
		property javax.jdo.option.ConnectionURL "jdbc:derby:;databaseName=$STATE/derby;create=true"
		property javax.jdo.option.ConnectionDriverName org.apache.derby.jdbc.EmbeddedDriver
		property datanucleus.schema.autoCreateAll true
		property metastore.schema.verification false
		property hive.metastore.schema.verification false
		property metastore.async.log.enabled false
		property metastore.task.threads.always org.apache.hadoop.hive.metastore.events.EventCleanerTask
		property metastore.expression.proxy org.apache.hadoop.hive.metastore.DefaultPartitionExpressionProxy
		property metastore.warehouse.dir "file://$STATE/warehouse"
		echo '</configuration>'
	} >"$STATE/conf/metastore-site.xml"
}

compose() {
	jvm "${METASTORE_HEAP:-320m}"
	opens java.lang java.lang.reflect java.io java.net java.nio java.util java.util.concurrent java.util.concurrent.atomic sun.nio.ch
	CMD=("$JAVA" "${JVM[@]}" "-Dderby.stream.error.file=$STATE/derby.log" -cp "$STATE/conf:$JARS/*" org.apache.hadoop.hive.metastore.HiveMetaStore -p "$METASTORE_PORT")
}

ready() { answers "$METASTORE_PORT"; }

addresses() { echo "FEATUREHOST_METASTORE=$HOST:$METASTORE_PORT"; }
