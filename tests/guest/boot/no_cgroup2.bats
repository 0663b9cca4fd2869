#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# append: systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1
# Booted with cgroups of version 1.

load lacking

@test "the positive control: this boot has no cgroup2 at /sys/fs/cgroup" {
	[ "$(stat -fc %T /sys/fs/cgroup)" != cgroup2fs ]
}

@test "leastcapd ends with 1 and says what to do" {
	run -1 leastcapd
	says cgroup2 systemd.unified_cgroup_hierarchy=1
	nothing_loaded
}

@test "leastcap run does not run the command" {
	run -1 leastcap run -- touch /tmp/was-run
	says cgroup2
	[ ! -e /tmp/was-run ]
	nothing_loaded
}

@test "doctor ends with 1" {
	run -1 leastcap doctor
	says cgroup2
	nothing_loaded
}
