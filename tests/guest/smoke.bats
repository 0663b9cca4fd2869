#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# processors: 2
# Loads and enforces: the test for every kernel.

load common

setup_file() { load common; fresh_daemon; }
teardown_file() { load common; stop_daemon; }
setup() { mark; }

@test "doctor proves enforcement by a refused operation" {
	run -0 leastcap doctor
	[[ $output == *"This host enforces"* ]]
	leastcap doctor --json | jq -e .
}

@test "a cgroup is held to its whitelist, with errno and event" {
	mkdir -p $CG/smoke
	outcome 0 inside /smoke $PROBE sethostname
	outcome 0 inside /smoke $PROBE chroot
	policy smoke 'cgroup: /smoke' '[SYS_CHROOT]'
	outcome 1 inside /smoke $PROBE sethostname
	outcome 0 inside /smoke $PROBE chroot
	denied SYS_ADMIN '.subject.binding == "/smoke" and .syscall == "sethostname" and .policy == "smoke"'
	is '["SYS_CHROOT"]' "$(binding /smoke .capabilities.used)"
	is '["SYS_ADMIN"]' "$(binding /smoke .capabilities.denied)"
	is 1 "$(binding /smoke .counters.denied)"
	drop smoke
	outcome 0 inside /smoke $PROBE sethostname
}

@test "audit mode allows, and reports what it would refuse" {
	mkdir -p $CG/smoke
	policy smoke 'cgroup: /smoke' none audit
	outcome 0 inside /smoke $PROBE sethostname
	expect_event '.type == "would-deny" and .item == "SYS_ADMIN" and .mode == "audit"'
	is '["SYS_ADMIN"]' "$(binding /smoke .capabilities.would_deny)"
	is '[]' "$(binding /smoke .capabilities.denied)"
	drop smoke
}

@test "a privileged Docker container under the empty whitelist starts, runs, and is held" {
	probe_image
	outcome 0 docker run --rm --privileged probe probe sethostname
	policy any 'any: container' none
	outcome 1 docker run --rm --privileged --security-opt seccomp=unconfined probe probe sethostname
	denied SYS_ADMIN '.policy == "any" and (.subject.container | length) == 64'
	run -0 docker run --rm probe echo works
	is works "$output"
	drop any
}

@test "a killed daemon leaves enforcement in place" {
	mkdir -p $CG/smoke
	policy smoke 'cgroup: /smoke' none
	outcome 1 inside /smoke $PROBE sethostname
	systemctl kill -s KILL leastcapd
	outcome 1 inside /smoke $PROBE sethostname
	systemctl start leastcapd
	outcome 1 inside /smoke $PROBE sethostname
	is 3 "$(binding /smoke .counters.denied)"
	drop smoke
}

@test "leastcap run needs no daemon" {
	stop_daemon
	outcome 1 leastcap run --allow none -- $PROBE sethostname
	outcome 0 leastcap run --allow SYS_ADMIN -- $PROBE sethostname
	[ ! -e /sys/fs/bpf/leastcap ]
	fresh_daemon
}
