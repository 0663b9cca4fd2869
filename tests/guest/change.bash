# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the tests of changes share: cgroups, one of which works all the time, and policies for them.

load common

DIR=/tmp/change

setup_file() {
	load common
	mkdir -p $CG/c/below $CG/free $CG/kept $DIR /etc/systemd/system/leastcapd.service.d
	# Dead is dead: the tests start it again.
	printf '[Service]\nRestart=no\n' >/etc/systemd/system/leastcapd.service.d/dead.conf
	fresh_daemon
}
teardown_file() {
	load common
	stop_daemon
	rm -rf /etc/systemd/system/leastcapd.service.d/dead.conf $DIR
	systemctl daemon-reload
}
setup() { mark; }
teardown() {
	rm -f $DIR/go
	systemctl start leastcapd
	leastcap confirm >/dev/null 2>&1 || true
	leastcap rearm >/dev/null 2>&1 || true
	leastcap remove --shadow c >/dev/null 2>&1 || true
	leastcap remove --shadow free >/dev/null 2>&1 || true
	drop c below free other
	rm -f "$POLICIES"/*.yaml
	leastcap list | grep -q 'no policies' || api POST /v1/reload
}

# form NAME CGROUP CAPABILITIES [MODE] [MORE]: the policy file $DIR/NAME.yaml.
form() {
	printf 'policies:\n  - name: %s\n    select:\n      - cgroup: %s\n    mode: %s\n    capabilities: %s\n%s' \
		"$1" "$2" "${4:-enforce}" "$3" "${5:+    $5$'\n'}" >$DIR/"$1".yaml
}

dead() { [ "$(systemctl is-active leastcapd)" != active ]; }
kill_daemon() {
	systemctl kill -s KILL leastcapd
	eventually 10 dead
}

# A process in /c that sets the host's name without a pause, until ended.
work() {
	touch $DIR/go
	inside /c $PROBE watch $DIR/go sethostname >$DIR/work &
	WORK=$!
}
# Ends it: prints "refused N" and "allowed N", those that are not zero.
worked() {
	rm $DIR/go
	wait $WORK
	sed -n 's/sethostname=\(.*\)/\1/p' $DIR/work | grep -v ' 0$' | sort
}

status_of() { leastcap status --json | jq -rc "$1"; }
list_of() { leastcap list --json | jq -rc ".policies[] | select(.name == \"$1\") | $2"; }
refuses() { outcome 1 inside "$1" $PROBE sethostname; }
allows() { outcome 0 inside "$1" $PROBE sethostname; }
