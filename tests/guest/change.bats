#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Policies are changed under a workload that they would break: tried out, on trial, taken back, overridden, disarmed.

load common

DIR=/tmp/change

setup_file() {
	load common
	mkdir -p $CG/c/below $CG/free $CG/kept $DIR /etc/systemd/system/leastcapd.service.d
	# Dead is dead: the tests start it again.
	printf '[Service]\nRestart=no\n' >/etc/systemd/system/leastcapd.service.d/dead.conf
	fresh_daemon
}
teardown_file() {
	load common
	stop_daemon
	rm -rf /etc/systemd/system/leastcapd.service.d/dead.conf $DIR
	systemctl daemon-reload
}
setup() { mark; }
teardown() {
	rm -f $DIR/go
	systemctl start leastcapd
	leastcap confirm >/dev/null 2>&1 || true
	leastcap rearm >/dev/null 2>&1 || true
	leastcap remove --shadow c >/dev/null 2>&1 || true
	leastcap remove --shadow free >/dev/null 2>&1 || true
	drop c below free other
	rm -f "$POLICIES"/*.yaml
	leastcap list | grep -q 'no policies' || api POST /v1/reload
}

# form NAME CGROUP CAPABILITIES [MODE] [MORE]: the policy file $DIR/NAME.yaml.
form() {
	printf 'policies:\n  - name: %s\n    select:\n      - cgroup: %s\n    mode: %s\n    capabilities: %s\n%s' \
		"$1" "$2" "${4:-enforce}" "$3" "${5:+    $5$'\n'}" >$DIR/"$1".yaml
}

dead() { [ "$(systemctl is-active leastcapd)" != active ]; }
kill_daemon() {
	systemctl kill -s KILL leastcapd
	eventually 10 dead
}

# A process in /c that sets the host's name without a pause, until ended.
work() {
	touch $DIR/go
	inside /c $PROBE watch $DIR/go sethostname >$DIR/work &
	WORK=$!
}
# Ends it: prints "refused N" and "allowed N", those that are not zero.
worked() {
	rm $DIR/go
	wait $WORK
	sed -n 's/sethostname=\(.*\)/\1/p' $DIR/work | grep -v ' 0$' | sort
}

status_of() { leastcap status --json | jq -rc "$1"; }
list_of() { leastcap list --json | jq -rc ".policies[] | select(.name == \"$1\") | $2"; }
refuses() { outcome 1 inside "$1" $PROBE sethostname; }
allows() { outcome 0 inside "$1" $PROBE sethostname; }

@test "a dry run says what that was used would be refused, and changes nothing" {
	local before answer
	form c /c all audit 'mounts: audit'
	leastcap apply $DIR/c.yaml
	allows /c
	allows /c/below
	outcome 0 inside /c/below $PROBE chroot
	before=$(status_of '[.bindings[] | del(.capabilities.granted)]')
	form c /c '[SYS_CHROOT]'
	answer=$(leastcap apply --dry-run --json $DIR/c.yaml)
	is true "$(jq .would_apply <<<"$answer")"
	is '["c","enforce","replaced",[],null]' "$(jq -c '.policies[0] | [.name, .mode, .change, .left_out, .unsupported]' <<<"$answer")"
	is '["/c","c",true,["SYS_ADMIN"],[]]' "$(jq -c '.subjects[0] | [.cgroup, .bound_by, .history, .refused.capabilities, .refused.rules]' <<<"$answer")"
	run -0 leastcap apply --dry-run $DIR/c.yaml
	[[ $output == *"refuse"*"SYS_ADMIN"*"nothing was changed"* ]]
	# What a rule is about was done, too: chroot and sethostname are no mounts; this is.
	outcome 0 inside /c $PROBE mount
	form c /c all enforce 'mounts: deny'
	is '["mounts"]' "$(leastcap apply --dry-run --json $DIR/c.yaml | jq -c '.subjects[0].refused.rules')"
	# In audit mode it would be reported.
	form c /c none audit
	is '[[],["SYS_CHROOT","SYS_ADMIN"]]' "$(leastcap apply --dry-run --json $DIR/c.yaml | jq -c '.subjects[0] | [.refused.capabilities, .reported.capabilities - ["SYS_RESOURCE"]]')"
	# What is not bound has no history; what is bound below has.
	form free /free none
	is '["new",false]' "$(leastcap apply --dry-run --json $DIR/free.yaml | jq -c '[.policies[0].change, .subjects[0].history]')"
	run -0 leastcap apply --dry-run $DIR/free.yaml
	[[ $output == *"no history"* ]]
	# What would not be applied.
	form other /nowhere none
	run -1 leastcap apply --dry-run $DIR/other.yaml
	[[ $output == *"would not be applied"*"does not exist"* ]]
	run -1 leastcap apply --dry-run - <<<'policies: ['
	is 1 "$(leastcap list --json | jq '.policies | length')"
	is "$(jq -c '[.[] | .policy, .revision, .mode]' <<<"$before")" "$(status_of '[.bindings[] | .policy, .revision, .mode]')"
	allows /c
}

@test "a shadow refuses nothing and reports, survives the daemon, and is promoted under load" {
	form c /c all
	leastcap apply $DIR/c.yaml
	form c /c none
	work
	leastcap apply --shadow $DIR/c.yaml
	expect_event '.type == "would-deny" and .shadow and .policy == "c" and .item == "SYS_ADMIN" and .subject.binding == "/c"'
	expect_event '.type == "policy" and .action == "applied" and .shadow and .policy == "c" and .by.comm == "leastcap" and .by.uid == 0'
	is '["c","enforce",{"policy":"c","revision":1}]' "$(binding /c '| [.policy, .mode, .shadow]')"
	is '[1,{"bindings":1,"policy":"c","revision":1}]' "$(leastcap list --json | jq -c '.policies[] | [.revision, .shadow]')"
	is '[]' "$(binding /c .capabilities.denied)"
	is '["SYS_ADMIN"]' "$(binding /c .capabilities.would_deny)"
	kill_daemon
	systemctl start leastcapd
	is '{"policy":"c","revision":1}' "$(binding /c .shadow)"
	[[ $(worked) =~ ^allowed\ [0-9]+$ ]]
	work
	leastcap promote c
	mark
	denied SYS_ADMIN '.policy == "c" and .shadow == false'
	[[ $(worked) =~ refused ]]
	is '["c","enforce",2,null]' "$(binding /c '| [.policy, .mode, .revision, .shadow]')"
	run -1 leastcap promote c
	[[ $output == *"no shadow"* ]]
	systemctl restart leastcapd
	refuses /c
	is null "$(binding /c .shadow)"
	is '["applied"]' "$(ls /var/lib/leastcap | jq -Rnc '[inputs] - ["shadow", "last-good", "version"]')"
	is '' "$(ls /var/lib/leastcap/shadow)"
}

@test "a shadow on what has no policy reports, and leaves nothing behind" {
	form free /free none enforce
	leastcap apply --shadow $DIR/free.yaml
	allows /free
	is '["free","audit","free"]' "$(binding /free '| [.policy, .mode, .shadow.policy]')"
	is '["SYS_ADMIN"]' "$(binding /free .capabilities.would_deny)"
	expect_event '.type == "would-deny" and .shadow and .policy == "free"'
	is shadow "$(list_of free .mode_by)"
	run -1 leastcap remove free
	leastcap remove --shadow free
	is '[]' "$(status_of .bindings)"
	run -1 leastcap remove --shadow free
	# Promoted, it has the mode that was written.
	leastcap apply --shadow $DIR/free.yaml
	leastcap promote free
	refuses /free
	is '["enforce",null]' "$(binding /free '| [.mode, .shadow]')"
}

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
	[[ $output == *"nothing waits"* ]]
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

@test "a policy of a file has no shadow: that is said at once, and what to do" {
	form c /c '[SYS_CHROOT, SYS_ADMIN]'
	cp $DIR/c.yaml $POLICIES/c.yaml
	api POST /v1/reload
	form c /c none
	run -1 leastcap apply --shadow $DIR/c.yaml
	[[ $output == *"policy \"c\" is defined in $POLICIES/c.yaml: a shadow of it could not be promoted; try that file with 'leastcap apply --dry-run'"* ]]
	is null "$(binding /c .shadow)"
	allows /c
	[ ! -e /var/lib/leastcap/shadow/c.json ]
	run -0 leastcap apply --dry-run $DIR/c.yaml
	# Without the file it can be tried.
	rm $POLICIES/c.yaml
	api POST /v1/reload
	leastcap apply --shadow $DIR/c.yaml
	is c "$(binding /c .shadow.policy)"
	leastcap remove --shadow c
}

@test "a mode overrides a policy of a file and one that was applied, and survives" {
	form c /c none
	leastcap apply $DIR/c.yaml
	form other /free none
	cp $DIR/other.yaml "$POLICIES/other.yaml"
	api POST /v1/reload
	refuses /c
	refuses /free
	work
	leastcap mode audit c
	leastcap mode audit other
	allows /c
	allows /free
	[[ $(worked) =~ allowed ]]
	expect_event '.type == "policy" and .action == "mode" and .policy == "other" and .mode == "audit" and .old_revision == 1 and .revision == 2'
	is '["audit","override"]' "$(list_of c '[.mode, .mode_by]')"
	kill_daemon
	systemctl start leastcapd
	api POST /v1/reload
	allows /c
	allows /free
	is '["audit","override"]' "$(list_of other '[.mode, .mode_by]')"
	# A new form of the policy does not end it.
	form c /c '[SYS_CHROOT]'
	leastcap apply $DIR/c.yaml
	allows /c
	leastcap mode file c
	leastcap mode default other
	refuses /c
	refuses /free
	is '["enforce","policy"]' "$(list_of other '[.mode, .mode_by]')"
	[ ! -e /var/lib/leastcap/modes.json ]
	run -1 leastcap mode audit nobody
	run -2 leastcap mode adit c
	[[ $output == *"did you mean 'audit'"* ]]
}

@test "a mode that would hold the daemon itself is refused" {
	form c /system.slice none audit
	leastcap apply $DIR/c.yaml
	run -1 leastcap mode enforce c
	[[ $output == *"holds leastcapd itself"* ]]
	is '["audit","policy"]' "$(list_of c '[.mode, .mode_by]')"
	is audit "$(binding /system.slice .mode)"
}

@test "leastcapd as a container is not held by a policy for containers" {
	local scope pid select
	scope=/system.slice/docker-$(container_id 9).scope
	pid=$(systemctl show -P MainPID leastcapd)
	mkdir "$CG$scope"
	echo "$pid" >"$CG$scope/cgroup.procs"
	for select in 'any: container' "container: { id: $(container_id 9) }" "cgroup: '$scope*'"; do
		run -1 policy other "$select" '[SYS_ADMIN, BPF, PERFMON]'
		[[ $output == *"\"$scope\" holds leastcapd itself"*"CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, KILL, SYS_PTRACE;"* ]]
	done
	is '[null,[]]' "$(status_of '[.default_policy, .bindings]')"
	# Left what it needs it goes on.
	policy other 'any: container' all
	is other "$(binding "$scope" .policy)"
	drop other
	mkdir -p $CG/system.slice/leastcapd.service
	echo "$pid" >$CG/system.slice/leastcapd.service/cgroup.procs
	rmdir "$CG$scope"
}

@test "disarmed: everything is allowed and reported, and everybody is told; it ends by itself and by rearm" {
	local count
	form c /c none enforce 'mounts: deny'
	leastcap apply $DIR/c.yaml
	refuses /c
	outcome 1 inside /c $PROBE mount
	work
	run -0 leastcap disarm --for 10m --reason 'the change of tonight'
	[[ $output == *DISARMED* ]]
	mark
	allows /c
	outcome 0 inside /c $PROBE mount
	expect_event '.type == "would-deny" and .item == "SYS_ADMIN" and .policy == "c" and .mode == "enforce"'
	expect_event '.type == "would-deny" and .restriction == "mounts"'
	is '[false,"the change of tonight"]' "$(status_of '[.enforcing, .disarmed.reason]')"
	run -0 leastcap status
	[[ $output == *DISARMED*"the change of tonight"* ]]
	[[ $output != *"enforcing   yes"* ]]
	run -0 leastcap list
	[[ $output == *DISARMED* ]]
	run -1 leastcap doctor
	[[ $output == *DISARMED*"the change of tonight"* ]]
	within 5 eval '[[ $(systemctl show -p StatusText leastcapd) == *DISARMED*"the change of tonight"* ]]'
	is '["SYS_ADMIN"]' "$(binding /c .capabilities.would_deny)"
	leastcap rearm
	refuses /c
	outcome 1 inside /c $PROBE mount
	expect_event '.type == "disarm" and .action == "rearmed" and .by.uid == 0'
	[ "$(worked | wc -l)" -eq 2 ]
	count=$(binding /c .counters.denied)
	# By itself, with the daemon.
	leastcap disarm --for 3s --reason again
	allows /c
	is "$count" "$(binding /c .counters.denied)"
	sleep 4
	refuses /c
	expect_event '.type == "disarm" and .action == "expired" and .reason == "again"'
	run -1 leastcap rearm
	# What is wrong changes nothing.
	run -2 leastcap disarm --for 25h --reason x
	run -2 leastcap disarm --for 10m
	run -1 leastcap disarm --for 10m --reason ' '
	run -1 leastcap disarm --for 10m --reason "$(printf 'a\tb')"
	run -1 leastcap disarm --for 10m --reason "$(printf 'x%.0s' $(seq 201))"
	is 400 "$(api POST '/v1/disarm?seconds=86401&reason=x' | tail -n 1)"
	refuses /c
	is true "$(status_of .enforcing)"
}

@test "disarmed: it ends while the daemon is dead, and the reason survives it" {
	form c /c none
	leastcap apply $DIR/c.yaml
	leastcap disarm --for 25s --reason 'no daemon'
	kill_daemon
	allows /c
	run -0 leastcap status
	[[ $output == *DISARMED* ]]
	systemctl start leastcapd
	is '"no daemon"' "$(leastcap status --json | jq .disarmed.reason)"
	allows /c
	kill_daemon
	sleep 25
	refuses /c
	systemctl start leastcapd
	expect_event '.type == "disarm" and .action == "expired" and .reason == "no daemon"'
	is true "$(status_of .enforcing)"
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
