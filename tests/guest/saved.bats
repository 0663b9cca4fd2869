#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# What is on disk, and the trail of what changes it: the state directory's version, reloads, unload.

load common

STATE=/var/lib/leastcap

setup_file() {
	load common
	mkdir -p $CG/saved $CG/other
	fresh_daemon
}
teardown_file() {
	load common
	stop_daemon
	rmdir $CG/saved $CG/other
}
setup() { mark; }
teardown() {
	systemctl start leastcapd
	drop saved other
	rm -f "$POLICIES"/*.yaml
	api POST /v1/reload
}

# form NAME CGROUP CAPABILITIES
form() {
	printf 'policies:\n  - name: %s\n    select: [{ cgroup: %s }]\n    capabilities: %s\n' "$1" "$2" "$3" >"$POLICIES/$1.yaml"
}
content() { (cd $STATE && find . -type f -exec md5sum {} + | sort); }
problem_files() { leastcap status --json | jq -c '[.problems[].file]'; }

@test "a state directory of a newer leastcap is left alone, and what it has bound stays bound" {
	local before
	is 1 "$(cat $STATE/version)"
	policy saved 'cgroup: /saved' none
	outcome 1 inside /saved $PROBE sethostname
	systemctl stop leastcapd
	echo 2 >$STATE/version
	before=$(content)
	systemctl start leastcapd
	is "[\"$STATE/version\",\"$STATE/version\"]" "$(problem_files)"
	outcome 1 inside /saved $PROBE sethostname
	denied SYS_ADMIN '.policy == "saved"'
	# It cannot be applied, removed or overridden; files are followed.
	run -1 policy other 'cgroup: /other' none
	[[ $output == *"cannot save it in $STATE, nothing was changed: it is of a newer leastcap"* ]]
	run -1 leastcap remove saved
	outcome 0 inside /other $PROBE sethostname
	form other /other none
	api POST /v1/reload
	outcome 1 inside /other $PROBE sethostname
	run -1 leastcap mode audit other
	outcome 1 inside /other $PROBE sethostname
	outcome 1 inside /saved $PROBE sethostname
	is "$before" "$(content)"
	# With its own version it goes on.
	systemctl stop leastcapd
	echo 1 >$STATE/version
	systemctl start leastcapd
	is '[]' "$(problem_files)"
	outcome 1 inside /saved $PROBE sethostname
	leastcap remove saved
	outcome 0 inside /saved $PROBE sethostname
}

@test "a version that cannot be read is a problem, and no more" {
	policy saved 'cgroup: /saved' none
	systemctl stop leastcapd
	: >$STATE/version
	systemctl start leastcapd
	is "[\"$STATE/version\"]" "$(problem_files)"
	is 1 "$(cat $STATE/version)"
	outcome 1 inside /saved $PROBE sethostname
	leastcap remove saved
	systemctl restart leastcapd
	is '[]' "$(problem_files)"
}

@test "a reload says who asked for it and what has changed" {
	form other /other all
	# Written and asked for in one breath: the watcher comes later.
	kill -HUP "$(systemctl show -P MainPID leastcapd)"
	expect_event ".type == \"reload\" and .action == \"done\" and .by.pid == $$ and .by.uid == 0 and .by.comm == \"bash\" and .changes == 1 and .changed[0].policy == \"other\" and .changed[0].action == \"applied\" and .changed[0].revision == 1 and .changed[0].old_revision == null"
	expect_event ".type == \"policy\" and .action == \"applied\" and .policy == \"other\" and .by.pid == $$"
	# What it selects is a change, too.
	form other /saved all
	expect_event '.type == "reload" and .by.comm == "files" and .changes == 1 and .changed[0].policy == "other" and .changed[0].revision == 1 and .changed[0].old_revision == 1'
	form other /saved none
	expect_event '.type == "reload" and .changes == 1 and .changed[0].revision == 2 and .changed[0].old_revision == 1'
	rm $POLICIES/other.yaml
	expect_event '.type == "reload" and .changes == 1 and .changed[0].action == "removed" and .changed[0].revision == 0 and .changed[0].old_revision == 2'
	# One that is refused.
	form one /saved none
	expect_event '.type == "reload" and .changed[0].policy == "one"'
	mark
	form two /saved all
	expect_event '.type == "reload" and .action == "refused" and .changes == 0'
	rm $POLICIES/two.yaml
}

@test "unload leaves an event, with and without a daemon" {
	policy saved 'cgroup: /saved' none
	leastcap unload
	eventually 10 eval '[ "$(systemctl is-active leastcapd)" != active ]'
	$PROBES/events find $LOG "$MARK" '.type == "unload" and .bindings == 1 and .by.uid == 0 and .by.comm == "leastcap"' | grep unload
	systemctl start leastcapd
	outcome 1 inside /saved $PROBE sethostname
	systemctl stop leastcapd
	mark
	leastcap unload
	is '' "$(events '.type == "unload"')"
	eventually 5 eval 'journalctl -o json -n 50 LEASTCAP_TYPE=unload | grep -q "\"MESSAGE\":\"unload"'
	is 2 "$(journalctl -o cat LEASTCAP_TYPE=unload | wc -l)"
}
