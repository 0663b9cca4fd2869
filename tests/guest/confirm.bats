#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Policies on trial come back unless they are confirmed; and a state that cannot be written, or read, loosens nothing.

load change

@test "what nobody confirms comes back, what was confirmed stays; nobody else changes anything meanwhile" {
	form c /c all
	leastcap apply $DIR/c.yaml
	form c /c none
	form other /free none
	work
	run -0 leastcap apply --confirm 25s $DIR/c.yaml
	[[ $output == *"leastcap confirm"* ]]
	refuses /c
	is '["c"]' "$(status_of .confirm.policies)"
	run -1 leastcap apply $DIR/other.yaml
	[[ $output == *"applied c"*"to be confirmed"*"comes back"* ]]
	is 409 "$(api DELETE /v1/policies/c | tail -n 1)"
	is 409 "$(api POST '/v1/mode?policy=c&mode=audit' | tail -n 1)"
	is 409 "$(api POST '/v1/policies?confirm=5' --data-binary @$DIR/other.yaml | tail -n 1)"
	is '[]' "$(status_of '[.bindings[] | select(.cgroup == "/free")]')"
	# A reload does not end it.
	api POST /v1/reload
	refuses /c
	expect_event '.type == "policy" and .action == "applied" and .confirm_within == 25 and .old_revision == 1 and .revision == 2'
	within 40 eval '[ "$(status_of .confirm)" = null ]'
	expect_event '.type == "policy" and .action == "rolled-back" and .policy == "c" and .old_revision == 2'
	allows /c
	[ "$(worked | wc -l)" -eq 2 ]
	run -1 leastcap confirm
	[[ $output == *"nothing waits"*"nobody confirmed c in time, and the policies from before came back"*" ago"* ]]
	# Confirmed, over the time and a restart.
	leastcap apply --confirm 10s $DIR/c.yaml
	run -0 leastcap confirm
	[[ $output == *"stays"* ]]
	expect_event '.type == "policy" and .action == "confirmed"'
	sleep 10
	refuses /c
	systemctl restart leastcapd
	refuses /c
	leastcap apply $DIR/other.yaml
	refuses /free
}

@test "killed while something waits: after its time it comes back at the start, before it the rest is left" {
	form c /c all
	leastcap apply $DIR/c.yaml
	form c /c none
	leastcap apply --confirm 3s $DIR/c.yaml
	kill_daemon
	refuses /c
	sleep 4
	# Nobody is there to take it back; whoever starts does.
	refuses /c
	systemctl start leastcapd
	allows /c
	expect_event '.type == "policy" and .action == "rolled-back"'
	is null "$(status_of .confirm)"
	[ ! -e /var/lib/leastcap/confirm.json ]
	leastcap apply --confirm 30s $DIR/c.yaml
	kill_daemon
	systemctl start leastcapd
	refuses /c
	is '["c"]' "$(status_of .confirm.policies)"
	[ "$(status_of .confirm.seconds_left)" -le 30 ]
	# In another boot at once.
	kill_daemon
	sed -i 's/"boot_id": "[^"]*"/"boot_id": "0"/' /var/lib/leastcap/confirm.json
	systemctl start leastcapd
	allows /c
}

@test "two administrators at once: one of them is told about the other" {
	local i won
	form c /c none
	form other /free none
	for i in 1 2 3 4 5; do
		leastcap apply --confirm 20s $DIR/c.yaml >$DIR/1 2>&1 &
		leastcap apply --confirm 20s $DIR/other.yaml >$DIR/2 2>&1 &
		wait
		is 1 "$(cat $DIR/1 $DIR/2 | grep -c 'to be confirmed within')"
		is 1 "$(cat $DIR/1 $DIR/2 | grep -c 'ago, to be confirmed')"
		won=$(status_of '.confirm.policies[0]')
		is "[\"$won\"]" "$(status_of '[.bindings[].policy]')"
		leastcap confirm
		leastcap remove "$won"
	done
}

@test "a state directory that is full, or read-only: nothing is changed, but the glass can be broken" {
	local full=/mnt/state kind before args
	stop_daemon
	mkdir -p $full
	mount -t tmpfs -o size=256k,mode=0700 none $full
	fresh_daemon --state-dir $full
	form c /c all
	leastcap apply $DIR/c.yaml
	form c /c none
	leastcap apply --shadow $DIR/c.yaml
	form other /free none
	before=$(status_of '[.bindings[] | .policy, .revision, .mode, .shadow]')
	for kind in full read-only; do
		if [ $kind = full ]; then
			dd if=/dev/zero of=$full/fill bs=4k 2>/dev/null || true
		else
			rm $full/fill
			mount -o remount,ro $full
		fi
		for args in apply 'apply --shadow' 'apply --confirm 60s'; do
			# shellcheck disable=SC2086
			run -1 leastcap $args $DIR/other.yaml
			[[ $output == *"nothing was changed"* ]]
		done
		run -1 leastcap promote c
		[[ $output == *"nothing was changed"* ]]
		run -1 leastcap mode audit c
		[[ $output == *"nothing was changed"* ]]
		is "$before" "$(status_of '[.bindings[] | .policy, .revision, .mode, .shadow]')"
		is '[null,true]' "$(status_of '[.confirm, .enforcing]')"
		allows /c
		run -0 leastcap disarm --for 10m --reason $kind
		[[ $output == *"could not be saved"* ]]
		is $kind "$(status_of .disarmed.reason)"
		leastcap rearm
	done
	run -1 leastcap remove c
	[[ $output == *"nothing was changed"* ]]
	# And what is there is whole.
	mount -o remount,rw $full
	systemctl restart leastcapd
	is "$before" "$(status_of '[.bindings[] | .policy, .revision, .mode, .shadow]')"
	is '[]' "$(status_of .problems)"
	# With room for nothing more, what waits comes back all the same.
	form c /c '[SYS_CHROOT]'
	leastcap apply --confirm 4s $DIR/c.yaml
	refuses /c
	dd if=/dev/zero of=$full/fill bs=4k 2>/dev/null || true
	run -1 leastcap confirm
	[[ $output == *"not confirmed"* ]]
	within 15 inside /c $PROBE sethostname
	is null "$(status_of .confirm)"
	rm $full/fill
	stop_daemon
	umount $full
	fresh_daemon
}

@test "a truncated file of the state: what is bound stays, it is told, and can be removed; the rest goes on" {
	form c /c none
	leastcap apply $DIR/c.yaml
	form free /free none
	leastcap apply $DIR/free.yaml
	leastcap mode audit free
	form other /kept none
	cp $DIR/other.yaml "$POLICIES/other.yaml"
	api POST /v1/reload
	allows /free
	refuses /kept
	kill_daemon
	printf 'policies: [' >"$POLICIES/other.yaml"
	rm /var/lib/leastcap/last-good/other.yaml
	truncate -s 20 /var/lib/leastcap/applied/c.yaml
	truncate -s 5 /var/lib/leastcap/modes.json
	printf '{' >/var/lib/leastcap/confirm.json
	printf '{' >/var/lib/leastcap/disarm.json
	systemctl start leastcapd
	refuses /c
	# The override is forgotten: the policy's own mode is in force.
	refuses /free
	is "[\"$POLICIES/other.yaml\",\"/var/lib/leastcap/applied/c.yaml\",\"/var/lib/leastcap/modes.json\"]" \
		"$(status_of '[.problems[].file] | unique')"
	# Nor does a file that cannot be read loosen what it has bound, though somebody else selects it now.
	refuses /kept
	form below /kept all
	is 0 "$(leastcap apply --json $DIR/below.yaml | jq '.applied[0].bindings')"
	refuses /kept
	is "[[\"$POLICIES/other.yaml\",\"other\"],[\"/var/lib/leastcap/applied/c.yaml\",\"c\"]]" "$(status_of '[.problems[] |
		select(.message | test("stays as it is bound")) | [.file, (.message | split("\"")[1])]] | sort')"
	is null "$(status_of .confirm)"
	[ ! -e /var/lib/leastcap/confirm.json ]
	leastcap mode audit free
	leastcap mode file free
	is "[\"$POLICIES/other.yaml\",\"/var/lib/leastcap/applied/c.yaml\"]" "$(status_of '[.problems[].file] | unique')"
	# What is surely somebody else's is taken away, and comes back when nobody confirms it.
	leastcap remove free
	allows /free
	leastcap apply --confirm 3s $DIR/free.yaml
	refuses /free
	within 20 eval '[ "$(status_of .confirm)" = null ]'
	allows /free
	leastcap apply $DIR/free.yaml
	leastcap remove c
	allows /c
	refuses /free
	refuses /kept
	rm "$POLICIES/other.yaml"
	api POST /v1/reload
	allows /kept
	is '[]' "$(status_of .problems)"
	form c /c none
	leastcap apply $DIR/c.yaml
	refuses /c
	systemctl restart leastcapd
	refuses /c
}
