# An LDAP server with one user, in memory: UnboundID's directory server for tests.
# HiveServer2 asks it with HIVE_AUTH=LDAP.
#   LDAP_USER   user:password (default alice:wonderland)

fetch() { fetch_jars; }

configure() {
	port LDAP_PORT
	LDAP_USER=${LDAP_USER:-alice:wonderland}
	LDAP_BASE="dc=featurehost,dc=test"
	cat >"$STATE/entries.ldif" <<-L
		dn: $LDAP_BASE
		objectClass: top
		objectClass: domain
		dc: featurehost

		dn: uid=${LDAP_USER%%:*},$LDAP_BASE
		objectClass: inetOrgPerson
		uid: ${LDAP_USER%%:*}
		cn: ${LDAP_USER%%:*}
		sn: ${LDAP_USER%%:*}
		userPassword: ${LDAP_USER#*:}
	L
}

compose() {
	jvm 64m
	CMD=("$JAVA" "${JVM[@]}" -cp "$JARS/*" "$HERE/Directory.java" "$LDAP_PORT" "$LDAP_BASE" "$STATE/entries.ldif")
}

ready() { answers "$LDAP_PORT"; }

addresses() {
	echo "FEATUREHOST_LDAP=ldap://$HOST:$LDAP_PORT"
	echo "FEATUREHOST_LDAP_BASE=$LDAP_BASE"
}
