#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# A kernel that preempts programs leaves one out while another task is in it on the same processor (bpf/leader.bpf.h). Nobody
# can have that happen at will: here the programs that may be left out are taken away altogether.

load common

MOVES=$PROBES/moves
PINS=/sys/fs/bpf/leastcap

setup_file() {
	load common
	fresh_daemon
	cp "$LEASTCAP_BUILD/tests/guest/probes/moves" $PROBES/
	mkdir -p $CG/h $CG/out $CG/l/in
	held 0
	held_by_thread 0
	held_by_clone 0
	policy h 'cgroup: /h' none
	policy l 'cgroup: /l' none
	# The daemon would load them anew.
	systemctl kill --signal KILL leastcapd
	systemctl stop leastcapd
}
teardown_file() {
	load common
	systemctl start leastcapd
	drop h l out
	stop_daemon
}

loaded() { bpftool -j prog | jq -e --arg name "$1" 'any(.[]; .name == $name)' >/dev/null; }

# detach PROGRAM...: they are called no more.
detach() {
	local name
	for name; do
		loaded "$name"
		rm $PINS/v*/build-*/link_"$name" $PINS/v*/build-*/prog_"$name"
	done
	for name; do
		within 10 not loaded "$name"
	done
}
not() { ! "$@"; }

# What a task of /h takes along, by each of the ways out.
held() {
	outcome "$1" inside /h $PROBE fork-join $CG/out sethostname
	outcome "$1" inside /h $PROBE join-exec $CG/out /bin/sh -c "( $PROBE sethostname )"
}
held_by_thread() {
	outcome "$1" inside /h $PROBE join-thread-exec $CG/out $PROBE sethostname
	outcome "$1" inside /h $MOVES leaderless-exec $CG/out /bin/sh -c "exec $PROBE sethostname"
}
held_by_clone() { outcome "$1" inside /h $PROBE clone-into $CG/out sethostname; }

@test "children and threads that execute a program have what they carry, without the programs that may be left out" {
	outcome 0 inside /out $PROBE sethostname
	held 1
	held_by_thread 1
	held_by_clone 1
	detach lc_fork lc_exit lc_release
	held 1
	held_by_thread 1
	held_by_clone 1
	# A child that is made further in, in a place that holds it anyhow.
	outcome 1 inside /l $PROBE clone-into $CG/l/in sethostname
	outcome 0 inside /out $PROBE sethostname
}

@test "that is the work of lc_task and lc_exec_thread" {
	detach lc_exec_thread
	held 1
	held_by_thread 0
	detach lc_task
	held_by_clone 0
	outcome 0 inside /h $PROBE join-exec $CG/out /bin/sh -c "( $PROBE sethostname )"
}

@test "the next daemon attaches them again" {
	systemctl start leastcapd
	loaded lc_fork
	loaded lc_task
	mark
	held 1
	denied SYS_ADMIN '.subject.cgroup == "/out" and .subject.binding == "/h" and .policy == "h"'
	held_by_thread 1
	held_by_clone 1
}
