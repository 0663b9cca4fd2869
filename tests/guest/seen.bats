#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# What people and programs get to see of subjects: who a container is, whatever selects it; a subject that is followed over
# its restarts; what was used under a policy that only reports; what no policy holds; and how often something is told.

load common

OUT=/tmp/seen.jsonl

setup_file() {
	load common
	groupadd -f leastcap
	# An emulated guest may take longer than the default to set a container up.
	fresh_daemon --entering-limit 600
	probe_image
}
teardown_file() {
	load common
	pkill -CONT dockerd
	docker ps -aq | xargs -r docker rm -f >/dev/null
	forget_services lc-seen.service
	stop_daemon
}
setup() { mark; }
teardown() {
	[ -z "${JOBS:-}" ] || kill -9 $JOBS 2>/dev/null || true
	drop any low
}

start() { docker run -d --privileged --network none "$@"; }

@test "without a selector by name, events have the container's name; an engine that hangs costs only that" {
	local id
	policy any 'any: container' '[CHOWN]'
	start --name front probe sh -c 'probe sethostname; exec probe sleep 1000'
	denied SYS_ADMIN '.subject.name == "front" and .subject.image == "probe" and .policy == "any"'
	# By its name, as the daemon has it, and without the daemon as its bundle has it.
	is "front $(docker_cgroup front)" "$(leastcap status --json front | jq -r '.bindings[] | "\(.name) \(.cgroup)"')"
	run -1 leastcap status fronts
	systemctl stop leastcapd
	is "front $(docker_cgroup front)" "$(leastcap status --json front | jq -r '.bindings[] | "\(.name) \(.cgroup)"')"
	run -1 leastcap status fronts
	systemctl start leastcapd
	leastcap explain --json front >/tmp/explained
	is 'SYS_ADMIN front' "$(jq -r '.[0].event | "\(.item) \(.subject.name)"' /tmp/explained)"
	docker rm -f front
	expect_event '.type == "gone" and .subject.name == "front"'
	# A container that no engine tells of, while the only one hangs.
	id=$(container_id 7)
	bundle /var/tmp/seen "/l/$id" '["CAP_SYS_ADMIN"]' probe sethostname
	pkill -STOP dockerd
	mark
	outcome 1 runc run --bundle /var/tmp/seen seen
	denied SYS_ADMIN ".subject.container == \"$id\" and .subject.name == null"
	pkill -CONT dockerd
}

# of TYPE FILTER FORMAT: lines of the trace.
of() { jq -r "select(.type == \"$1\") | select($2) | $3" $OUT | sort -u; }
traced_times() { [ "$(jq -r 'select(.capability == "SYS_CHROOT") | .process.comm' $OUT | grep -cx probe)" = "$1" ]; }
traced() { [ "$(of check ".capability == \"$1\"" .process.comm)" = probe ]; }

@test "a container that restarts is traced, and learned, from its first instruction" {
	local tracer learner
	start --name again probe sh -c 'probe chroot; exec probe sleep 1000'
	leastcap trace --json again >$OUT 2>/tmp/seen.errors 3>&- &
	tracer=$!
	leastcap learn --json again >/tmp/learned.json 2>/tmp/learn.errors 3>&- &
	learner=$!
	JOBS="$tracer $learner"
	within 60 grep -q started $OUT
	within 60 grep -q watching /tmp/learn.errors
	docker restart -t 0 again
	eventually 20 traced SYS_CHROOT
	kill -INT $learner
	outcome 0 wait $learner
	kill -INT $tracer
	outcome 0 wait $tracer
	cat /tmp/learn.errors
	tail -n 3 $OUT
	is '1 0 0' "$(of came true '"\(.cgroups) \(.late) \(.unwatched)"')"
	is 'probe allowed 0' "$(jq -r '(.evidence[] | select(.capability == "SYS_CHROOT") | "\(.comm) \(.verdict) ") + "\(.late)"' /tmp/learned.json)"
}

has_come() { [ -n "$(of came true .cgroups)" ]; }

@test "a unit that restarts, and a policy's new cgroup, are traced" {
	local tracer n
	service lc-seen.service <<-END
		[Unit]
		StartLimitIntervalSec=0
		[Service]
		ExecStart=/bin/busybox sh -c '$PROBE chroot; exec /bin/busybox sleep 1000'
	END
	systemctl start lc-seen
	leastcap trace --json lc-seen.service >$OUT 2>/tmp/seen.errors 3>&- &
	JOBS=$!
	tracer=$!
	within 60 grep -q started $OUT
	for n in 1 2 3 4 5; do
		systemctl restart lc-seen
	done
	eventually 20 traced_times 5 || { tail -n 5 $OUT; false; }
	kill -INT $tracer
	outcome 0 wait $tracer
	is '0 0' "$(of came true '"\(.late) \(.unwatched)"')"
	mkdir -p $CG/low/a
	policy low 'cgroup: "/low/*"' all
	leastcap trace --json low >$OUT 2>/tmp/seen.errors 3>&- &
	JOBS=$!
	tracer=$!
	within 60 grep -q started $OUT
	# Of what is at no path where one of the subject was, nothing is seen before it is found.
	mkdir $CG/low/b
	eventually 20 has_come
	outcome 0 inside /low/b $PROBE chroot
	eventually 20 traced SYS_CHROOT
	is /low/b "$(of check true .subject.cgroup)"
	kill -INT $tracer
	outcome 0 wait $tracer
	is 1 "$(of came true .cgroups)"
}

# What is to be done with the policy `low`.
tighter() { leastcap report --json | jq -r '.tighter[] | select(.policy == "low") | "\(.keep) \(.add) \(.drop)"'; }

@test "a policy that only reports: drift, evidence, and the picture tell what was used" {
	mkdir -p $CG/low/c
	policy low 'cgroup: /low/c' '[CHOWN]' audit
	inside /low/c /bin/busybox chroot / /bin/busybox sleep 1000 3>&- &
	expect_event '.type == "would-deny" and .item == "SYS_CHROOT"'
	leastcap status --json low >/tmp/status
	is 'true false false 0' "$(jq -r '.bindings[0].drift | (.never_used | "\(any(. == "SYS_ADMIN")) \(any(. == "SYS_CHROOT")) \(any(. == "NET_RAW") | not)") +
		" \(.not_allowed | length)"' /tmp/status)"
	leastcap suggest --json low >/tmp/suggestion
	is 'SYS_CHROOT allowed busybox chroot 1' "$(jq -r '.evidence[] | "\(.capability) \(.verdict) \(.comm) \(.syscall) \(.count)"' /tmp/suggestion)"
	jq -r .text /tmp/suggestion | grep -E '# SYS_CHROOT: 1 time allowed, .* by "busybox" in chroot\(\)$'
	leastcap report --json >/tmp/report
	is 'would-deny unused' "$(jq -r '.subjects[] | select(.policy == "low") | .cells | "\(.SYS_CHROOT) \(.SYS_ADMIN)"' /tmp/report)"
	# Who does what it says breaks nothing: what was only reported is in it.
	is '["SYS_CHROOT"] ["SYS_CHROOT"] ["CHOWN"]' "$(tighter)"
	leastcap report --html /dev/null
	[ -c /dev/null ]
	echo 1 >$CG/low/c/cgroup.kill
	wait
	# Nor what one had used that has ended.
	rmdir $CG/low/c
	expect_event '.type == "gone" and .policy == "low"'
	mkdir $CG/low/c
	eventually 10 eval '[ "$(leastcap status --json low | jq ".bindings | length")" = 1 ]'
	is '[]' "$(leastcap status --json low | jq -c '.bindings[0].capabilities | .used + .would_deny')"
	is '["SYS_CHROOT"] ["SYS_CHROOT"] ["CHOWN"]' "$(tighter)"
}

@test "the report tells what no policy holds" {
	leastcap report --json >/tmp/report
	is 'again null null unbound' "$(jq -r '.unbound[] | select(.name == "again") | "\(.name) \(.policy) \(.mode) \(.cells.SYS_MODULE)"' /tmp/report)"
	is lc-seen "$(jq -r '.unbound[] | select(.cgroup == "/system.slice/lc-seen.service") | .name' /tmp/report)"
	leastcap report >/tmp/report.txt
	cat /tmp/report.txt
	grep -E '^held by nobody: [0-9]+ containers and services' /tmp/report.txt
	grep -E '^ +[0-9]+ +again +[0-9]+ granted, score [1-9][0-9]*$' /tmp/report.txt
	grep -E '^ +[0-9]+ +lc-seen +41 granted \(all\), score [1-9][0-9]*$' /tmp/report.txt
	leastcap report --html - >/tmp/report.html
	grep -q '<td class="cell unbound"' /tmp/report.html
	grep -q '(held by nobody)' /tmp/report.html
	# Bound, it has left that list.
	policy any 'any: container' '[CHOWN]'
	leastcap report --json >/tmp/report
	is '' "$(jq -r '.unbound[] | select(.name == "again") | .name' /tmp/report)"
	is any "$(jq -r '.subjects[] | select(.name == "again") | .policy' /tmp/report)"
}

as_member() { setpriv --reuid 12345 --regid 12345 --groups "$(getent group leastcap | cut -d: -f3)" "$@"; }

count() { events ".type == \"denied\" and .item == \"$1\"" | wc -l; }

@test "the interval between two events is changed while the daemon runs, and stays" {
	local pid
	mkdir -p $CG/low/d
	policy low 'cgroup: /low/d' none
	is 1000 "$(leastcap sampling --json | jq .interval_ms)"
	run -0 leastcap sampling --interval 0
	is 'an event for each refusal' "${lines[0]}"
	expect_event '.type == "sampling" and .action == "changed" and .interval_ms == 0 and .old_interval_ms == 1000 and .by.uid == 0'
	mark
	run -1 inside /low/d $PROBE loop 20 chroot
	eventually 20 eval '[ $(count SYS_CHROOT) = 20 ]'
	# Longer than this test takes: one event, and the rest is counted.
	leastcap sampling --interval 1h
	mark
	run -1 inside /low/d $PROBE loop 20 sethostname
	denied SYS_ADMIN
	is 1 "$(count SYS_ADMIN)"
	# Who may read may not change; what is wrong changes nothing.
	is 3600000 "$(as_member leastcap sampling --json | jq .interval_ms)"
	run -1 as_member leastcap sampling --interval 5s
	[[ $output == *"changing needs root"* ]]
	is 400 "$(api POST '/v1/sampling?interval_ms=3600001' | tail -n 1)"
	is 400 "$(api POST '/v1/sampling' | tail -n 1)"
	run -2 leastcap sampling --interval 2h
	# Over a reload and a restart.
	systemctl reload leastcapd
	systemctl restart leastcapd
	is 3600000 "$(leastcap sampling --json | jq .interval_ms)"
	# Shorter again: what was not to be told for an hour is told, with the sum.
	mark
	leastcap sampling --interval 1s
	run -1 inside /low/d $PROBE loop 20 sethostname
	denied SYS_ADMIN '.suppressed == 19'
}
