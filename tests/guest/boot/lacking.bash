# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# A host that cannot enforce: everything says so, with status 1, and nothing is changed or run.

bats_require_minimum_version 1.5.0

# says WORD... : the output has all of these.
says() {
	local word
	for word; do
		[[ $output == *"$word"* ]] || {
			echo "not said: $word"
			echo "$output"
			return 1
		}
	done
}

nothing_loaded() {
	[ ! -e /sys/fs/bpf/leastcap ]
	[ ! -e /run/leastcap/leastcap.sock ]
}
