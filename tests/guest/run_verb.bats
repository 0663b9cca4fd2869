#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# leastcap run: one command under a whitelist, with no daemon.

load common

setup_file() {
	load common
	install_probes
	mkdir -p $PROBES/run_verb
	cp "$LEASTCAP_BUILD"/tests/guest/probes/{modules,unix,attributes,files,namespaces,bpf} $PROBES/run_verb/
	sysctl -q kernel.unprivileged_userns_clone=1
	systemctl stop leastcapd 2>/dev/null || true
	leastcap unload >/dev/null 2>&1 || true
}
teardown_file() {
	[ ! -e /tmp/keeper ] || kill "$(cat /tmp/keeper)"
	leastcap unload >/dev/null || true
}

nothing_left() {
	[ ! -e /sys/fs/bpf/leastcap ]
	[ -z "$(ls -d $CG/leastcap.run/*/ 2>/dev/null)" ]
}

P=$PROBES/run_verb

@test "the command's exit status is passed on" {
	outcome 0 leastcap run -- true
	outcome 7 leastcap run -- sh -c 'exit 7'
	outcome 127 leastcap run -- /no/such/program
	outcome 126 leastcap run -- /etc/passwd
	outcome 143 leastcap run -- sh -c 'kill -TERM $$'
	nothing_left
}

@test "standard input and output are the command's" {
	run -0 --separate-stderr bash -c 'echo through | leastcap run -- cat'
	is through "$output"
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

@test "what a restriction refuses is told at the end, with --audit what it would refuse" {
	run -1 --separate-stderr leastcap run --allow all --deny mounts -- $PROBE mount
	is "mount: EPERM" "$output"
	is "leastcap: refused mounts (1 time); 'leastcap events' has more" "$stderr"
	run -0 --separate-stderr leastcap run --allow all --deny mounts --audit -- $PROBE mount
	is "mount: ok" "$output"
	is "leastcap: would have refused mounts (2 times); 'leastcap events' has more" "$stderr"
	nothing_left
}

# The first tests load and unload everything with each command. The others find it loaded by one that goes on running,
# which takes a fifth of the time.
beside_another() {
	[ ! -e /tmp/keeper ] || return 0
	leastcap run --deny all -- sleep 10000 >/dev/null 2>&1 3>&- &
	echo $! >/tmp/keeper
	within 60 another_runs
}
another_runs() { grep -qs . $CG/leastcap.run/*/cgroup.procs; }

# Nothing but the other one's.
one_left() {
	is 1 "$(ls -d $CG/leastcap.run/*/ | wc -l)"
}

@test "nothing is allowed by default, names come in any form, all allows all" {
	beside_another
	outcome 0 $PROBE sethostname
	outcome 1 leastcap run -- $PROBE sethostname
	outcome 1 leastcap run --allow none -- $PROBE sethostname
	outcome 0 leastcap run --allow CAP_SYS_ADMIN -- $PROBE sethostname
	outcome 0 leastcap run --allow sys_admin,chown -- $PROBE sethostname
	outcome 0 leastcap run --allow cap_Sys_Admin -- $PROBE sethostname
	outcome 1 leastcap run --allow cap_Sys_Admin -- $PROBE chroot
	outcome 0 leastcap run --allow all -- $PROBE chroot
	one_left
}

@test "refusals are told at the end, with what would allow them" {
	beside_another
	run -1 --separate-stderr leastcap run -- $PROBE sethostname
	[[ $stderr == *"refused SYS_ADMIN"*"--allow SYS_ADMIN"* ]]
	run -1 --separate-stderr leastcap run --json -- $PROBE sethostname
	is '["SYS_ADMIN"]' "$(jq -c .capabilities.denied <<<"$stderr")"
	is 1 "$(jq -c .counters.denied <<<"$stderr")"
	run -1 --separate-stderr leastcap run --quiet -- $PROBE sethostname
	is "" "$stderr"
}

@test "a policy file, and audit mode" {
	beside_another
	printf 'policies:\n  - name: one\n    capabilities: [SYS_CHROOT]\n' >/tmp/one.yaml
	outcome 0 leastcap run --policy /tmp/one.yaml -- $PROBE chroot
	outcome 1 leastcap run --policy /tmp/one.yaml -- $PROBE sethostname
	run -0 --separate-stderr leastcap run --audit --json -- $PROBE sethostname
	is '["SYS_ADMIN"]' "$(jq -c .capabilities.would_deny <<<"$stderr")"
	one_left
}

# denies WORD OUTPUT COMMAND...: works with all capabilities, and not with `--deny WORD` beside; nothing but that
# restriction has refused.
denies() {
	local word=$1 refused=$2
	shift 2
	beside_another
	run -0 --separate-stderr leastcap run --allow all -- "$@"
	is "${refused%EPERM}ok" "$output"
	is "" "$stderr"
	run -1 --separate-stderr leastcap run --allow all --deny "$word" --json -- "$@"
	is "$refused" "$output"
	is "[\"$word\"]" "$(jq -c '.restrictions | keys' <<<"$stderr")"
	[ "$(jq ".restrictions.$word.denied" <<<"$stderr")" -ge 1 ]
	is 0 "$(jq ".restrictions.$word.would_deny" <<<"$stderr")"
}

@test "--deny mounts" { denies mounts 'mount: EPERM' $PROBE mount; }
@test "--deny modules" { denies modules 'kexec: EPERM' $P/modules kexec; }
@test "--deny sockets" { denies sockets '/run/systemd/journal/dev-log sendto: EPERM' $P/unix sendto dgram /run/systemd/journal/dev-log; }
@test "--deny devices" { denies devices 'char: EPERM' sh -c "rm -f /tmp/node; exec $P/attributes char /tmp/node"; }
@test "--deny attributes" { denies attributes 'chmod: EPERM' $P/attributes chmod /tmp/probe-dac 600; }
@test "--deny filesystems" { denies filesystems 'open: EPERM' $P/files open /proc/sys/kernel/core_pattern w; }
@test "--deny namespaces" { denies namespaces 'unshare: EPERM' $P/namespaces unshare; }
@test "--deny bpf" { denies bpf 'map: EPERM' $P/bpf map; }

@test "--deny several, all, and beside a policy of a file" {
	beside_another
	# Each alone is allowed.
	cat >/tmp/acts.sh <<-END
		$PROBE mount; $P/modules kexec; $P/unix sendto dgram /run/systemd/journal/dev-log
		rm -f /tmp/node; $P/attributes char /tmp/node; $P/attributes chmod /tmp/probe-dac 600
		$P/files open /proc/sys/kernel/core_pattern w; $P/namespaces unshare; $P/bpf map
		true
	END
	outcomes() { sed 's/.*: //' <<<"$output" | tr '\n' ' '; }
	run -0 --separate-stderr leastcap run --allow all -- sh /tmp/acts.sh
	is 'ok ok ok ok ok ok ok ok ' "$(outcomes)"
	run -0 --separate-stderr leastcap run --allow all --deny devices,mounts -- sh /tmp/acts.sh
	is 'EPERM ok ok EPERM ok ok ok ok ' "$(outcomes)"
	run -0 --separate-stderr leastcap run --allow all --deny all -- sh /tmp/acts.sh
	is 'EPERM EPERM EPERM EPERM EPERM EPERM EPERM EPERM ' "$(outcomes)"
	is 8 "$(grep -c '^leastcap: refused ' <<<"$stderr")"
	printf 'policies:\n  - name: one\n    capabilities: all\n    bpf: deny\n' >/tmp/one.yaml
	run -0 --separate-stderr leastcap run --policy /tmp/one.yaml -- sh /tmp/acts.sh
	is 'ok ok ok ok ok ok ok EPERM ' "$(outcomes)"
	run -0 --separate-stderr leastcap run --policy /tmp/one.yaml -d mounts -- sh /tmp/acts.sh
	is 'EPERM ok ok ok ok ok ok EPERM ' "$(outcomes)"
	one_left
}

# wrong_deny LIST MESSAGE
wrong_deny() {
	run -2 leastcap run --allow all --deny "$1" -- touch /tmp/was-run
	[[ $output == *"--deny: $2"* ]] || {
		echo "$output"
		return 1
	}
	[ ! -e /tmp/was-run ]
}

@test "--deny with a wrong word names the right one, ends with 2 and runs nothing" {
	beside_another
	rm -f /tmp/was-run
	wrong_deny mount "unknown restriction 'mount', did you mean mounts?"
	wrong_deny mounts,device "unknown restriction 'device', did you mean devices?"
	wrong_deny connect "unknown restriction 'connect', did you mean sockets?"
	wrong_deny capabilities 'capabilities are restricted by a list of allowed ones'
	wrong_deny everything "unknown restriction 'everything'; there are mounts, modules,"
	wrong_deny '' 'a restriction is missing in the list'
	wrong_deny mounts,,bpf 'a restriction is missing in the list'
	run -2 leastcap run --deny mounts --deny bpf -- touch /tmp/was-run
	[[ $output == *"--deny is given twice"* ]]
	[ ! -e /tmp/was-run ]
	one_left
}

@test "wrong use ends with 2, says what is wrong, and runs nothing" {
	beside_another
	local marker=/tmp/was-run
	rm -f $marker
	run -2 leastcap run --allow SYS_ADMN -- touch $marker
	[[ $output == *SYS_ADMIN* ]]
	run -2 leastcap run --alow all -- touch $marker
	[[ $output == *--allow* ]]
	run -2 leastcap run
	run -1 leastcap run --policy /no/such/file -- touch $marker
	[ ! -e $marker ]
	one_left
}

@test "without root it says so and runs nothing" {
	run -1 $PROBE as 12345 "$(command -v leastcap)" run -- true
	[[ $output == *root* ]]
}
