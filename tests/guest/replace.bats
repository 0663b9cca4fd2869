#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# processors: 2
# A policy is replaced under load: a check sees the old one or the new one.
#
# What a check may see is known for each act: a capability of both policies is never refused, one of neither is never
# allowed. A process that does several acts in turn may see the policy change between two of them: such a turn
# looks like a mixture, and each replacement explains at most one of them in each process.

load common

FLIPS=1000 FEWER=200
[ -z "${SOAK:-}" ] || FLIPS=10000 FEWER=2000
WORK=/tmp/replace

setup_file() {
	load common
	fresh_daemon
	mkdir -p $CG/r/child $CG/r/many $WORK
}
teardown_file() { load common; stop_daemon; rm -rf $WORK; }
setup() { mark; }
teardown() { rm -f $WORK/go; drop r child; }

# form FILE NAME CGROUP CAPABILITIES [MODE]: a policy file for flip.
form() {
	printf 'policies:\n  - name: %s\n    select:\n      - cgroup: %s\n    mode: %s\n    capabilities: %s\n' \
		"$2" "$3" "${5:-enforce}" "$4" >$WORK/"$1"
}

# watch CGROUP ACT...: two processes do the acts in turn until FLIPS replacements are done.
watch() {
	local cgroup=$1
	shift
	touch $WORK/go
	inside "$cgroup" $PROBE watch $WORK/go "$@" >$WORK/out.1 &
	WATCH1=$!
	inside "$cgroup" $PROBE watch $WORK/go "$@" >$WORK/out.2 &
	WATCH2=$!
}

# flip A B: applies the two forms in turn. One curl for all of it: a leastcap each would take ten times as long.
flip() {
	local i request
	for request in "$1" "$2"; do
		printf '%s\n' next silent 'unix-socket = "/run/leastcap/leastcap.sock"' \
			'url = "http://localhost/v1/policies?file=flip"' "data-binary = \"@$WORK/$request\"" \
			"output = $WORK/answer" 'write-out = "%{http_code}\n"' >$WORK/"$request".request
	done
	for i in $(seq $((FLIPS / 2))); do cat $WORK/"$1".request $WORK/"$2".request; done |
		tail -n +2 >$WORK/requests
	is "$FLIPS 200" "$(curl --config $WORK/requests | sort | uniq -c | xargs)"
	rm $WORK/go
	wait $WATCH1 $WATCH2
	cat $WORK/out.1 $WORK/out.2
}

# turns REGEX FILE: how many turns came out so.
turns() { grep -E "$1" "$2" | awk '{ n += $NF } END { print n + 0 }'; }

both() { cat $WORK/out.1 $WORK/out.2; }

@test "a capability of both policies is always allowed, one of neither never, and no check sees a mixture" {
	local each mixed refused=0
	outcome 0 inside /r $PROBE setgroups
	outcome 0 inside /r $PROBE settime
	form 1 r /r '[SYS_CHROOT, SYS_TIME]'
	form 2 r /r '[SYS_ADMIN, SYS_TIME]'
	leastcap apply $WORK/2
	watch /r chroot sethostname settime setgroups
	flip 1 2
	for each in 1 2; do
		is 0 "$(turns setgroups=allowed $WORK/out.$each)"
		is 0 "$(turns settime=refused $WORK/out.$each)"
		# Both policies were seen, and in between no more mixtures than there were replacements.
		[ "$(turns 'chroot=allowed sethostname=refused' $WORK/out.$each)" -gt 100 ]
		[ "$(turns 'chroot=refused sethostname=allowed' $WORK/out.$each)" -gt 100 ]
		mixed=$(($(turns 'chroot=allowed sethostname=allowed' $WORK/out.$each) +
			$(turns 'chroot=refused sethostname=refused' $WORK/out.$each)))
		[ "$mixed" -le $FLIPS ]
	done
	is $((FLIPS + 1)) "$(binding /r .revision)"
	# Each refusal was counted, whatever became of the policy meanwhile.
	for each in chroot sethostname setgroups; do refused=$((refused + $(both | turns $each=refused -))); done
	is "$refused" "$(binding /r .counters.denied)"
	is '["SETGID","SYS_CHROOT","SYS_ADMIN"]' "$(binding /r .capabilities.denied)"
	denied SETGID '.subject.binding == "/r"'
}

@test "mode and whitelist change together" {
	FLIPS=$FEWER
	# The mode of one with the list of the other would refuse SYS_CHROOT.
	outcome 0 inside /r $PROBE chroot
	form 1 r /r '[SYS_CHROOT]' enforce
	form 2 r /r none audit
	leastcap apply $WORK/2
	watch /r chroot sethostname
	flip 1 2
	is 0 "$(both | turns chroot=refused -)"
	[ "$(both | turns sethostname=refused -)" -gt 100 ]
	[ "$(both | turns sethostname=allowed -)" -gt 100 ]
	is "$(both | turns sethostname=refused -)" "$(binding /r .counters.denied)"
	is '["SYS_ADMIN"]' "$(binding /r .capabilities.denied)"
	# Or would let SYS_ADMIN through as a trial of a policy that does not try anything.
	drop r
	form 1 r /r all audit
	form 2 r /r '[SYS_CHROOT]' enforce
	leastcap apply $WORK/2
	watch /r chroot sethostname
	flip 1 2
	is 0 "$(both | turns chroot=refused -)"
	[ "$(both | turns sethostname=refused -)" -gt 100 ]
	[ "$(both | turns sethostname=allowed -)" -gt 100 ]
	is '[[],0]' "$(binding /r '| [.capabilities.would_deny, .counters.would_deny]')"
}

@test "below a parent that is replaced, a child's policy holds all the time" {
	local each wanted FLIPS=$FEWER
	outcome 0 inside /r/child $PROBE setgroups
	form 1 r /r '[SYS_CHROOT, SYS_TIME, SETGID]'
	form 2 r /r '[SYS_ADMIN, SYS_TIME, SETGID]'
	form child child /r/child '[SYS_CHROOT, SYS_ADMIN, SYS_TIME]'
	leastcap apply $WORK/child
	leastcap apply $WORK/2
	watch /r/child chroot sethostname settime setgroups
	flip 1 2
	is 0 "$(both | turns setgroups=allowed -)"
	is 0 "$(both | turns settime=refused -)"
	for each in 1 2; do
		[ "$(turns 'chroot=allowed sethostname=refused' $WORK/out.$each)" -gt 100 ]
		[ "$(turns 'chroot=refused sethostname=allowed' $WORK/out.$each)" -gt 100 ]
		[ "$(($(turns 'chroot=allowed sethostname=allowed' $WORK/out.$each) +
			$(turns 'chroot=refused sethostname=refused' $WORK/out.$each)))" -le $FLIPS ]
	done
	# Every refusal is counted where it was made: SETGID by the child, the others by the parent.
	wanted=$(($(both | turns chroot=refused -) + $(both | turns sethostname=refused -) +
		$(both | turns setgroups=refused -)))
	is "$wanted" $(($(binding /r .counters.denied) + $(binding /r/child .counters.denied)))
	[ "$(binding /r/child .counters.denied)" -ge "$(both | turns setgroups=refused -)" ]
	is 1 "$(binding /r/child .revision)"
	is $((FLIPS + 1)) "$(binding /r .revision)"
}

@test "a policy that is put on and taken off again refuses nothing that it allows" {
	local i
	form 1 r /r '[SYS_CHROOT]'
	watch /r chroot sethostname
	for i in $(seq $((FLIPS / 50))); do
		api POST /v1/policies --data-binary @$WORK/1 >/dev/null
		api DELETE /v1/policies/r >/dev/null
	done
	rm $WORK/go
	wait $WATCH1 $WATCH2
	is 0 "$(both | turns chroot=refused -)"
	[ "$(both | turns sethostname=refused -)" -gt 100 ]
	[ "$(both | turns sethostname=allowed -)" -gt 100 ]
}

# A policy is changed so often, while something is born all the time.
BIRTHS=8
[ -z "${SOAK:-}" ] || BIRTHS=80

# in_force N: all that it holds has the Nth revision.
in_force() {
	is "[$1]" "$(leastcap status --json |
		jq -c '[.bindings[] | select(.policy == "r" and (.gone | not)) | .revision] | unique')"
}

# give_birth COMMAND...: executes it with a number until there is nothing to go on for.
give_birth() {
	local i
	for i in $(seq 100 299); do
		[ -e $WORK/go ] || return 0
		"$@" "$i"
	done
}

# Cgroups to look through, so that the daemon takes a while from its look at what is there to the change.
many() { (cd $CG/r/many && seq 1000 | xargs "$@"); }

born() { mkdir "$CG/r/$(container_id "$1")"; }
again() { rmdir $CG/r/child && mkdir $CG/r/child; }

@test "containers that are born while the default policy changes end up with the new one" {
	local i
	many mkdir -p
	form 1 r /r '[SYS_CHROOT]'
	form 2 r /r '[SYS_ADMIN]'
	sed -i 's,cgroup: /r,any: container,' $WORK/1 $WORK/2
	leastcap apply $WORK/1
	for i in $(seq 2 $BIRTHS); do
		touch $WORK/go
		give_birth born &
		is 200 "$(api POST /v1/policies?file=births --data-binary @$WORK/$((2 - i % 2)) | tail -n 1)"
		rm $WORK/go
		wait $!
		eventually 10 in_force "$i"
		rmdir $CG/r/0*
	done
	many rmdir
}

# By a file: what names a cgroup that is not there just now cannot be applied.
@test "a cgroup that is made again while its policy changes ends up with the new one" {
	local i
	many mkdir -p
	form 1 r /r/child '[SYS_CHROOT]'
	form 2 r /r/child '[SYS_ADMIN]'
	cp $WORK/1 $POLICIES/births.yaml
	api POST /v1/reload
	for i in $(seq 2 $BIRTHS); do
		touch $WORK/go
		give_birth again &
		cp $WORK/$((2 - i % 2)) $POLICIES/births.yaml
		is 200 "$(api POST /v1/reload | tail -n 1)"
		rm $WORK/go
		wait $!
		eventually 10 in_force "$i"
	done
	many rmdir
	is true "$(binding /r/child .born)"
	rm $POLICIES/births.yaml
	api POST /v1/reload
}
