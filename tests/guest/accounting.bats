#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# processors: 2
# Masks and counters are exact whatever happens to the events; events are samples, and none is lost unseen.

load common

setup_file() {
	load common
	install_probes
	mkdir -p $CG/acc $CG/quiet
	# The daemon is stopped for longer than its watchdog would wait.
	systemctl service-watchdogs no
}
teardown_file() { load common; systemctl service-watchdogs yes; stop_daemon; }
setup() { mark; }
teardown() { systemctl kill -s CONT leastcapd || true; drop acc quiet; }

# Two at once, on two processors.
HALF=50000
[ -z "${SOAK:-}" ] || HALF=1000000

# both CGROUP [N ACT]
both() {
	local loop=($PROBE loop "${2:-$HALF}" "${3:-sethostname}") one two
	inside "$1" "${loop[@]}" >/tmp/acc.1 &
	one=$!
	inside "$1" "${loop[@]}" >/tmp/acc.2 &
	two=$!
	wait $one || true
	wait $two || true
	cat /tmp/acc.1 /tmp/acc.2
}

ring_losses() { leastcap status --json | jq .losses.ring; }

# How many samples were lost, by the events since the mark; how many refusals these stand for.
lost_is() { is "$1" "$(events '.type == "lost"' | jq -s 'map(.losses.ring) | add // 0')"; }

# told_is N [VERDICT]: what the events since the mark stand for.
told_is() {
	local verdict=${2:-denied}
	is "$1" "$(events ".subject.binding == \"/acc\" and (.type == \"$verdict\" or .verdict == \"$verdict\")" |
		jq -s 'map(if .type == "quiet" then .suppressed else .suppressed + 1 end) | add // 0')"
}

metric() {
	curl -sS --max-time 30 --unix-socket /run/leastcap/leastcap.sock http://localhost/metrics | sed -n "s/^$1 //p"
}

untold() { metric leastcap_events_suppressed_pending; }

@test "of refusals that are each the first of its kind some find the ring buffer full: received and lost are as many as sent" {
	fresh_daemon --ring-size 4096 --sample-interval 0 --quiet-after 1
	mark
	is "allowed 1000 refused 0 other 0" "$(inside /acc $PROBE loop 1000 sethostname)"
	policy acc 'cgroup: /acc' none
	is 0 "$(ring_losses)"
	systemctl kill -s STOP leastcapd
	kinds /acc 60
	systemctl kill -s CONT leastcapd
	is 60 "$(binding /acc .counters.denied)"
	is '["SYS_ADMIN"]' "$(binding /acc .capabilities.denied)"
	is '[]' "$(binding /acc .capabilities.used)"
	is 0 "$(binding /acc .counters.would_deny)"
	# 4096 bytes hold fifteen samples.
	local lost
	lost=$(ring_losses)
	[ "$lost" -ge 45 ]
	eventually 15 lost_is "$lost"
	is 60 $((lost + $(events '.type == "denied"' | wc -l)))
	# What the lost samples stood for is told as well.
	eventually 20 told_is 60
}

@test "the counters are exact while the ring buffer is tiny and nobody reads it" {
	policy acc 'cgroup: /acc' none
	systemctl kill -s STOP leastcapd
	is "$(printf "allowed 0 refused $HALF other 0\n%.0s" 1 2)" "$(both /acc)"
	systemctl kill -s CONT leastcapd
	is $((2 * HALF)) "$(binding /acc .counters.denied)"
	eventually 20 told_is $((2 * HALF))
}

@test "the same with a reader that does not keep up" {
	policy acc 'cgroup: /acc' none
	is "$(printf "allowed 0 refused $HALF other 0\n%.0s" 1 2)" "$(both /acc)"
	is $((2 * HALF)) "$(binding /acc .counters.denied)"
	run -1 inside /acc $PROBE sethostname
	eventually 20 told_is $((2 * HALF + 1))
}

@test "what is lost while no daemon runs is in the status of the next" {
	policy acc 'cgroup: /acc' none
	local before
	before=$(ring_losses)
	systemctl stop leastcapd
	run -1 inside /acc $PROBE loop 2000 sethostname
	is "allowed 0 refused 2000 other 0" "$output"
	kinds /acc 30
	systemctl start leastcapd
	is 2030 "$(binding /acc .counters.denied)"
	[ "$(ring_losses)" -ge $((before + 15)) ]
}

@test "each refusal is to be told, and there are more than the reader reads: what is repeated gives way, and none is lost" {
	local n=20000 before=0 one
	[ -z "${SOAK:-}" ] || n=200000
	fresh_daemon --sample-interval 0 --quiet-after 1 --no-journal
	mark
	outcome 0 inside /quiet $PROBE chroot
	is "allowed 100 refused 0 other 0" "$(inside /acc $PROBE loop 100 sethostname)"
	policy acc 'cgroup: /acc' none
	policy quiet 'cgroup: /quiet' none
	inside /acc $PROBE loop $n sethostname >/tmp/acc.1 &
	one=$!
	expect_event '.type == "denied" and .subject.binding == "/acc"'
	outcome 1 inside /quiet $PROBE chroot
	wait $one || true
	is "allowed 0 refused $n other 0" "$(cat /tmp/acc.1)"
	is $n "$(binding /acc .counters.denied)"
	received_is $n
	denied SYS_CHROOT '.subject.binding == "/quiet" and .suppressed == 0'

	# With nobody who reads there is still room for what is new.
	mark
	before=$(metric leastcap_events_suppressed_total)
	systemctl kill -s STOP leastcapd
	is "$(printf "allowed 0 refused $((n / 2)) other 0\n%.0s" 1 2)" "$(both /acc $((n / 2)))"
	outcome 1 inside /quiet $PROBE settime
	systemctl kill -s CONT leastcapd
	received_is $n
	is $((2 * n)) "$(binding /acc .counters.denied)"
	denied SYS_TIME '.subject.binding == "/quiet" and .suppressed == 0'
	# Who has caught up has each again.
	mark
	run -1 inside /acc $PROBE loop 100 sethostname
	eventually 20 told_is 100
	is 100 "$(events '.type == "denied"' | wc -l)"
}

# received_is N: so many since the mark, by the events and by what the daemon has read, since it had read $before; nothing was lost.
received_is() {
	local events
	# It is the last. To add up all, again and again, would keep the daemon from it.
	$PROBES/events wait $LOG "$MARK" '.type == "quiet"' 60 >/dev/null
	eventually 20 told_is "$1"
	events=$(events '.type == "denied" and .subject.binding == "/acc"' | wc -l)
	echo "# of $1 refusals $events are events" >&3
	is "$1" $((events + $(metric leastcap_events_suppressed_total) - before))
	is 0 "$(untold)"
	is 0 "$(ring_losses)"
}

# turns WORDS FILE: how many turns came out so.
turns() { grep "^$1" "$2" | awk '{ n += $NF } END { print n + 0 }'; }

# Kinds of refusals that have a place of their own for what is repeated.
have_places() {
	bpftool -j map dump pinned "$(echo /sys/fs/bpf/leastcap/v*/pending)" | jq --arg id "$(stat -c %i "$CG$1")" \
		'[.. | objects | select(has("told") and has("ledgers")) | .key | select(.binding == ($id | tonumber))] | unique | length'
}

@test "few of many kinds of refusals find no place for what is repeated, and none is counted less" {
	# So long a place is kept.
	fresh_daemon --sample-interval 60000
	mkdir -p /tmp/programs
	policy acc 'cgroup: /acc' none
	local n=100
	for i in $(seq $n); do cp $PROBE "/tmp/programs/many.$i"; done
	# Each does both 32 times in turn.
	inside /acc /bin/bash -c "for program in /tmp/programs/many.*; do \$program watch /nothing chroot sethostname; done" >/tmp/acc.many
	is $((n * 32)) "$(turns "chroot=refused sethostname=refused " /tmp/acc.many)"
	is $((n * 32 * 2)) "$(binding /acc .counters.denied)"
	# By calculation some 191, as there are two places for each. By one of 512, or a hash that is less even, it would be 168 or less.
	n=$(have_places /acc)
	echo "# of 200 kinds $n have a place" >&3
	[ "$n" -ge 174 ]
	rm -f /tmp/programs/many.*
}

@test "of each program the first refusal is an event, and the others are summed up" {
	fresh_daemon --sample-interval 1000
	mark
	local n each
	mkdir -p /tmp/programs
	for n in 1 2 3 4 5 6 7 8; do cp $PROBE /tmp/programs/p$n; done
	outcome 0 inside /acc /tmp/programs/p1 sethostname
	policy acc 'cgroup: /acc' none
	for n in 1 2 3 4 5 6 7 8; do
		run -1 inside /acc /tmp/programs/p$n loop $((n * 100)) sethostname
		is "allowed 0 refused $((n * 100)) other 0" "$output"
	done
	is 3600 "$(binding /acc .counters.denied)"
	# Another capability is another kind; so is a repetition after the interval, which has the sum.
	outcome 1 inside /acc /tmp/programs/p1 chroot
	sleep 1.1
	for n in 1 2 3 4 5 6 7 8; do outcome 1 inside /acc /tmp/programs/p$n sethostname; done
	eventually 20 told_is 3609
	is 3609 "$(binding /acc .counters.denied)"
	each=$(events '.type == "denied" and .item == "SYS_ADMIN"' | jq -sc 'group_by(.process.comm) |
		map([.[0].process.comm, .[0].suppressed, (map(.suppressed + 1) | add)])')
	is '[["p1",0,101],["p2",0,201],["p3",0,301],["p4",0,401],["p5",0,501],["p6",0,601],["p7",0,701],["p8",0,801]]' \
		"$each"
	denied SYS_CHROOT '.process.comm == "p1" and .suppressed == 0'
	# They were sampled: by far not each was told.
	[ "$(events '.type == "denied"' | wc -l)" -lt 200 ]
	is 0 "$(ring_losses)"
}

@test "a flood in one subject does not hide the first denial of another" {
	outcome 0 inside /quiet $PROBE chroot
	policy acc 'cgroup: /acc' none
	policy quiet 'cgroup: /quiet' '[SYS_ADMIN]'
	touch /tmp/flood
	local pids=() i
	for i in 1 2 3; do
		inside /acc /tmp/programs/p$i watch /tmp/flood sethostname chroot >/dev/null &
		pids+=($!)
	done
	expect_event '.type == "denied" and .subject.binding == "/acc"'
	sleep 1
	mark
	outcome 1 inside /quiet $PROBE chroot
	denied SYS_CHROOT '.subject.binding == "/quiet" and .suppressed == 0'
	rm /tmp/flood
	wait "${pids[@]}"
	is 1 "$(binding /quiet .counters.denied)"
	is 0 "$(ring_losses)"
}

@test "nor does one below the same outer policy, by the same program: the innermost that refuses is named" {
	mkdir -p $CG/acc/a $CG/acc/b
	outcome 0 inside /acc/b $PROBE sethostname
	policy acc 'cgroup: /acc' none
	policy a 'cgroup: /acc/a' none
	policy b 'cgroup: /acc/b' none
	run -1 inside /acc/a $PROBE loop 500 sethostname
	mark
	outcome 1 inside /acc/b $PROBE sethostname
	denied SYS_ADMIN '.subject.binding == "/acc/b" and .policy == "b" and .suppressed == 0'
	is "501 500 1" "$(binding /acc .counters.denied) $(binding /acc/a .counters.denied) $(binding /acc/b .counters.denied)"
	drop a
	drop b
	rmdir $CG/acc/a $CG/acc/b
}

@test "programs made up without end are folded, and still all refusals are summed up" {
	policy acc 'cgroup: /acc' none
	# More programs, by their inode, than are told apart in one subject.
	local n
	for n in $(seq 280); do cat $PROBES/first >/tmp/programs/many.$n; done
	chmod 755 /tmp/programs/many.*
	inside /acc /bin/bash -c 'for program in /tmp/programs/many.*; do $program; done; exit 0'
	is 280 "$(binding /acc .counters.denied)"
	sleep 1.1
	outcome 1 inside /acc /tmp/programs/many.99
	eventually 20 told_is 281
	[ "$(events '.type == "denied"' | wc -l)" -lt 280 ]
	is 0 "$(ring_losses)"
	rm -f /tmp/programs/many.*
}

@test "what is refused again and again is counted by every policy that refuses it, or would" {
	mkdir -p $CG/acc/deep
	local loop=(inside /acc/deep $PROBE loop 1000 sethostname)
	is "allowed 1000 refused 0 other 0" "$("${loop[@]}")"
	policy acc 'cgroup: /acc' none
	policy deep 'cgroup: /acc/deep' none audit
	is "allowed 0 refused 1000 other 0" "$("${loop[@]}")"
	is "1000 0" "$(binding /acc '.counters | "\(.denied) \(.would_deny)"')"
	is "0 1000" "$(binding /acc/deep '.counters | "\(.denied) \(.would_deny)"')"
	policy deep 'cgroup: /acc/deep' none
	is "allowed 0 refused 1000 other 0" "$("${loop[@]}")"
	is "2000 0" "$(binding /acc '.counters | "\(.denied) \(.would_deny)"')"
	is "1000 1000" "$(binding /acc/deep '.counters | "\(.denied) \(.would_deny)"')"
	# Bound anew it begins at nothing, and the other one goes on.
	drop deep
	policy deep 'cgroup: /acc/deep' none audit
	is "0 0" "$(binding /acc/deep '.counters | "\(.denied) \(.would_deny)"')"
	policy acc 'cgroup: /acc' none audit
	is "allowed 1000 refused 0 other 0" "$("${loop[@]}")"
	is "2000 1000" "$(binding /acc '.counters | "\(.denied) \(.would_deny)"')"
	is "0 1000" "$(binding /acc/deep '.counters | "\(.denied) \(.would_deny)"')"
	drop deep
	rmdir $CG/acc/deep
}

# no_mounts NAME CGROUP MODE: a policy that allows every capability.
no_mounts() {
	printf 'policies:\n  - name: %s\n    select:\n      - cgroup: %s\n    mode: %s\n    capabilities: all\n    mounts: deny\n' \
		"$@" >/tmp/acc.yaml
	leastcap apply /tmp/acc.yaml
}

# Elements that count refusals of restrictions other than capabilities.
counting() { bpftool -j map dump pinned "$(echo /sys/fs/bpf/leastcap/v*/refusals)" | jq length; }

@test "refusals of another restriction: the first is made a place for, by two at once; it goes with the binding" {
	local n=2000
	mkdir -p $CG/acc/deep
	is "allowed 10 refused 0 other 0" "$(inside /acc/deep $PROBE loop 10 mount)"
	no_mounts acc /acc enforce
	no_mounts deep /acc/deep audit
	is "{} {} 0" "$(binding /acc .restrictions) $(binding /acc/deep .restrictions) $(counting)"
	is "$(printf "allowed 0 refused $n other 0\n%.0s" 1 2)" "$(both /acc/deep $n mount)"
	denied mount '.policy == "acc" and .restriction == "mounts"'
	is '{"mounts":{"denied":'$((2 * n))',"would_deny":0}}' "$(binding /acc .restrictions)"
	is '{"mounts":{"denied":0,"would_deny":'$((2 * n))'}}' "$(binding /acc/deep .restrictions)"
	is '[["mounts"],[]]' "$(binding /acc '.rules | [.denied, .would_deny]')"
	is 2 "$(counting)"
	# Bound anew it begins at nothing, and the other one goes on.
	drop deep
	is 1 "$(counting)"
	no_mounts deep /acc/deep enforce
	is "{}" "$(binding /acc/deep .restrictions)"
	outcome 1 inside /acc/deep $PROBE mount
	is '{"mounts":{"denied":1,"would_deny":0}}' "$(binding /acc/deep .restrictions)"
	is '{"mounts":{"denied":'$((2 * n + 1))',"would_deny":0}}' "$(binding /acc .restrictions)"
	drop deep
	drop acc
	is 0 "$(counting)"
	rmdir $CG/acc/deep
}

@test "the next program of a process is another program, whatever the last one was refused" {
	cp /bin/bash /tmp/programs/next
	# Raising a limit wants SYS_RESOURCE.
	outcome 0 inside /acc /bin/bash -c 'ulimit -l 8; ulimit -Hl 16'
	policy acc 'cgroup: /acc' none
	outcome 3 inside /acc /bin/bash -c 'ulimit -l 8; for i in {1..50}; do ulimit -Hl 16; done 2>/dev/null
		exec /tmp/programs/next -c "ulimit -Hl 16 2>/dev/null || exit 3"'
	denied SYS_RESOURCE '.process.comm == "bash" and .suppressed == 0'
	denied SYS_RESOURCE '.process.comm == "next" and .suppressed == 0'
	is 51 "$(binding /acc .counters.denied)"
}

@test "what only asks (NOAUDIT) is counted apart, without an event, and not learned" {
	is "allowed 100 refused 0 other 0" "$(inside /acc $PROBE loop 100 listxattr)"
	policy acc 'cgroup: /acc' none
	run -0 inside /acc $PROBE loop 1000 listxattr
	is "allowed 1000 refused 0 other 0" "$output"
	is '[0,0,1000]' "$(binding /acc '.counters | [.denied, .would_deny, .probe_denied]')"
	is '["SYS_ADMIN"]' "$(binding /acc .capabilities.probed)"
	is '[[],[]]' "$(binding /acc '.capabilities | [.used, .denied]')"
	# A refusal that comes later is there; nothing that came before it was told.
	outcome 1 inside /acc $PROBE chroot
	denied SYS_CHROOT
	is "" "$(events '.type == "denied" and .item == "SYS_ADMIN"')"
	# Where it is allowed it is no use either.
	policy acc 'cgroup: /acc' '[SYS_ADMIN]'
	run -0 inside /acc $PROBE loop 10 listxattr
	is '[]' "$(binding /acc .capabilities.used)"
	is 1000 "$(binding /acc .counters.probe_denied)"
}

@test "when a flood is over an event of its own tells the rest, and then there is silence" {
	fresh_daemon --sample-interval 1000 --quiet-after 2
	mark
	is "allowed 100 refused 0 other 0" "$(inside /acc $PROBE loop 100 sethostname)"
	policy acc 'cgroup: /acc' none
	is "allowed 0 refused 5000 other 0" "$(inside /acc $PROBE loop 5000 sethostname)"
	expect_event '.type == "quiet"'
	told_is 5000
	is 5000 "$(binding /acc .counters.denied)"
	is 0 "$(untold)"
	is "[\"denied\",\"capabilities\",\"SYS_ADMIN\",\"acc\",1,\"enforce\",false,\"/acc\",\"probe\",\"$PROBE\"]" \
		"$(events '.type == "quiet"' | jq -c '[.verdict, .restriction, .item, .policy, .revision, .mode, .shadow,
			.subject.cgroup, .process.comm, .process.exe]')"
	journalctl -q -o cat LEASTCAP_TYPE=quiet | grep -E '^quiet: capabilities SYS_ADMIN by probe in /acc, policy acc, [0-9]+ more, denied$'
	leastcap events | grep -E ' quiet +SYS_ADMIN by probe: [0-9]+ more, denied$'
	# The next one is the first of another flood, and hides nothing.
	mark
	sleep 3.5
	is "" "$(events .seq)"
	outcome 1 inside /acc $PROBE sethostname
	denied SYS_ADMIN '.suppressed == 0'
	is 5001 "$(binding /acc .counters.denied)"
	# What would be refused, too.
	policy acc 'cgroup: /acc' none audit
	mark
	is "allowed 3000 refused 0 other 0" "$(inside /acc $PROBE loop 3000 sethostname)"
	expect_event '.type == "quiet" and .verdict == "would-deny" and .policy == "acc" and .mode == "audit"'
	told_is 3000 would-deny
}

@test "what a daemon that was killed has left, the next one tells" {
	policy acc 'cgroup: /acc' none
	systemctl kill -s KILL leastcapd
	is "allowed 0 refused 2000 other 0" "$(inside /acc $PROBE loop 2000 sethostname)"
	expect_event '.type == "quiet"'
	told_is 2000
}

@test "what is left when a policy is removed is told at once" {
	fresh_daemon --sample-interval 1000 --quiet-after 600
	mark
	policy acc 'cgroup: /acc' none
	is "allowed 0 refused 4000 other 0" "$(inside /acc $PROBE loop 4000 sethostname)"
	[ "$(untold)" -gt 0 ]
	is "" "$(events '.type == "quiet"')"
	drop acc
	eventually 20 told_is 4000
	is 0 "$(untold)"
	is '[null,"denied","/acc"]' "$(events '.type == "quiet"' | jq -c '[.policy, .verdict, .subject.binding]')"
}
