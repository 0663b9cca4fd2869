#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Policies are changed under a workload that they would break: tried out, shadowed, overridden, disarmed.

load change

@test "a dry run says what that was used would be refused, and changes nothing" {
	local before answer
	form c /c all audit 'mounts: audit'
	leastcap apply $DIR/c.yaml
	allows /c
	allows /c/below
	outcome 0 inside /c/below $PROBE chroot
	before=$(status_of '[.bindings[] | del(.capabilities.granted)]')
	form c /c '[SYS_CHROOT]'
	answer=$(leastcap apply --dry-run --json $DIR/c.yaml)
	is true "$(jq .would_apply <<<"$answer")"
	is '["c","enforce","replaced",[],null]' "$(jq -c '.policies[0] | [.name, .mode, .change, .left_out, .unsupported]' <<<"$answer")"
	is '["/c","c",true,["SYS_ADMIN"],[]]' "$(jq -c '.subjects[0] | [.cgroup, .bound_by, .history, .refused.capabilities, .refused.rules]' <<<"$answer")"
	run -0 leastcap apply --dry-run $DIR/c.yaml
	[[ $output == *"refuse"*"SYS_ADMIN"*"nothing was changed"* ]]
	# What a rule is about was done, too: chroot and sethostname are no mounts; this is.
	outcome 0 inside /c $PROBE mount
	form c /c all enforce 'mounts: deny'
	is '["mounts"]' "$(leastcap apply --dry-run --json $DIR/c.yaml | jq -c '.subjects[0].refused.rules')"
	# In audit mode it would be reported.
	form c /c none audit
	is '[[],["SYS_CHROOT","SYS_ADMIN"]]' "$(leastcap apply --dry-run --json $DIR/c.yaml | jq -c '.subjects[0] | [.refused.capabilities, .reported.capabilities - ["SYS_RESOURCE"]]')"
	# What is not bound has no history; what is bound below has.
	form free /free none
	is '["new",false]' "$(leastcap apply --dry-run --json $DIR/free.yaml | jq -c '[.policies[0].change, .subjects[0].history]')"
	run -0 leastcap apply --dry-run $DIR/free.yaml
	[[ $output == *"no history"* ]]
	# What would not be applied.
	form other /nowhere none
	run -1 leastcap apply --dry-run $DIR/other.yaml
	[[ $output == *"would not be applied"*"does not exist"* ]]
	run -1 leastcap apply --dry-run - <<<'policies: ['
	is 1 "$(leastcap list --json | jq '.policies | length')"
	is "$(jq -c '[.[] | .policy, .revision, .mode]' <<<"$before")" "$(status_of '[.bindings[] | .policy, .revision, .mode]')"
	allows /c
}

@test "a shadow refuses nothing and reports, survives the daemon, and is promoted under load" {
	form c /c all
	leastcap apply $DIR/c.yaml
	form c /c none
	work
	leastcap apply --shadow $DIR/c.yaml
	expect_event '.type == "would-deny" and .shadow and .policy == "c" and .item == "SYS_ADMIN" and .subject.binding == "/c"'
	expect_event '.type == "policy" and .action == "applied" and .shadow and .policy == "c" and .by.comm == "leastcap" and .by.uid == 0'
	is '["c","enforce",{"policy":"c","revision":1}]' "$(binding /c '| [.policy, .mode, .shadow]')"
	is '[1,{"bindings":1,"policy":"c","revision":1}]' "$(leastcap list --json | jq -c '.policies[] | [.revision, .shadow]')"
	is '[]' "$(binding /c .capabilities.denied)"
	is '["SYS_ADMIN"]' "$(binding /c .capabilities.would_deny)"
	kill_daemon
	systemctl start leastcapd
	is '{"policy":"c","revision":1}' "$(binding /c .shadow)"
	[[ $(worked) =~ ^allowed\ [0-9]+$ ]]
	work
	leastcap promote c
	mark
	denied SYS_ADMIN '.policy == "c" and .shadow == false'
	[[ $(worked) =~ refused ]]
	is '["c","enforce",2,null]' "$(binding /c '| [.policy, .mode, .revision, .shadow]')"
	run -1 leastcap promote c
	[[ $output == *"no shadow"* ]]
	systemctl restart leastcapd
	refuses /c
	is null "$(binding /c .shadow)"
	is '["applied"]' "$(ls /var/lib/leastcap | jq -Rnc '[inputs] - ["shadow", "last-good", "version"]')"
	is '' "$(ls /var/lib/leastcap/shadow)"
}

@test "a shadow on what has no policy reports, and leaves nothing behind" {
	form free /free none enforce
	leastcap apply --shadow $DIR/free.yaml
	allows /free
	is '["free","audit","free"]' "$(binding /free '| [.policy, .mode, .shadow.policy]')"
	is '["SYS_ADMIN"]' "$(binding /free .capabilities.would_deny)"
	expect_event '.type == "would-deny" and .shadow and .policy == "free"'
	is shadow "$(list_of free .mode_by)"
	run -1 leastcap remove free
	leastcap remove --shadow free
	is '[]' "$(status_of .bindings)"
	run -1 leastcap remove --shadow free
	# Promoted, it has the mode that was written.
	leastcap apply --shadow $DIR/free.yaml
	[[ $(leastcap promote free) == 'free: in force, mode enforce, revision '*', 1 subject' ]]
	refuses /free
	is '["enforce",null]' "$(binding /free '| [.mode, .shadow]')"
	# What was said of its mode holds for what takes its place.
	leastcap mode audit free
	leastcap apply --shadow $DIR/free.yaml
	is '["audit","override"]' "$(leastcap promote --json free | jq -c '[.mode, .mode_by]')"
	allows /free
	is audit "$(binding /free '| .mode' -r)"
	leastcap mode file free
	refuses /free
}

@test "a policy of a file has no shadow: that is said at once, and what to do" {
	form c /c '[SYS_CHROOT, SYS_ADMIN]'
	cp $DIR/c.yaml $POLICIES/c.yaml
	api POST /v1/reload
	form c /c none
	run -1 leastcap apply --shadow $DIR/c.yaml
	[[ $output == *"policy \"c\" is defined in $POLICIES/c.yaml: a shadow of it could not be promoted; try that file with 'leastcap apply --dry-run'"* ]]
	is null "$(binding /c .shadow)"
	allows /c
	[ ! -e /var/lib/leastcap/shadow/c.json ]
	# Applied it would be refused; the file itself can be tried.
	run -1 leastcap apply --dry-run $DIR/c.yaml
	[[ $output == *"defined in  $POLICIES/c.yaml"*"policy \"c\" is defined in $POLICIES/c.yaml: it is changed there"* ]]
	run -0 leastcap apply --dry-run $POLICIES/c.yaml
	# Without the file it can be tried.
	rm $POLICIES/c.yaml
	api POST /v1/reload
	leastcap apply --shadow $DIR/c.yaml
	is c "$(binding /c .shadow.policy)"
	leastcap remove --shadow c
}

@test "a mode overrides a policy of a file and one that was applied, and survives" {
	form c /c none
	leastcap apply $DIR/c.yaml
	form other /free none
	cp $DIR/other.yaml "$POLICIES/other.yaml"
	api POST /v1/reload
	refuses /c
	refuses /free
	work
	leastcap mode audit c
	leastcap mode audit other
	allows /c
	allows /free
	[[ $(worked) =~ allowed ]]
	expect_event '.type == "policy" and .action == "mode" and .policy == "other" and .mode == "audit" and .old_revision == 1 and .revision == 2'
	is '["audit","override"]' "$(list_of c '[.mode, .mode_by]')"
	kill_daemon
	systemctl start leastcapd
	api POST /v1/reload
	allows /c
	allows /free
	is '["audit","override"]' "$(list_of other '[.mode, .mode_by]')"
	# A new form of the policy does not end it.
	form c /c '[SYS_CHROOT]'
	run -0 leastcap apply $DIR/c.yaml
	[[ $output == *"mode audit (leastcap mode)"* ]]
	allows /c
	leastcap mode file c
	leastcap mode default other
	refuses /c
	refuses /free
	is '["enforce","policy"]' "$(list_of other '[.mode, .mode_by]')"
	[ ! -e /var/lib/leastcap/modes.json ]
	run -0 leastcap apply $DIR/c.yaml
	[[ $output != *"leastcap mode"* ]]
	# It ends with the file of its policy.
	leastcap mode audit other
	rm "$POLICIES/other.yaml"
	api POST /v1/reload
	expect_event '.type == "policy" and .action == "mode" and .policy == "other" and .revision == 0 and .mode_by == "policy" and .mode == null'
	[ ! -e /var/lib/leastcap/modes.json ]
	run -1 leastcap mode audit nobody
	run -2 leastcap mode adit c
	[[ $output == *"did you mean 'audit'"* ]]
}

@test "a mode that would hold the daemon itself is refused" {
	form c /system.slice none audit
	leastcap apply $DIR/c.yaml
	run -1 leastcap mode enforce c
	[[ $output == *"holds leastcapd itself"* ]]
	is '["audit","policy"]' "$(list_of c '[.mode, .mode_by]')"
	is audit "$(binding /system.slice .mode)"
}

@test "leastcapd as a container is not held by a policy for containers" {
	local scope pid select
	scope=/system.slice/docker-$(container_id 9).scope
	pid=$(systemctl show -P MainPID leastcapd)
	mkdir "$CG$scope"
	echo "$pid" >"$CG$scope/cgroup.procs"
	for select in 'any: container' "container: { id: $(container_id 9) }" "cgroup: '$scope*'"; do
		run -1 policy other "$select" '[SYS_ADMIN, BPF, PERFMON]'
		[[ $output == *"\"$scope\" holds leastcapd itself"*"CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, KILL, SYS_PTRACE;"* ]]
	done
	is '[null,[]]' "$(status_of '[.default_policy, .bindings]')"
	# Left what it needs it goes on.
	policy other 'any: container' all
	is other "$(binding "$scope" .policy)"
	drop other
	mkdir -p $CG/system.slice/leastcapd.service
	echo "$pid" >$CG/system.slice/leastcapd.service/cgroup.procs
	rmdir "$CG$scope"
}

@test "disarmed: everything is allowed and reported, and everybody is told; it ends by itself and by rearm" {
	local count
	form c /c none enforce 'mounts: deny'
	leastcap apply $DIR/c.yaml
	refuses /c
	outcome 1 inside /c $PROBE mount
	work
	run -0 leastcap disarm --for 10m --reason 'the change of tonight'
	[[ $output == *DISARMED* ]]
	mark
	allows /c
	outcome 0 inside /c $PROBE mount
	expect_event '.type == "would-deny" and .item == "SYS_ADMIN" and .policy == "c" and .mode == "enforce"'
	expect_event '.type == "would-deny" and .restriction == "mounts"'
	is '[false,"the change of tonight"]' "$(status_of '[.enforcing, .disarmed.reason]')"
	run -0 leastcap status
	[[ $output == *DISARMED*"the change of tonight"* ]]
	[[ $output != *"enforcing   yes"* ]]
	run -0 leastcap list
	[[ $output == *DISARMED* ]]
	run -1 leastcap doctor
	[[ $output == *DISARMED*"the change of tonight"* ]]
	within 20 eval '[[ $(systemctl show -p StatusText leastcapd) == *DISARMED*"the change of tonight"* ]]'
	is '["SYS_ADMIN"]' "$(binding /c .capabilities.would_deny)"
	run -0 leastcap apply $DIR/c.yaml
	[[ $output == *DISARMED*"the change of tonight"* ]]
	leastcap rearm
	refuses /c
	outcome 1 inside /c $PROBE mount
	expect_event '.type == "disarm" and .action == "rearmed" and .by.uid == 0'
	[ "$(worked | wc -l)" -eq 2 ]
	count=$(binding /c .counters.denied)
	# By itself, with the daemon.
	leastcap disarm --for 3s --reason again
	allows /c
	is "$count" "$(binding /c .counters.denied)"
	sleep 4
	refuses /c
	expect_event '.type == "disarm" and .action == "expired" and .reason == "again"'
	run -1 leastcap rearm
	# What is wrong changes nothing.
	run -2 leastcap disarm --for 25h --reason x
	run -2 leastcap disarm --for 10m
	run -1 leastcap disarm --for 10m --reason ' '
	run -1 leastcap disarm --for 10m --reason "$(printf 'a\tb')"
	run -1 leastcap disarm --for 10m --reason "$(printf 'x%.0s' $(seq 201))"
	is 400 "$(api POST '/v1/disarm?seconds=86401&reason=x' | tail -n 1)"
	refuses /c
	is true "$(status_of .enforcing)"
}

@test "disarmed: it ends while the daemon is dead, and the reason survives it" {
	form c /c none
	leastcap apply $DIR/c.yaml
	leastcap disarm --for 25s --reason 'no daemon'
	kill_daemon
	allows /c
	run -0 leastcap status
	[[ $output == *DISARMED* ]]
	systemctl start leastcapd
	is '"no daemon"' "$(leastcap status --json | jq .disarmed.reason)"
	allows /c
	kill_daemon
	sleep 25
	refuses /c
	systemctl start leastcapd
	expect_event '.type == "disarm" and .action == "expired" and .reason == "no daemon"'
	is true "$(status_of .enforcing)"
}

@test "patterns of cgroups to come: one set, also where a daemon was killed between two" {
	local map
	map=$(echo /sys/fs/bpf/leastcap/v*/patterns)
	policy many 'cgroup: "/many-*"' none
	is 1 "$(bpftool -j map dump pinned "$map" | jq length)"
	# A pattern of no set: its number is far from theirs.
	# shellcheck disable=SC2046
	bpftool map update pinned "$map" key 0 0 0 64 value $(bpftool -j map show pinned "$map" | jq -r 'range(.bytes_value) | 0')
	is 2 "$(bpftool -j map dump pinned "$map" | jq length)"
	policy many 'cgroup: "/many-*"' '[CHOWN]'
	is 1 "$(bpftool -j map dump pinned "$map" | jq length)"
	mkdir $CG/many-1
	outcome 1 inside /many-1 $PROBE sethostname
	drop many
	is 0 "$(bpftool -j map dump pinned "$map" | jq length)"
	rmdir $CG/many-1
}
