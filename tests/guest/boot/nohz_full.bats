#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# append: nohz_full=1
# processors: 2
# Booted with a processor that has no tick: membarrier() refuses there, and programs under way are waited for otherwise.

load ../common

setup_file() {
	load ../common
	fresh_daemon
	mkdir -p $CG/n
}
teardown_file() { load ../common; stop_daemon; }

# What the daemon asks the kernel for while a policy takes the place of another one.
traced() {
	local tracer
	: >/tmp/tracing
	strace -f -p "$(systemctl show -P MainPID leastcapd)" -e trace=membarrier,bpf -o /tmp/traced 2>/tmp/tracing &
	tracer=$!
	within 10 grep -q attached /tmp/tracing
	"$@"
	kill $tracer
	wait $tracer || true
}

@test "a policy takes the place of another one, and what nobody needs is removed once nothing uses it" {
	is 1 "$(cat /sys/devices/system/cpu/nohz_full)"
	outcome 0 inside /n $PROBE chroot
	policy n 'cgroup: /n' '[SYS_CHROOT]'
	outcome 0 inside /n $PROBE chroot
	mark
	traced policy n 'cgroup: /n' none
	outcome 1 inside /n $PROBE chroot
	denied SYS_CHROOT '.policy == "n" and .revision == 2'
	grep -q 'membarrier(MEMBARRIER_CMD_GLOBAL, 0) *= -1 EINVAL' /tmp/traced
	# In this order: the wait, and the end of the old policy.
	is "wait end" "$(awk '/map_name="leastcap_wait"/ { made = 1 }
		made && /BPF_MAP_UPDATE_ELEM.* = 0$/ { printf "wait "; made = 0; waited = 1 }
		waited && /BPF_MAP_DELETE_/ { print "end"; exit }' /tmp/traced)"
	is 1 "$(leastcap list --json | jq '.policies | length')"
	is 1 "$(bpftool -j map dump pinned "$(echo /sys/fs/bpf/leastcap/v*/policies)" | jq '[.[].formatted.value | select(.name == "n")] | length')"
}
