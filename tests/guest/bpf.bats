#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# bpf: deny. bpf(2), the BPF file system, and leastcap's own pins.

load restriction

setup_file() {
	load restriction
	restriction_setup bpf
	cp "$LEASTCAP_BUILD"/tests/guest/probes/{bpf,bpf32} $PROBES/
}
teardown_file() { stop_daemon; }

PIN=/sys/fs/bpf/probe

# Made anew before each act.
inside() {
	local cgroup=$1
	shift
	rm -rf $PIN
	mkdir $PIN $PIN/empty
	$PROBES/bpf pin $PIN/program >/dev/null
	"$PROBE" join-exec "$CG$cgroup" "$@"
}

bpf_held() {
	local item=$1 act=$2 bits
	shift 2
	for bits in '' 32; do
		held "$item" "$act: EPERM" $PROBES/bpf$bits "$act" "$@"
	done
}

@test "bpf(2): maps, programs, what is there already, every command" {
	bpf_held bpf-call map
	bpf_held bpf-call program
	bpf_held bpf-call map-by-id
	bpf_held bpf-call get $PIN/program
	bpf_held bpf-call get $PIN/program-map
	bpf_held bpf-call every-command
}

@test "the command is in the event" {
	mark
	run -1 inside /r/deny $PROBES/bpf map-by-id
	expect_event '.type == "denied" and .restriction == "bpf" and .item == "bpf-call" and .detail == "12"'
}

@test "pins: reading, unlinking, renaming, changing; directories" {
	bpf_held bpf-pin read $PIN
	bpf_held bpf-pin unlink $PIN/program
	bpf_held bpf-pin rename $PIN/program
	bpf_held bpf-pin rmdir $PIN/empty
	bpf_held bpf-pin mkdir $PIN/new
	bpf_held bpf-pin chmod $PIN/program
}

# cat is the way to a map by its path that takes no bpf(2).
@test "leastcap's own pins stay, and go on refusing" {
	local pins act cgroup
	pins=$(find /sys/fs/bpf/leastcap | sort)
	[ -n "$pins" ]
	for cgroup in free allow audit; do
		mark
		run -0 inside /r/$cgroup cat /sys/fs/bpf/leastcap/*/policies
		run -0 inside /r/$cgroup bpftool map list
	done
	expect_event '.type == "would-deny" and .item == "bpf-pin" and .policy == "r-audit"'
	expect_event '.type == "would-deny" and .item == "bpf-call" and .policy == "r-audit"'
	for act in 'cat /sys/fs/bpf/leastcap/*/policies' 'rm -rf /sys/fs/bpf/leastcap' \
		'find /sys/fs/bpf/leastcap -type f -delete'; do
		mark
		run ! inside /r/deny /bin/sh -c "$act"
		[[ $output == *"Operation not permitted"* ]]
		expect_event '.type == "denied" and .item == "bpf-pin" and .policy == "r-deny"'
	done
	mark
	run ! inside /r/deny bpftool map list
	[[ $output == *"Operation not permitted"* ]]
	expect_event '.type == "denied" and .item == "bpf-call" and .policy == "r-deny"'
	is "$pins" "$(find /sys/fs/bpf/leastcap | sort)"
	run -1 inside /r/deny $PROBES/bpf map
	is "map: EPERM" "$output"
}

# iptables asks bpf(2) for the program only to see that it is there; xt_bpf takes it by its path. strace answers for the
# system call, which is never made.
by_path() {
	inside "$1" strace -f -o /dev/null -e inject=bpf:retval=0 \
		iptables-legacy -A OUTPUT -m bpf --object-pinned $PIN/program -j ACCEPT
}

@test "a program by its path, without bpf(2)" {
	local cgroup
	for cgroup in free allow audit; do
		mark
		run -0 by_path /r/$cgroup
		is "-P OUTPUT ACCEPT 1" "$(iptables-legacy -S OUTPUT | grep -e -P) $(iptables-legacy -S OUTPUT | grep -c -e object-pinned)"
		iptables-legacy -F OUTPUT
	done
	expect_event '.type == "would-deny" and .item == "bpf-object" and .policy == "r-audit"'
	mark
	run ! by_path /r/deny
	expect_event '.type == "denied" and .item == "bpf-pin" and .policy == "r-deny"'
	is "-P OUTPUT ACCEPT" "$(iptables-legacy -S OUTPUT)"
}

@test "untouched: classic BPF" {
	free_everywhere $PROBES/bpf filter
	free_everywhere $PROBES/bpf32 filter
}
