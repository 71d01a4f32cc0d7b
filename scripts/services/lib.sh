# What all service scripts share; sourced by them, never run. Bash, Linux, no
# root, loopback only.
#
# Settings of every service:
#   FEATUREHOST_SERVICES_CACHE  downloads (default ~/.cache/featurehost/services)
#   FEATUREHOST_SERVICES_STATE  folder of all instances (default .services in the checkout)
#   SERVICE_STATE               folder of this instance (default the service's name in the folder above)
#   SERVICE_TIMEOUT             seconds until a start is given up (default 180)
#
# A service is a folder with a service.sh that defines
#   fetch       gets the programs; quick when they are there
#   configure   writes the configuration into $SERVICE_STATE
#   compose     sets CMD, the command line
#   ready       true when the server answers
#   addresses   prints VARIABLE=VALUE lines
set -euo pipefail
umask 022
SERVICES=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CHECKOUT=$(cd "$SERVICES/../.." && pwd)
CACHE=${FEATUREHOST_SERVICES_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/featurehost/services}
STATES=${FEATUREHOST_SERVICES_STATE:-$CHECKOUT/.services}
SERVICE_TIMEOUT=${SERVICE_TIMEOUT:-180}
HOST=127.0.0.1
ALL_SERVICES="hive cassandra kafka metastore s3 ldap"

say() { printf 'services: %s: %s\n' "${NAME:-all}" "$*" >&2; }
fail() { say "$*"; exit 1; }

# load NAME: the service's functions, its folder and the folder of its instance.
load() {
	NAME=$1
	HERE=$SERVICES/$NAME
	[ -f "$HERE/service.sh" ] || fail "there is no such service; there are: $ALL_SERVICES"
	STATE=${SERVICE_STATE:-$STATES/$NAME}
	. "$HERE/service.sh"
}

# --- programs

java_version() { "$1" -version 2>&1 | sed -nE '1s/.*version "(1\.)?([0-9]+).*/\2/p'; }

# find_java: JAVA becomes the java of a JDK 17, which is what all servers run on;
# some are told how to start by a Java source file, which needs the compiler.
find_java() {
	local candidate
	for candidate in "${JAVA_HOME:-/nowhere}/bin/java" "$(readlink -f "$(command -v java || true)" || true)" /usr/lib/jvm/*/bin/java; do
		if [ -x "$candidate" ] && [ -x "${candidate%java}javac" ] && [ "$(java_version "$candidate")" = 17 ]; then
			JAVA=$candidate
			return 0
		fi
	done
	return 1
}

jars_of() { echo "$CACHE/jars/$NAME-$(sha256sum "$HERE/pom.xml" | cut -c1-16)"; }

# fetch_jars: JARS becomes a folder with the jars of the service's pom.xml. One
# process fetches at a time, as Maven's own store has no lock.
fetch_jars() {
	find_java || fail "needs a JDK 17"
	JARS=$(jars_of)
	[ ! -e "$JARS/fetched" ] || return 0
	command -v mvn >/dev/null || fail "needs Maven (mvn) for the first start"
	mkdir -p "$CACHE/jars"
	(flock 8 && { [ -e "$JARS/fetched" ] || copy_jars; }) 8>"$CACHE/jars/lock" || fail "the jars could not be fetched"
}

# copy_jars: each step only after the one before, as `set -e` does not hold left
# of a ||. With -C a jar whose checksum is not that of the repository is refused.
copy_jars() {
	say "fetching jars, the first time only"
	rm -rf "$JARS.part" &&
		mkdir "$JARS.part" &&
		cp "$HERE/pom.xml" "$JARS.part/" &&
		{
			mvn -C -B -q -f "$JARS.part/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies \
				-DincludeScope=runtime -DoutputDirectory="$JARS.part" >"$JARS.log" 2>&1 ||
				{ tail -n 20 "$JARS.log" >&2; false; }
		} &&
		rm -rf "$JARS" &&
		touch "$JARS.part/fetched" &&
		mv "$JARS.part" "$JARS"
}

# jvm HEAP: flags for a server that must start fast and stay small.
jvm() { JVM=(-Xms64m "-Xmx$1" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -Djava.awt.headless=true "-Djava.io.tmpdir=$STATE/tmp"); }

# opens PACKAGE...: opens packages of java.base to the libraries that look inside.
opens() { local p; for p; do JVM+=(--add-opens "java.base/$p=ALL-UNNAMED"); done; }

# property NAME VALUE: one entry of a Hadoop configuration file.
property() { printf '  <property><name>%s</name><value>%s</value></property>\n' "$1" "$2"; }

# s3a: the properties by which Hadoop reaches the S3 server of the tests.
s3a() {
	local scheme
	for scheme in s3 s3a; do property fs.$scheme.impl org.apache.hadoop.fs.s3a.S3AFileSystem; done
	property fs.s3a.endpoint "${FEATUREHOST_S3_ENDPOINT:-http://$HOST:9}"
	property fs.s3a.endpoint.region us-east-1
	property fs.s3a.path.style.access true
	property fs.s3a.connection.ssl.enabled false
	property fs.s3a.aws.credentials.provider org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider
	property fs.s3a.access.key "${FEATUREHOST_S3_ACCESS_KEY:-featurehost}"
	property fs.s3a.secret.key "${FEATUREHOST_S3_SECRET_KEY:-featurehost-secret}"
	property fs.s3a.attempts.maximum 2
	property fs.s3a.retry.limit 2
}

# --- ports

answers() { (exec 7<>"/dev/tcp/$HOST/$1") 2>/dev/null; }

# port VARIABLE: sets it to the port of that name: the one this instance had
# before, or a free one below the range that the kernel hands out. A port chosen
# is reserved for some minutes, so that services starting side by side differ.
port() {
	local p taken="${TMPDIR:-/tmp}/featurehost-ports-$UID"
	p=$(sed -n "s/^$1=//p" "$STATE/ports" 2>/dev/null || true)
	if [ -z "$p" ]; then
		mkdir -p "$taken"
		find "$taken" -type f -mmin +10 -delete 2>/dev/null || true
		until p=$((20000 + (RANDOM * 32768 + RANDOM) % 12000)) && (set -C && : >"$taken/$p") 2>/dev/null && ! answers "$p"; do :; done
		echo "$1=$p" >>"$STATE/ports"
	fi
	printf -v "$1" %s "$p"
}

# --- processes

# runs STATE: the process of that state folder is there, and its environment
# says that these scripts started it for that folder.
runs() {
	local pid
	pid=$(cat "$1/pid" 2>/dev/null) || return 1
	[ -n "$pid" ] && [ -r "/proc/$pid/environ" ] && { tr '\0' '\n' <"/proc/$pid/environ" | grep -qxF "FEATUREHOST_SERVICE_STATE=$1"; } 2>/dev/null
}

# holds PID: the process may still have its ports; it gives them back with its
# last thread, before its parent has asked for it.
holds() { [ -d "/proc/$1" ] && ! grep -qs '^State:.Z' "/proc/$1/status"; }

# end STATE: ends the process of that folder and waits for it.
end() {
	local state=$1 pid waited
	runs "$state" || { rm -f "$state/pid"; return 0; }
	pid=$(cat "$state/pid")
	kill -CONT "$pid" 2>/dev/null || true
	kill "$pid" 2>/dev/null || true
	for waited in $(seq 100); do
		holds "$pid" || break
		sleep 0.1
	done
	if runs "$state"; then kill -KILL "$pid" 2>/dev/null || true; fi
	rm -f "$state/pid"
}

# missing: prints what stands in the way of starting the servers, if anything.
missing() {
	local name
	find_java || { echo "there is no JDK 17"; return 0; }
	for name in kafka cassandra hive metastore ldap; do
		if ! (load "$name" && [ -e "$(jars_of)/fetched" ]) && ! command -v mvn >/dev/null; then
			echo "there is no Maven (mvn), which fetches the servers the first time"
			return 0
		fi
	done
}

in_log() { grep -qE -- "$1" "$STATE/service.log" 2>/dev/null; }
