#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The very first instruction is confined: `first` is a static program without libc whose first system call needs
# SYS_ADMIN. No start may be missed. SOAK=1 makes it more of them.

load common

setup_file() {
	load common
	fresh_daemon
	probe_image
	local i
	for i in 1 2; do bundle /var/tmp/first$i "/first/$(container_id $i)" '["CAP_SYS_ADMIN"]' first; done
}
teardown_file() { load common; stop_daemon; }
setup() { mark; }
teardown() {
	drop any first
	runc delete -f standing >/dev/null 2>&1 || true
	forget_services lc-first.service
}

# times N COMMAND...: the exit status of each, one a line, and whatever it prints.
times() {
	local n=$1 i status
	shift
	for ((i = 0; i < n; i++)); do
		status=0
		"$@" 2>&1 || status=$?
		echo "status $status"
	done
}

gone_at_least() {
	[ "$(events '.type == "gone"' | wc -l)" -ge "$1" ]
}

# exactly N: so many containers ended since the mark, with one refusal each, all of them asked for by `first`.
exactly() {
	within 20 gone_at_least "$1"
	is "$1" "$(events '.type == "gone"' | wc -l)"
	is '[1]' "$(events '.type == "gone"' | jq -sc 'map(.counters.denied) | unique')"
	is "$1" "$(events '.type == "denied"' | wc -l)"
	is '[["SYS_ADMIN","first","sethostname","any",0]]' "$(events '.type == "denied"' |
		jq -sc 'map([.item, .process.comm, .syscall, .policy, .suppressed]) | unique')"
	# Of nothing that a runtime did on the way there.
	is '[[],["SYS_ADMIN"]]' "$(events '.type == "gone"' |
		jq -sc 'map(.capabilities | .used, .denied) | unique')"
	is 0 "$(leastcap status --json | jq '.losses | add')"
}

@test "a hundred containers in a row by runc, and some by crun beside them" {
	local runc=100 crun=20
	[ -z "${SOAK:-}" ] || runc=150 crun=150
	outcome 0 runc run --bundle /var/tmp/first1 first1
	outcome 0 crun run --bundle /var/tmp/first2 first2
	policy any 'any: container' none
	times $crun crun run --bundle /var/tmp/first2 first2 >/tmp/first2.out &
	run times $runc runc run --bundle /var/tmp/first1 first1
	wait $!
	is "$(yes 'status 1' | head -n $runc)" "$output"
	is "$(yes 'status 1' | head -n $crun)" "$(cat /tmp/first2.out)"
	exactly $((runc + crun))
}

@test "containers by docker run --privileged" {
	local n=10
	[ -z "${SOAK:-}" ] || n=100
	outcome 0 docker run --rm --privileged probe first
	policy any 'any: container' none
	run times $n docker run --rm --privileged --network none probe first
	is "$(yes 'status 1' | head -n $n)" "$output"
	exactly $n
}

@test "what is executed in a running container" {
	bundle /var/tmp/standing "/first/$(container_id 3)" '["CAP_SYS_ADMIN"]' probe sleep 1000
	outcome 0 runc run --bundle /var/tmp/standing -d standing </dev/null >/dev/null 2>&1
	outcome 0 runc exec standing first
	policy any 'any: container' none
	run times 10 runc exec standing first
	is "$(yes 'status 1' | head -n 10)" "$output"
	denied SYS_ADMIN '.process.comm == "first"'
	is 10 "$(binding "$(container_id 3)" .counters.denied)"
	is '[]' "$(binding "$(container_id 3)" .capabilities.used)"
}

@test "a service" {
	service lc-first.service <<-END
		[Unit]
		StartLimitIntervalSec=0
		[Service]
		Type=oneshot
		ExecStart=$PROBES/first
	END
	outcome 0 systemctl start lc-first
	policy any 'unit: lc-first.service' none
	run times 10 systemctl start --quiet lc-first
	is 10 "$(grep -c '^status 1$' <<<"$output")"
	exactly 10
}
