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
	remove_cgroups saved other
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

# changed FILTER: what the last reload with it since mark has changed.
changed() {
	expect_event ".type == \"reload\" and $1"
	events ".type == \"reload\" and $1" | tail -n 1 | jq -c '.changed[] | [.action, .policy, .revision, .old_revision]'
}

@test "a reload says who asked for it and what has changed" {
	local pid me=$BASHPID
	pid=$(systemctl show -P MainPID leastcapd)
	# Written and asked for in one breath: the watcher comes later.
	form other /other all
	kill -HUP "$pid"
	is '["applied","other",1,null]' "$(changed ".action == \"done\" and .by.pid == $me and .by.uid == 0 and .by.comm == \"bash\" and .changes == 1")"
	expect_event ".type == \"policy\" and .action == \"applied\" and .policy == \"other\" and .by.pid == $me"
	# What it selects is a change, too.
	mark
	form other /saved all
	is '["applied","other",1,1]' "$(changed '.by.comm == "files" and .changes == 1')"
	mark
	form other /saved none
	is '["applied","other",2,1]' "$(changed '.changes == 1')"
	mark
	rm $POLICIES/other.yaml
	is '["removed","other",0,2]' "$(changed '.changes == 1')"
	# One that is refused.
	mark
	form one /saved none
	is '["applied","one",1,null]' "$(changed '.changes == 1')"
	mark
	form two /saved all
	expect_event '.type == "reload" and .action == "refused" and .changes == 0'
	rm $POLICIES/two.yaml
}

@test "a reboot: nothing is left in the kernel, and every cgroup is another" {
	local before
	policy saved 'cgroup: /saved' none
	policy other 'cgroup: /other' none
	leastcap mode audit other
	policy shadowed 'cgroup: "/saved/*"' all
	printf 'policies: [{ name: shadowed, select: [{ cgroup: "/saved/*" }], capabilities: none }]\n' >/tmp/shadowed.yaml
	leastcap apply --shadow /tmp/shadowed.yaml
	leastcap disarm --for 10m --reason before
	before=$(binding /saved .cgroup_id)
	systemctl stop leastcapd
	leastcap unload
	! ls /sys/fs/bpf/leastcap 2>/dev/null
	remove_cgroups saved other
	mkdir $CG/saved $CG/other
	outcome 0 inside /saved $PROBE sethostname
	systemctl start leastcapd
	[ "$(binding /saved .cgroup_id)" != "$before" ]
	is '[true,null]' "$(leastcap status --json | jq -c '[.enforcing, .disarmed]')"
	mark
	outcome 1 inside /saved $PROBE sethostname
	denied SYS_ADMIN '.policy == "saved"'
	outcome 0 inside /other $PROBE sethostname
	is '["audit","override"]' "$(leastcap list --json | jq -c '.policies[] | select(.name == "other") | [.mode, .mode_by]')"
	mkdir $CG/saved/below
	is shadowed "$(binding /saved/below .policy)"
	eventually 10 eval '[ "$(binding /saved/below .shadow.policy)" = shadowed ]'
	rmdir $CG/saved/below
	leastcap remove --shadow shadowed
	drop shadowed
	rm /tmp/shadowed.yaml
}

@test "a daemon that starts with more than there is room for holds the rest, and says so" {
	fresh_daemon --max-bindings 2 --prove-every 0
	systemctl stop leastcapd
	leastcap unload
	mkdir -p $CG/other/{1,2,3}
	form saved /saved none
	form other '"/other/*"' none
	sed -i 's/^    capabilities/    mode: audit\n&/' "$POLICIES/other.yaml"
	outcome 0 inside /saved $PROBE sethostname
	mark
	systemctl start leastcapd
	outcome 1 inside /saved $PROBE sethostname
	denied SYS_ADMIN '.policy == "saved"'
	is '["other","saved"]' "$(leastcap status --json | jq -c '[.bindings[].policy] | sort')"
	is "[[\"$POLICIES/other.yaml\",2]]" "$(leastcap status --json | jq -c '[.problems[] | [.file, .line]]')"
	[[ $(leastcap status --json | jq -r '.problems[0].message') == *'"other" does not fit: 2 subjects are not bound'*'--max-bindings'* ]]
	expect_event '.type == "policy" and .action == "unfit" and .policy == "other" and .subjects == 2'
	api GET /metrics | grep -qx 'leastcap_unfit_subjects 2'
	eventually 10 eval '[[ $(systemctl show -P StatusText leastcapd) == *"NO ROOM for 1 policy"* ]]'
	# While it runs, a change for which there is no room is refused, and told.
	mark
	form more /other all
	is 507 "$(api POST /v1/reload | tail -n 1)"
	is "[\"$POLICIES\",\"$POLICIES/more.yaml\",\"$POLICIES/other.yaml\"]" "$(leastcap status --json | jq -c '[.problems[].file] | sort')"
	expect_event '.type == "reload" and .action == "failed" and .problems == 3'
	outcome 1 inside /saved $PROBE sethostname
	rm "$POLICIES"/{other,more}.yaml
	api POST /v1/reload
	is '[]' "$(problem_files)"
	# Whoever applies it is told which policy, and what there is room for.
	run policy toomany 'cgroup: "/other/*"' none
	is 1 "$status"
	[[ $output == *'policy "toomany" does not fit: it selects 3 cgroups; there is room for 2 bindings in all (leastcapd --max-bindings)'* ]]
	outcome 1 inside /saved $PROBE sethostname
	rmdir $CG/other/{1,2,3}
	fresh_daemon
}

unloads() { journalctl -o cat LEASTCAP_TYPE=unload | wc -l; }

@test "unload leaves an event, with and without a daemon" {
	local before
	before=$(unloads)
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
	eventually 20 eval "[ \$(unloads) -eq $((before + 2)) ]"
	is unload "$(journalctl -o cat -n 1 LEASTCAP_TYPE=unload)"
}
