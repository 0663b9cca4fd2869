#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The demo fails, and says in which step, where something does not behave: with a stand-in for leastcap in which one thing is wrong.
# Where nothing is, tests/guest/runner runs it.

load common

BROKEN=/tmp/broken

setup_file() {
	load common
	systemctl stop leastcapd
	mkdir -p $BROKEN
	# As it is installed.
	cp "$LEASTCAP_TREE/policies/container.yaml" $POLICIES/
}
teardown_file() { rm -rf $BROKEN; }
teardown() {
	# It has started one itself.
	pkill -KILL -x leastcapd || true
	docker rm -f demo
	leastcap unload
	# The next one begins as in a guest that was never used.
	rm -rf /var/lib/leastcap/* /var/log/leastcap/* /run/leastcap/*
}

# fails_in STEP TEXT LINE...: the demo does, where these lines of a shell script come before leastcap.
fails_in() {
	local step=$1 text=$2
	shift 2
	printf '%s\n' '#!/bin/bash' "$@" 'exec /usr/bin/leastcap "$@"' >$BROKEN/leastcap
	chmod +x $BROKEN/leastcap
	PATH=$BROKEN:$PATH run -1 "$LEASTCAP_TREE/tests/guest/demo"
	tail -n 20 <<<"$output"
	[[ $output == *"DEMO FAILED in step $step ("* ]]
	[[ $output == *"$text"* ]]
	# Nothing is claimed behind it.
	[[ $output != *"Shown:"* ]]
}

@test "a policy that is said to be applied, and is not" {
	fails_in 4 'expected: it is refused' \
		'[ "$1" != apply ] || { echo "demo: revision 1, 1 subject"; exit 0; }'
}

@test "a daemon that ends after it has applied the policy" {
	fails_in 5 'leastcap: the daemon is not running' \
		'[ "$1" != apply ] || { /usr/bin/leastcap "$@"; status=$?; pkill -KILL -x leastcapd; exit $status; }'
}

@test "one refusal that is not counted" {
	fails_in 6 'expected: 3 checks refused' \
		'[ "$1 $2" != "status --json" ] || { /usr/bin/leastcap "$@" | jq ".bindings[0].counters.denied -= 1"; exit 0; }'
}

@test "what is said to be removed, and is not" {
	fails_in 9 'expected: it works' '[ "$1" != unload ] || { echo nothing is enforced any more; exit 0; }'
}
