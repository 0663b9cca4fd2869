# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the tests of restrictions share. Each act is done in four cgroups that differ in nothing but the policy:
#	/r/free none   /r/allow a policy that allows   /r/audit one that audits   /r/deny one that refuses
# All capabilities are whitelisted, so leastcap is the only one who can refuse.

# shellcheck source-path=SCRIPTDIR source=common.bash disable=SC1091
load common

# restriction_setup RULE [ALLOW AUDIT DENY]: a daemon, and the policies. RULE is the key, the others are its values, e.g.
# restriction_setup mounts, or restriction_setup sockets 'allow' '{ ... }' '{ ... }'
restriction_setup() {
	local rule=$1 allow=${2:-allow} audit=${3:-audit} deny=${4:-deny} name
	# Every refusal is an event, also the same one again.
	fresh_daemon --sample-interval 0
	mkdir -p $CG/r/{free,allow,audit,deny}
	{
		echo policies:
		for name in allow audit deny; do
			printf '  - name: r-%s\n    select:\n      - cgroup: /r/%s\n    capabilities: all\n    %s: %s\n' \
				$name $name "$rule" "${!name}"
		done
	} >/tmp/restriction.yaml
	leastcap apply /tmp/restriction.yaml
}

# held ITEM OUTPUT COMMAND...: without a policy and with one that allows, the command prints the same and succeeds; under
# audit too, and the event says would-deny; under deny it ends with status 1 and prints OUTPUT, and the event says so.
# CHECK, a command, is executed after each.
held() {
	local item=$1 refused=$2 free
	shift 2
	run -0 inside /r/free "$@"
	free=$output
	run -0 inside /r/allow "$@"
	is "$free" "$output"
	mark
	run -0 inside /r/audit "$@"
	is "$free" "$output"
	expect_event ".type == \"would-deny\" and .item == \"$item\" and .policy == \"r-audit\""
	run -1 inside /r/deny "$@"
	is "$refused" "$output"
	expect_event ".type == \"denied\" and .item == \"$item\" and .policy == \"r-deny\" and .subject.binding == \"/r/deny\""
}

# free_everywhere COMMAND...: what a restriction must not break does the same in all four.
free_everywhere() {
	local cgroup free
	run -0 inside /r/free "$@"
	free=$output
	for cgroup in allow audit deny; do
		run -0 inside /r/$cgroup "$@"
		is "$free" "$output"
	done
}

# acts_held PROBE ITEM ACT...: each act of the probe is held, for 64-bit callers and 32-bit ones.
acts_held() {
	local probe=$1 item=$2 act bits
	shift 2
	for act; do
		for bits in '' 32; do held "$item" "$act: EPERM" "$PROBES/$probe$bits" "$act"; done
	done
}

# since VERSION COMMAND...: on kernels that have it.
since() {
	local version=$1
	shift
	[ "$(printf '%s\n' "$version" "$(uname -r)" | sort -V | head -n 1)" != "$version" ] || "$@"
}
