# Apache Kafka 4.1.1: one node that is broker and controller. Topics are made by
# the first write or by the test.
#   KAFKA_HEAP             default 320m
#   KAFKA_PARTITIONS       partitions of topics made by a write (default 1)
#   KAFKA_AUTO_CREATE      default true
#   KAFKA_SASL             user:password; adds a listener with SASL (PLAIN,
#                          SCRAM-SHA-256 and SCRAM-SHA-512): FEATUREHOST_KAFKA_SASL
#   KAFKA_TLS_KEYSTORE     adds a listener with TLS: FEATUREHOST_KAFKA_TLS; with
#                          KAFKA_SASL too, one with both: FEATUREHOST_KAFKA_SASL_TLS.
#                          A .pem file (private key in PKCS #8, then the certificates)
#                          or a .p12 file
#   KAFKA_TLS_PASSWORD     of the .p12 file
#   KAFKA_TLS_CLIENT_CA    .pem file; clients must show a certificate signed by it
# SASL's user is made when the instance's folder is new.

fetch() { fetch_jars; }

configure() {
	port KAFKA_PORT
	port KAFKA_CONTROLLER_PORT
	KAFKA_SASL=${KAFKA_SASL:-} KAFKA_TLS_KEYSTORE=${KAFKA_TLS_KEYSTORE:-}
	local listeners="PLAINTEXT://$HOST:$KAFKA_PORT"
	local extra="" user="${KAFKA_SASL%%:*}" password="${KAFKA_SASL#*:}" m
	if [ -n "$KAFKA_SASL" ]; then
		port KAFKA_SASL_PORT
		listeners+=",SASL_PLAINTEXT://$HOST:$KAFKA_SASL_PORT"
		extra+="$(sasl sasl_plaintext "$user" "$password")"$'\n'
	fi
	if [ -n "$KAFKA_TLS_KEYSTORE" ]; then
		port KAFKA_TLS_PORT
		listeners+=",SSL://$HOST:$KAFKA_TLS_PORT"
		extra+="ssl.keystore.location=$KAFKA_TLS_KEYSTORE"$'\n'
		case $KAFKA_TLS_KEYSTORE in
		*.pem) extra+="ssl.keystore.type=PEM"$'\n' ;;
		*) extra+="ssl.keystore.type=PKCS12"$'\n'"ssl.keystore.password=${KAFKA_TLS_PASSWORD:-}"$'\n' ;;
		esac
		if [ -n "${KAFKA_TLS_CLIENT_CA:-}" ]; then
			extra+="ssl.truststore.type=PEM"$'\n'"ssl.truststore.location=$KAFKA_TLS_CLIENT_CA"$'\n'"ssl.client.auth=required"$'\n'
		fi
		if [ -n "$KAFKA_SASL" ]; then
			port KAFKA_SASL_TLS_PORT
			listeners+=",SASL_SSL://$HOST:$KAFKA_SASL_TLS_PORT"
			extra+="$(sasl sasl_ssl "$user" "$password")"$'\n'
		fi
	fi
	cat >"$STATE/server.properties" <<-P
		process.roles=broker,controller
		node.id=1
		controller.quorum.voters=1@$HOST:$KAFKA_CONTROLLER_PORT
		controller.listener.names=CONTROLLER
		listeners=$listeners,CONTROLLER://$HOST:$KAFKA_CONTROLLER_PORT
		advertised.listeners=$listeners
		inter.broker.listener.name=PLAINTEXT
		listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL
		log.dirs=$STATE/log
		auto.create.topics.enable=${KAFKA_AUTO_CREATE:-true}
		num.partitions=${KAFKA_PARTITIONS:-1}
		default.replication.factor=1
		offsets.topic.replication.factor=1
		offsets.topic.num.partitions=4
		transaction.state.log.replication.factor=1
		transaction.state.log.min.isr=1
		transaction.state.log.num.partitions=4
		share.coordinator.state.topic.replication.factor=1
		share.coordinator.state.topic.min.isr=1
		group.initial.rebalance.delay.ms=0
		num.network.threads=2
		num.io.threads=4
		log.cleaner.dedupe.buffer.size=16777216
		$extra
	P
	jvm "${KAFKA_HEAP:-320m}"
	JVM+=(-Dorg.slf4j.simpleLogger.showDateTime=true -Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS)
	if [ ! -e "$STATE/log/meta.properties" ]; then
		local scram=()
		if [ -n "$KAFKA_SASL" ]; then
			for m in SCRAM-SHA-256 SCRAM-SHA-512; do scram+=(--add-scram "$m=[name=$user,password=$password]"); done
		fi
		"$JAVA" "${JVM[@]}" -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$JARS/*" kafka.tools.StorageTool format \
			-t "$(head -c16 /dev/urandom | base64 | tr '+/' 'xy' | cut -c1-22)" -c "$STATE/server.properties" ${scram[@]+"${scram[@]}"} >"$STATE/format.log" 2>&1 ||
			{ cat "$STATE/format.log" >&2; fail "the log folder could not be made"; }
	fi
}

# sasl LISTENER USER PASSWORD: the mechanisms of one listener.
sasl() {
	cat <<-P
		listener.name.$1.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
		listener.name.$1.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_$2="$3";
		listener.name.$1.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
		listener.name.$1.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
	P
}

compose() { CMD=("$JAVA" "${JVM[@]}" -cp "$JARS/*" kafka.Kafka "$STATE/server.properties"); }

ready() { in_log 'Kafka Server started' && answers "$KAFKA_PORT"; }

addresses() {
	echo "FEATUREHOST_KAFKA=$HOST:$KAFKA_PORT"
	[ -z "${KAFKA_SASL_PORT:-}" ] || echo "FEATUREHOST_KAFKA_SASL=$HOST:$KAFKA_SASL_PORT"
	[ -z "${KAFKA_TLS_PORT:-}" ] || echo "FEATUREHOST_KAFKA_TLS=$HOST:$KAFKA_TLS_PORT"
	[ -z "${KAFKA_SASL_TLS_PORT:-}" ] || echo "FEATUREHOST_KAFKA_SASL_TLS=$HOST:$KAFKA_SASL_TLS_PORT"
}
