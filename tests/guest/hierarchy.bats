#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Every bound ancestor must allow; moving sheds nothing; entering is only for what comes from outside.

load common

MOVES=$PROBES/moves

setup_file() {
	load common
	fresh_daemon --entering-limit 4
	cp "$LEASTCAP_BUILD/tests/guest/probes/moves" $PROBES/
	mkdir -p $CG/h/sub/deep $CG/out $CG/slice/svc
}
teardown_file() { load common; stop_daemon; }
setup() { mark; }
teardown() { drop h sub slice svc out; }

@test "a child cgroup made from inside stays confined" {
	outcome 0 inside /h/sub/deep $PROBE sethostname
	policy h 'cgroup: /h' none
	outcome 1 inside /h /bin/sh -c "mkdir -p $CG/h/new && exec $PROBE join $CG/h/new sethostname"
	denied SYS_ADMIN '.subject.cgroup == "/h/new" and .subject.binding == "/h"'
	outcome 1 inside /h/sub/deep $PROBE sethostname
}

@test "nested bindings: every ancestor must allow" {
	policy h 'cgroup: /h' '[SYS_ADMIN]'
	outcome 0 inside /h/sub $PROBE sethostname
	outcome 1 inside /h/sub $PROBE chroot
	# The inner one allows more, and cannot widen.
	policy sub 'cgroup: /h/sub' '[SYS_ADMIN, SYS_CHROOT]'
	outcome 1 inside /h/sub/deep $PROBE chroot
	denied SYS_CHROOT '.policy == "h"'
	# The inner one allows less, and tightens.
	policy sub 'cgroup: /h/sub' none
	mark
	outcome 1 inside /h/sub $PROBE sethostname
	denied SYS_ADMIN '.policy == "sub"'
	outcome 0 inside /h $PROBE sethostname
}

# restricting NAME SELECTOR RULE: all capabilities, and one rule.
restricting() {
	printf 'policies: [{name: %s, select: [%s], capabilities: all, %s}]\n' "$@" >/tmp/restricting.yaml
	leastcap apply /tmp/restricting.yaml
}

@test "nested bindings: of those that refuse the innermost is named, by every restriction" {
	local rule act
	cp "$LEASTCAP_BUILD"/tests/guest/probes/{addresses,attributes,bpf} $PROBES/
	for rule in 'mounts: deny;mount;probe mount' 'attributes: deny;mode;attributes chmod /tmp/probe-dac 0' \
		'bpf: deny;bpf-call;bpf map' 'sockets: {connect: deny};connect;addresses udp 127.0.0.1 7'; do
		IFS=';' read -r rule item act <<<"$rule"
		# shellcheck disable=SC2086
		outcome 0 inside /h/sub $PROBES/$act
		restricting h 'cgroup: /h' "$rule"
		restricting sub 'cgroup: /h/sub' "${rule/deny/allow}"
		mark
		# shellcheck disable=SC2086
		outcome 1 inside /h/sub $PROBES/$act
		expect_event ".type == \"denied\" and .item == \"$item\" and .policy == \"h\" and .subject.binding == \"/h\""
		restricting sub 'cgroup: /h/sub' "$rule"
		mark
		# shellcheck disable=SC2086
		outcome 1 inside /h/sub $PROBES/$act
		expect_event ".type == \"denied\" and .item == \"$item\" and .policy == \"sub\" and .subject.binding == \"/h/sub\""
		drop h sub
	done
}

@test "a binding whose policy cannot be read refuses everything" {
	local maps key
	cp "$LEASTCAP_BUILD"/tests/guest/probes/bpf $PROBES/
	policy h 'cgroup: /h' all
	outcome 0 inside /h $PROBE sethostname
	outcome 0 inside /h $PROBES/bpf map
	maps=$(dirname "$(find /sys/fs/bpf/leastcap -name policies)")
	systemctl stop leastcapd
	key=$(bpftool -j map dump pinned "$maps/policies" | jq -r '.[].key | join(" ")')
	while read -r -a key; do bpftool map delete pinned "$maps/policies" key "${key[@]}"; done <<<"$key"
	outcome 1 inside /h $PROBE sethostname
	outcome 1 inside /h $PROBES/bpf map
	outcome 0 inside /out $PROBE sethostname
	# The next daemon tells it, and mends it.
	systemctl start leastcapd
	expect_event '.type == "denied" and .item == "SYS_ADMIN" and .subject.binding == "/h"'
	eventually 20 inside /h $PROBE sethostname
}

@test "an audit policy below an enforcing one reports only what is let through" {
	policy h 'cgroup: /h' '[SYS_ADMIN]'
	policy sub 'cgroup: /h/sub' none audit
	outcome 0 inside /h/sub $PROBE sethostname
	expect_event '.type == "would-deny" and .item == "SYS_ADMIN" and .policy == "sub"'
	outcome 1 inside /h/sub $PROBE chroot
	is '["SYS_CHROOT"]' "$(binding h .capabilities.denied)"
}

@test "a move inside the subtree does not make a task entering" {
	policy h 'cgroup: /h' none
	outcome 1 inside /h $PROBE join $CG/h/sub sethostname
	outcome 1 inside /h $PROBE fork-join $CG/h/sub sethostname
	outcome 1 inside /h $PROBE clone-into $CG/h/sub sethostname
	denied SYS_ADMIN
}

@test "a task that leaves takes the policy along, and so does what it forks and executes" {
	outcome 0 inside /h $PROBE join $CG/out sethostname
	policy h 'cgroup: /h' none
	outcome 1 inside /h $PROBE join $CG/out sethostname
	denied SYS_ADMIN '.subject.cgroup == "/out" and .subject.binding == "/h" and .policy == "h"'
	expect_event '.type == "carried"'
	outcome 1 inside /h $PROBE fork-join $CG/out sethostname
	outcome 1 inside /h $PROBE clone-into $CG/out sethostname
	outcome 1 inside /h $PROBE join-exec $CG/out $PROBE sethostname
	outcome 1 inside /h $PROBE join-exec $CG/out /bin/sh -c "( $PROBE sethostname )"
	outcome 1 inside /h $PROBE join-thread-exec $CG/out $PROBE sethostname
	outcome 1 inside /h $PROBE join-leaderless $CG/out sethostname
	# Whoever was there before is free.
	outcome 0 inside /out $PROBE sethostname
}

@test "a leader that has ended takes nothing with it, executes or moves whoever is left" {
	outcome 0 inside /h $MOVES leaderless-exec $CG/out /bin/sh -c "$PROBE sethostname; exit \$?"
	outcome 0 inside /h $PROBE join-exec $CG/out $MOVES leaderless-moves $CG/h $CG/out
	policy h 'cgroup: /h' none
	# The shell forks: what its children have is what it has.
	outcome 1 inside /h $MOVES leaderless-exec $CG/out /bin/sh -c "$PROBE sethostname; exit \$?"
	denied SYS_ADMIN '.subject.cgroup == "/out" and .subject.binding == "/h" and .process.comm == "probe"'
	outcome 1 inside /h $PROBE join-exec $CG/out $MOVES leaderless-moves $CG/h $CG/out
	outcome 1 inside /h $MOVES leaderless-moves $CG/out $CG/h/sub $CG/out
	denied SYS_ADMIN '.subject.cgroup == "/out" and .process.comm == "moves"'
}

# The thread that lives is behind so many that have ended that it is not looked for (THREADS_MAX in bpf/moves.bpf.h).
@test "nobody can tell where it was: nothing is allowed, until the host takes it out" {
	local child
	policy h 'cgroup: /h' '[SYS_ADMIN]'
	outcome 0 inside /h $MOVES buried 8191 $CG/out
	mark
	outcome 1 inside /h $MOVES buried 8192 $CG/out
	denied SYS_ADMIN '.subject.cgroup == "/out" and .subject.binding == "/h" and .policy == "h" and .process.comm == "moves"'
	rm -f /tmp/buried.*
	cat >/tmp/buried.sh <<-END
		$PROBE sethostname
		[ \$? = 1 ] || exit 9
		echo \$\$ >/tmp/buried.child
		until [ -e /tmp/buried.free ]; do sleep 0.1; done
		exec $PROBE sethostname
	END
	inside /h $MOVES buried 8192 $CG/out -- /bin/sh /tmp/buried.sh &
	child=$!
	within 60 test -s /tmp/buried.child
	cat /tmp/buried.child >$CG/cgroup.procs
	touch /tmp/buried.free
	outcome 0 wait $child
	drop h
}

kernel_complaints() { dmesg | grep -cE 'BUG|Oops|WARNING:|general protection' || true; }

# What the kernel has for the daemon's maps, in bytes. A task's storage is more than 500 of them.
kernel_memory() { sed -n 's/^slab_unreclaimable //p' $CG/system.slice/leastcapd.service/memory.stat; }
no_more_than() { [ "$(kernel_memory)" -le "$1" ]; }

@test "a fork that fails leaves nothing, and the next child has what its maker has" {
	local full="$MOVES full 300" complaints memory pid
	complaints=$(kernel_complaints)
	# Who was never held enters; with nothing to go along nothing does.
	outcome 0 inside /h $full $CG/out $CG/out
	policy h 'cgroup: /h' none
	outcome 0 inside /out $full $CG/out $CG/h
	# It carries the policy.
	memory=$(kernel_memory)
	outcome 1 inside /h $MOVES full 3000 $CG/out $CG/out
	denied SYS_ADMIN '.subject.cgroup == "/out" and .subject.binding == "/h" and .process.comm == "moves"'
	within 10 no_more_than $((memory + 3000 * 300))
	# It is entering.
	outcome 0 $full $CG/h $CG/h
	# It was held, and was taken out: it does not enter again.
	rm -f /tmp/full.go
	# shellcheck disable=SC2016 # not by this shell
	$PROBE join-exec $CG/h /bin/sh -c 'until [ -e /tmp/full.go ]; do sleep 0.1; done; exec "$@"' sh $full $CG/out $CG/h &
	pid=$!
	sleep 1
	echo $pid >$CG/out/cgroup.procs
	mark
	touch /tmp/full.go
	outcome 1 wait $pid
	denied SYS_ADMIN '.subject.cgroup == "/h" and .process.comm == "moves"'
	is 0 "$(leastcap status --json | jq .losses.storage)"
	is "$complaints" "$(kernel_complaints)"
}

@test "who goes out and home all the time is never free in between" {
	run -0 inside /h $MOVES commute 2 $CG/out $CG/h
	policy h 'cgroup: /h' none
	run -1 inside /h $MOVES commute 10 $CG/out $CG/h
	echo "# $output" >&3
	[[ $output == *"allowed 0 refused "*" other 0" ]]
	is "$(sed 's/.*refused \([0-9]*\) .*/\1/' <<<"$output")" "$(binding h .counters.denied)"
}

@test "threads in a threaded cgroup: one that is made elsewhere, and one that goes home alone" {
	mkdir $CG/threads
	echo threaded >$CG/threads/cgroup.type
	outcome 0 inside /threads $MOVES thread-into $CG
	policy h 'cgroup: /threads' none
	outcome 1 inside /threads $MOVES thread-into $CG
	denied SYS_ADMIN '.policy == "h" and .subject.binding == "/threads"'
	drop h
	rmdir $CG/threads
}

@test "a confined task takes another one out: its policy goes along; only the host takes it away" {
	mkdir -p $CG/other
	{
		printf 'policies:\n'
		printf '  - {name: h, select: [cgroup: /h], capabilities: []}\n'
		printf '  - {name: other, select: [cgroup: /other], capabilities: all}\n'
	} >/tmp/two.yaml
	leastcap apply /tmp/two.yaml
	$PROBE join-exec $CG/h $PROBE after 4 sethostname &
	local pid=$!
	sleep 1
	outcome 0 inside /other /bin/sh -c "echo $pid >$CG/out/cgroup.procs"
	outcome 1 wait $pid
	denied SYS_ADMIN '.policy == "h" and .subject.cgroup == "/out"'
	$PROBE join-exec $CG/h $PROBE after 4 sethostname &
	pid=$!
	sleep 1
	outcome 0 inside /other /bin/sh -c "echo $pid >$CG/out/cgroup.procs"
	echo $pid >$CG/h/cgroup.procs
	echo $pid >$CG/out/cgroup.procs
	outcome 0 wait $pid
	drop other
	rmdir $CG/other
}

# By a place outside: a folder in which all may be made.
from_outside() {
	rm -f /var/tmp/left
	inside /h $PROBE join-exec $CG/out "$@"
}

@test "a task that leaves takes the restrictions along: mounts, devices, attributes, connect" {
	local act acts=("mount $PROBE mount" "character-device $PROBES/attributes char /var/tmp/left"
		"mode $PROBES/attributes chmod /tmp/probe-dac 0" "connect $PROBES/addresses udp 127.0.0.1 7")
	cp "$LEASTCAP_BUILD"/tests/guest/probes/{attributes,addresses} $PROBES/
	cat >/tmp/left.yaml <<-END
		policies:
		  - name: h
		    select: [cgroup: /h]
		    capabilities: all
		    mounts: deny
		    devices: deny
		    attributes: deny
		    sockets: {connect: deny}
	END
	# shellcheck disable=SC2086
	for act in "${acts[@]}"; do outcome 0 from_outside ${act#* }; done
	leastcap apply /tmp/left.yaml
	for act in "${acts[@]}"; do
		mark
		# shellcheck disable=SC2086
		run -1 from_outside ${act#* }
		[[ $output == *": EPERM" ]]
		expect_event ".type == \"denied\" and .item == \"${act%% *}\" and .policy == \"h\" and
			.subject.cgroup == \"/out\" and .subject.binding == \"/h\""
	done
}

@test "out and back in gains nothing" {
	policy h 'cgroup: /h' none
	outcome 1 inside /h $PROBE out-and-in $CG/out $CG/h sethostname
	denied SYS_ADMIN '.subject.cgroup == "/h"'
}

@test "a cgroup that is left and removed does not set its tasks free" {
	mkdir $CG/h/left
	policy h 'cgroup: /h/left' none
	$PROBE join-exec $CG/h/left $PROBE join-wait $CG/out 3 sethostname &
	local pid=$!
	sleep 1
	rmdir $CG/h/left
	outcome 1 wait $pid
	denied SYS_ADMIN '.subject.cgroup == "/out"'
}

# asks N: what the process outside says when it is asked for the Nth time, 0: allowed, 1: EPERM.
asks() {
	touch /tmp/left/ask$1
	within 20 test -s /tmp/left/answer$1
	cat /tmp/left/answer$1
}

# Its policy is one of names, not of places: nothing that is there is selected by it any more.
@test "a container that is left and ends does not set its tasks free, whatever the daemon does meanwhile" {
	local cgroup
	probe_image
	rm -rf /tmp/left
	mkdir /tmp/left
	cat >/tmp/left/script <<-'END'
		for n in 1 2 3 4 5 6; do
			until [ -e /left/ask$n ]; do sleep 0.1; done
			[ $n != 2 ] || echo $$ >/host/out/cgroup.procs
			probe sethostname >/dev/null
			echo $? >/left/answer$n
		done
	END
	docker run -d --name left --privileged --pid host --cgroupns host -v $CG:/host -v /tmp/left:/left probe \
		/bin/sh -c 'setsid /bin/sh /left/script & until [ -e /left/end ]; do sleep 0.1; done'
	cgroup=$(docker_cgroup left)
	is 0 "$(asks 1)"
	policy left 'container: {name: left}' none
	is left "$(binding "$cgroup" .policy)"
	is 1 "$(asks 2)"
	denied SYS_ADMIN ".subject.cgroup == \"/out\" and .subject.binding == \"$cgroup\" and .policy == \"left\""
	touch /tmp/left/end
	docker wait left
	docker rm left
	within 20 test ! -e "$CG$cgroup"
	expect_event '.type == "gone"'
	is 1 "$(asks 3)"
	systemctl restart leastcapd
	# Its first look at what is bound, and what comes of it.
	sleep 3
	is 1 "$(asks 4)"
	# Somebody comes, so that everybody is looked at again.
	bundle /tmp/other "/other/$(container_id 7)" '[]' probe none
	outcome 0 runc run --bundle /tmp/other other
	sleep 2
	mark
	is 1 "$(asks 5)"
	denied SYS_ADMIN '.subject.cgroup == "/out" and .policy == "left"'
	# Without its policy it is free.
	drop left
	is 0 "$(asks 6)"
	rmdir $CG/other
	rm -rf /tmp/left /tmp/other
}

@test "a process that asks for the first time while it is moved out stays confined" {
	run -0 $PROBE race 100 $CG/out sethostname
	is "allowed 100 refused 0 other 0" "$output"
	policy h 'cgroup: /h' none
	run -1 inside /h $PROBE race 300 $CG/out sethostname
	is "allowed 0 refused 300 other 0" "$output"
	denied SYS_ADMIN '.subject.binding == "/h"'
	expect_event '.type == "carried"'
}

@test "the host takes a task out, and back in it is not entering" {
	policy h 'cgroup: /h' none
	# Not by a function: $! is to be the program itself.
	$PROBE join-exec $CG/h $PROBE after 3 sethostname &
	local pid=$!
	sleep 1
	echo $pid >$CG/out/cgroup.procs
	outcome 0 wait $pid
	$PROBE join-exec $CG/h $PROBE after 3 sethostname &
	pid=$!
	sleep 1
	echo $pid >$CG/out/cgroup.procs
	echo $pid >$CG/h/cgroup.procs
	outcome 1 wait $pid
}

@test "what comes from outside enters: free until execve, also by clone3" {
	policy h 'cgroup: /h' none
	outcome 0 $PROBE join $CG/h sethostname
	outcome 0 $PROBE fork-join $CG/h/sub sethostname
	outcome 0 $PROBE clone-into $CG/h sethostname
	outcome 1 $PROBE join-exec $CG/h $PROBE sethostname
	outcome 1 $PROBE join-thread-exec $CG/h $PROBE sethostname
	# Nothing of it was learned.
	is '[]' "$(binding h .capabilities.used)"
	is 2 "$(binding h .counters.denied)"
}

@test "a daemon moved in by hand is confined when the time limit strikes, and that is reported" {
	policy h 'cgroup: /h' none
	outcome 0 $PROBE join-wait $CG/h 1 sethostname
	outcome 1 $PROBE join-wait $CG/h 5 sethostname
	expect_event '.type == "entering-expired"'
	denied SYS_ADMIN
}

@test "entering is relative: a slice's policy holds what enters a scope below it" {
	policy slice 'cgroup: /slice' '[SYS_ADMIN]'
	policy svc 'cgroup: /slice/svc' none
	outcome 0 inside /slice $PROBE join $CG/slice/svc sethostname
	outcome 1 inside /slice $PROBE join $CG/slice/svc chroot
	denied SYS_CHROOT '.policy == "slice"'
	outcome 1 inside /slice $PROBE join-exec $CG/slice/svc $PROBE sethostname
	is '[]' "$(binding svc .capabilities.used)"
}

@test "a confined task cannot take over a process that enters" {
	# Somebody who enters and waits, and a confined task with SYS_PTRACE.
	$PROBE join-wait $CG/h 60 none &
	local pid=$!
	sleep 0.5
	outcome 0 inside /h $PROBE take-over $pid
	kill $pid
	policy h 'cgroup: /h' '[SYS_PTRACE, DAC_OVERRIDE, DAC_READ_SEARCH]'
	$PROBE join-wait $CG/h 3 none &
	pid=$!
	sleep 0.5
	run -1 inside /h $PROBE take-over $pid
	# /proc/PID/mem says every refusal so.
	is $'PTRACE_SEIZE: EPERM\nprocess_vm_writev: EPERM\nmem: EACCES\npidfd_getfd: EPERM' "$output"
	expect_event '.type == "denied" and .item == "ptrace-entering"'
	# From outside it is nobody's business.
	outcome 0 $PROBE take-over $pid
	kill $pid
	# A process that has entered is a peer like any other.
	$PROBE join-exec $CG/h /bin/sleep 60 &
	pid=$!
	sleep 0.5
	outcome 0 inside /h $PROBE take-over $pid
	kill $pid
}
