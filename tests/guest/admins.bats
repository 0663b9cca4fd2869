#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Several administrators at once: each applies the whole of a file, none gets a mixture, and the trail has them all.

load common

DIR=/tmp/admins
ROUNDS=20

setup_file() {
	load common
	mkdir -p $CG/one $CG/two $DIR
	fresh_daemon
}
teardown_file() {
	load common
	stop_daemon
	rm -rf $DIR
	remove_cgroups one two
}
setup() { mark; }
teardown() { drop one two a1 a2 b1 b2; }

# form FILE NAME1 NAME2 CAPABILITIES: two policies with one list.
form() {
	printf 'policies:\n  - { name: %s, select: [cgroup: /one], capabilities: %s }\n  - { name: %s, select: [cgroup: /two], capabilities: %s }\n' \
		"$2" "$4" "$3" "$4" >"$DIR/$1.yaml"
}

# Both apply their files at once; ONE and TWO are their processes.
race() {
	leastcap apply $DIR/a.yaml >$DIR/a.out 2>&1 &
	ONE=$!
	leastcap apply $DIR/b.yaml >$DIR/b.out 2>&1 &
	TWO=$!
}

# What is in force: the two lists, and their revisions.
now() { leastcap list --json | jq -c '[[.policies[].capabilities], [.policies[].revision]]'; }

@test "two of the same policies, $ROUNDS times: one after the other, each as a whole, each in the trail" {
	local n other list said=0
	: >$DIR/did
	for n in $(seq $ROUNDS); do
		# What comes is never what was there: each of them is a new revision.
		other=$([ $((n % 2)) = 0 ] && echo CHOWN || echo KILL)
		form a one two "[SYS_CHROOT, $other]"
		form b one two "[SYS_ADMIN, $other]"
		race
		wait $ONE
		wait $TWO
		printf '[%s,0,"leastcap","%s"]\n' $ONE one $ONE two $TWO one $TWO two >>$DIR/did
		list=$(now)
		case $list in
		"[[[\"$other\",\"SYS_CHROOT\"],[\"$other\",\"SYS_CHROOT\"]],[$((2 * n)),$((2 * n))]]") said=0 ;;
		"[[[\"$other\",\"SYS_ADMIN\"],[\"$other\",\"SYS_ADMIN\"]],[$((2 * n)),$((2 * n))]]") said=1 ;;
		*)
			echo "$list"
			return 1
			;;
		esac
	done
	is "$(sort $DIR/did)" "$(events '.type == "policy" and .action == "applied"' |
		jq -c '[.by.pid, .by.uid, .by.comm, .policy]' | sort)"
	# And what is in force is what is said.
	if [ $said = 1 ]; then
		outcome 0 inside /one $PROBE sethostname
		outcome 0 inside /two $PROBE sethostname
		outcome 1 inside /one $PROBE chroot
	else
		outcome 1 inside /one $PROBE sethostname
		outcome 1 inside /two $PROBE sethostname
		outcome 0 inside /one $PROBE chroot
	fi
}

@test "two of different policies for the same subjects: one has them whole, the other is told" {
	local n won lost
	for n in 1 2 3 4 5; do
		form a a1 a2 none
		form b b1 b2 none
		race
		wait $ONE && won=a lost=b || won=b lost=a
		wait $TWO && is b $won || is a $won
		is "[\"${won}1\",\"${won}2\"]" "$(leastcap list --json | jq -c '[.policies[].name] | sort')"
		is "[\"${won}1\",\"${won}2\"]" "$(leastcap status --json | jq -c '[.bindings[].policy] | sort')"
		grep -q "policies \"a1\" and \"b1\" both select\|policies \"b1\" and \"a1\" both select" $DIR/$lost.out
		is '' "$(cat /var/lib/leastcap/applied/${lost}* 2>/dev/null)"
		drop a1 a2 b1 b2
	done
}

@test "who is not root is refused, whatever goes on beside" {
	form a one two none
	chmod 755 $DIR
	leastcap apply $DIR/a.yaml >$DIR/a.out 2>&1 &
	run -1 runuser -u tester -- leastcap apply $DIR/a.yaml
	[[ $output == *"no permission"* || $output == *"changing needs root"* ]]
	wait
	is '[0]' "$(events '.type == "policy"' | jq -sc '[.[].by.uid] | unique')"
	outcome 1 inside /one $PROBE sethostname
	denied SYS_ADMIN '.policy == "one"'
}
