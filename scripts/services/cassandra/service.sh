# Apache Cassandra 5.0.6: one node.
#   CASSANDRA_HEAP            default 512m
#   CASSANDRA_PASSWORD=1      clients log in; the first user is cassandra with the
#                             password cassandra; roles and permissions are kept
#   CASSANDRA_TLS_KEYSTORE    clients speak TLS: a .pem file (private key in PKCS #8,
#                             then the certificates) or a .p12 file
#   CASSANDRA_TLS_PASSWORD    of the .p12 file
#   CASSANDRA_TLS_CLIENT_CA   .pem file; clients must show a certificate signed by it
#                             (with a .pem keystore)
#   CASSANDRA_SYNC=1          the commit log is on disk before a write is confirmed;
#                             otherwise it is synced every second

fetch() { fetch_jars; }

configure() {
	port CASSANDRA_PORT
	port CASSANDRA_STORAGE_PORT
	{
		cat <<-Y
			cluster_name: featurehost
			num_tokens: 1
			initial_token: "0"
			auto_bootstrap: false
			partitioner: org.apache.cassandra.dht.Murmur3Partitioner
			endpoint_snitch: SimpleSnitch
			seed_provider:
			  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
			    parameters: [{seeds: "$HOST:$CASSANDRA_STORAGE_PORT"}]
			listen_address: $HOST
			rpc_address: $HOST
			storage_port: $CASSANDRA_STORAGE_PORT
			start_native_transport: true
			native_transport_port: $CASSANDRA_PORT
			data_file_directories: ["$STATE/data"]
			commitlog_directory: "$STATE/commitlog"
			saved_caches_directory: "$STATE/saved_caches"
			hints_directory: "$STATE/hints"
			cdc_raw_directory: "$STATE/cdc_raw"
			commitlog_segment_size: 16MiB
			commitlog_total_space: 256MiB
			storage_compatibility_mode: NONE
			memtable_allocation_type: heap_buffers
			memtable_heap_space: 96MiB
			memtable_offheap_space: 32MiB
			file_cache_size: 32MiB
			key_cache_size: 8MiB
			networking_cache_size: 16MiB
			concurrent_reads: 8
			concurrent_writes: 8
			concurrent_compactors: 1
			compaction_throughput: 0MiB/s
			hinted_handoff_enabled: false
			auto_snapshot: false
			disk_optimization_strategy: ssd
		Y
		if [ -n "${CASSANDRA_SYNC:-}" ]; then
			printf 'commitlog_sync: batch\n'
		else
			printf 'commitlog_sync: periodic\ncommitlog_sync_period: 1000ms\n'
		fi
		if [ -n "${CASSANDRA_PASSWORD:-}" ]; then
			printf 'authenticator: PasswordAuthenticator\nauthorizer: CassandraAuthorizer\nrole_manager: CassandraRoleManager\n'
		else
			printf 'authenticator: AllowAllAuthenticator\nauthorizer: AllowAllAuthorizer\n'
		fi
		[ -z "${CASSANDRA_TLS_KEYSTORE:-}" ] || tls
	} >"$STATE/cassandra.yaml"
	cat >"$STATE/logback.xml" <<-'X'
		<configuration>
		  <statusListener class="ch.qos.logback.core.status.NopStatusListener"/>
		  <appender name="out" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%d{HH:mm:ss.SSS} %-5level %logger{0} %msg%n</pattern></encoder></appender>
		  <root level="INFO"><appender-ref ref="out"/></root>
		</configuration>
	X
}

tls() {
	local auth=false
	[ -z "${CASSANDRA_TLS_CLIENT_CA:-}" ] || auth=true
	printf 'client_encryption_options:\n  enabled: true\n  optional: false\n  require_client_auth: %s\n  keystore: "%s"\n' "$auth" "$CASSANDRA_TLS_KEYSTORE"
	case $CASSANDRA_TLS_KEYSTORE in
	*.pem)
		printf '  ssl_context_factory:\n    class_name: org.apache.cassandra.security.PEMBasedSslContextFactory\n'
		[ $auth = false ] || printf '  truststore: "%s"\n' "$CASSANDRA_TLS_CLIENT_CA"
		;;
	*) printf '  keystore_password: "%s"\n  store_type: PKCS12\n' "${CASSANDRA_TLS_PASSWORD:-}" ;;
	esac
}

compose() {
	local p
	jvm "${CASSANDRA_HEAP:-512m}"
	JVM+=(-Xss512k -XX:MaxDirectMemorySize=128m "-javaagent:$(echo "$JARS"/jamm-*.jar)")
	for p in java.base/jdk.internal.misc java.base/jdk.internal.ref java.base/sun.nio.ch java.base/java.lang.ref java.base/jdk.internal.perf \
		java.management.rmi/com.sun.jmx.remote.internal.rmi java.rmi/sun.rmi.registry java.rmi/sun.rmi.server java.rmi/sun.rmi.transport.tcp \
		java.sql/java.sql jdk.unsupported/sun.misc jdk.attach/sun.tools.attach; do
		JVM+=(--add-exports "$p=ALL-UNNAMED")
	done
	opens java.io java.lang java.lang.module java.lang.reflect java.math java.net java.nio java.time java.util java.util.concurrent java.util.concurrent.atomic \
		jdk.internal.loader jdk.internal.ref jdk.internal.reflect jdk.internal.math jdk.internal.module jdk.internal.util.jar sun.nio.ch
	for p in jdk.management/com.sun.management.internal jdk.compiler/com.sun.tools.javac.file java.rmi/sun.rmi.transport.tcp; do
		JVM+=(--add-opens "$p=ALL-UNNAMED")
	done
	JVM+=(-Djdk.attach.allowAttachSelf=true -Dio.netty.tryReflectionSetAccessible=true
		"-Dcassandra.config=file://$STATE/cassandra.yaml" "-Dcassandra.storagedir=$STATE" "-Dcassandra.logdir=$STATE" "-Dlogback.configurationFile=$STATE/logback.xml"
		-Dcassandra-foreground=yes -Dcassandra.skip_wait_for_gossip_to_settle=0 -Dcassandra.ring_delay_ms=100 -Dcassandra.superuser_setup_delay_ms=0)
	CMD=("$JAVA" "${JVM[@]}" -cp "$JARS/*" org.apache.cassandra.service.CassandraDaemon)
}

ready() {
	in_log 'Starting listening for CQL clients' && answers "$CASSANDRA_PORT" &&
		{ [ -z "${CASSANDRA_PASSWORD:-}" ] || [ -e "$STATE/users" ] || in_log 'Created default superuser role'; } &&
		touch "$STATE/users"
}

addresses() { echo "FEATUREHOST_CASSANDRA=$HOST:$CASSANDRA_PORT"; }
