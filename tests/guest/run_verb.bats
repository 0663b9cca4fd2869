#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# leastcap run: one command under a whitelist, with no daemon.

load common

setup_file() {
	load common
	install_probes
	systemctl stop leastcapd 2>/dev/null || true
	leastcap unload >/dev/null 2>&1 || true
}
teardown_file() { leastcap unload >/dev/null || true; }

nothing_left() {
	[ ! -e /sys/fs/bpf/leastcap ]
	[ -z "$(ls -d $CG/leastcap.run/*/ 2>/dev/null)" ]
}

@test "the command's exit status is passed on" {
	outcome 0 leastcap run -- true
	outcome 7 leastcap run -- sh -c 'exit 7'
	outcome 127 leastcap run -- /no/such/program
	outcome 126 leastcap run -- /etc/passwd
	outcome 143 leastcap run -- sh -c 'kill -TERM $$'
	nothing_left
}

@test "nothing is allowed by default, names come in any form, all allows all" {
	outcome 0 $PROBE sethostname
	outcome 1 leastcap run -- $PROBE sethostname
	outcome 1 leastcap run --allow none -- $PROBE sethostname
	outcome 0 leastcap run --allow CAP_SYS_ADMIN -- $PROBE sethostname
	outcome 0 leastcap run --allow sys_admin,chown -- $PROBE sethostname
	outcome 0 leastcap run --allow cap_Sys_Admin -- $PROBE sethostname
	outcome 1 leastcap run --allow cap_Sys_Admin -- $PROBE chroot
	outcome 0 leastcap run --allow all -- $PROBE chroot
	nothing_left
}

@test "refusals are told at the end, with what would allow them" {
	run -1 --separate-stderr leastcap run -- $PROBE sethostname
	[[ $stderr == *"refused SYS_ADMIN"*"--allow SYS_ADMIN"* ]]
	run -1 --separate-stderr leastcap run --json -- $PROBE sethostname
	is '["SYS_ADMIN"]' "$(jq -c .capabilities.denied <<<"$stderr")"
	is 1 "$(jq -c .counters.denied <<<"$stderr")"
	run -1 --separate-stderr leastcap run --quiet -- $PROBE sethostname
	is "" "$stderr"
}

@test "standard input and output are the command's" {
	run -0 --separate-stderr bash -c 'echo through | leastcap run -- cat'
	is through "$output"
}

@test "a policy file, and audit mode" {
	printf 'policies:\n  - name: one\n    capabilities: [SYS_CHROOT]\n' >/tmp/one.yaml
	outcome 0 leastcap run --policy /tmp/one.yaml -- $PROBE chroot
	outcome 1 leastcap run --policy /tmp/one.yaml -- $PROBE sethostname
	run -0 --separate-stderr leastcap run --audit --json -- $PROBE sethostname
	is '["SYS_ADMIN"]' "$(jq -c .capabilities.would_deny <<<"$stderr")"
	nothing_left
}

@test "two at once do not disturb each other" {
	leastcap run --allow SYS_ADMIN -- sh -c "sleep 3; exec $PROBE sethostname" &
	local first=$!
	sleep 0.5
	outcome 1 leastcap run -- $PROBE sethostname
	outcome 0 wait $first
	nothing_left
}

@test "children that stay behind stay confined" {
	leastcap run -- sh -c "(sleep 4; $PROBE sethostname >/tmp/behind.out) >/dev/null 2>&1 & true"
	sleep 6
	is "sethostname: EPERM" "$(cat /tmp/behind.out)"
	# The next one cleans up.
	outcome 0 leastcap run -- true
	nothing_left
}

@test "wrong use ends with 2, says what is wrong, and runs nothing" {
	local marker=/tmp/was-run
	rm -f $marker
	run -2 leastcap run --allow SYS_ADMN -- touch $marker
	[[ $output == *SYS_ADMIN* ]]
	run -2 leastcap run --alow all -- touch $marker
	[[ $output == *--allow* ]]
	run -2 leastcap run
	run -1 leastcap run --policy /no/such/file -- touch $marker
	[ ! -e $marker ]
	nothing_left
}

@test "without root it says so and runs nothing" {
	run -1 $PROBE as 12345 "$(command -v leastcap)" run -- true
	[[ $output == *root* ]]
}
