#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# processors: 2
# All that changes what is in force at once, while processes check: see torture.bash.

LASTS=20
[ -z "${SOAK:-}" ] || LASTS=600

load torture

@test "whatever is replaced, bound, moved, killed meanwhile: each check sees a policy that is in force" {
	torture
	no_wrong x y moved.1 moved.2 carried
	no_mixture x y
}
