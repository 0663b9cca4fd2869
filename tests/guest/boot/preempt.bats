#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# append: preempt=full
# kernels: 6.12 7
# processors: 2
# Booted with a kernel that may be preempted anywhere, also within a program: what tests/guest/torture.bats does holds.

LASTS=20
[ -z "${SOAK:-}" ] || LASTS=600

load ../torture

@test "with preempt=full, whatever is replaced, bound, moved, killed meanwhile: each check sees a policy that is in force" {
	grep -q '(full)' /sys/kernel/debug/sched/preempt
	torture
	no_wrong x y moved.1 moved.2 carried
	no_mixture x y
}
