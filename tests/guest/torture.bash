# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# The torture: for LASTS seconds policies are replaced, removed and put on again, cgroups bound and unbound, made again,
# processes moved, the daemon reloaded and killed, all at once, while processes check.
#
#	/x          replaced all the time: SYS_CHROOT and SYS_TIME, or SYS_ADMIN and SYS_TIME
#	/t          around the next two: SYS_CHROOT, SYS_ADMIN, SYS_TIME
#	/t/y        the same as /x, but taken off in between
#	/t/z        made again all the time; its policy is that of /t
#	/u/1 .. 8   nobody is in there; bound and unbound to SETGID, which is what all others refuse. An element of a map
#	            that is used again for another cgroup, or half written, would show
#	/held       its policy is that of /t; a process that came from there to /free carries it
#
# So SYS_TIME is never refused to those that check, wherever they are, and SETGID never allowed.

# shellcheck source-path=SCRIPTDIR source=common.bash disable=SC1091
load "$(dirname "${BASH_SOURCE[0]}")/common"

WORK=/tmp/torture
SPINNERS=(x y moved.1 moved.2 carried)

setup_file() {
	local cgroup
	load "$(dirname "${BASH_SOURCE[0]}")/torture"
	fresh_daemon
	mkdir -p $CG/x $CG/t/y $CG/u/{1..8} $CG/held $CG/free $WORK
	# Those that check leave the processor to those that change something, wherever in a check they are.
	echo +cpu >$CG/cgroup.subtree_control
	for cgroup in x t held free; do echo 1 >$CG/$cgroup/cpu.weight; done
}
teardown_file() {
	load "$(dirname "${BASH_SOURCE[0]}")/torture"
	stop_daemon
	rm -rf $WORK
}
setup() { mark; }
teardown() {
	rm -f $WORK/go $POLICIES/torture.yaml
	drop x y u
	systemctl reload leastcapd
}

# form FILE NAME CAPABILITIES CGROUP...: a policy file.
form() {
	printf 'policies:\n  - name: %s\n    mode: enforce\n    capabilities: %s\n    select:\n' "$2" "$3"
	printf '      - cgroup: %s\n' "${@:4}"
} >$WORK/"$1"

forms() {
	local all='[SYS_CHROOT, SYS_ADMIN, SYS_TIME]'
	form x.1 x '[SYS_CHROOT, SYS_TIME]' /x
	form x.2 x '[SYS_ADMIN, SYS_TIME]' /x
	form y.1 y '[SYS_CHROOT, SYS_TIME]' /t/y
	form y.2 y '[SYS_ADMIN, SYS_TIME]' /t/y
	form u u '[SETGID]' /u/{1..8}
	form t t "$all" /t
	form z z "$all" /t/z
	form held held "$all" /held
	{ cat $WORK/t && tail -q -n +2 $WORK/z $WORK/held; } >$POLICIES/torture.yaml
	systemctl reload leastcapd
	eventually 20 outcome 1 inside /held $PROBE setgroups
	eventually 20 outcome 1 inside /t $PROBE setgroups
	leastcap apply $WORK/x.1
	leastcap apply $WORK/y.1
}

# spin NAME CGROUP [COMMAND...]: a process that checks until the end.
spin() {
	local name=$1 cgroup=$2
	shift 2
	{
		inside "$cgroup" "$@" $PROBE watch $WORK/go chroot sethostname settime setgroups
		echo "status $?"
	} >$WORK/"$name".out 2>&1 3>&- &
}

# requests NAME PATH...: asked for in turn until the end, by one curl for many of them. PATH is METHOD:PATH[:FORM].
# A daemon that is dead just then answers nothing: 000.
requests() {
	local name=$1 each i method path form
	shift
	for i in {1..3}; do
		for each; do
			IFS=: read -r method path form <<<"$each"
			printf '%s\n' next silent 'unix-socket = "/run/leastcap/leastcap.sock"' "request = $method" \
				'max-time = 10' "url = \"http://localhost/v1/policies$path\"" \
				${form:+"data-binary = \"@$WORK/$form\""} 'output = "/dev/null"' \
				"write-out = \"$name $method %{http_code}\\n\""
		done
	done | tail -n +2 >$WORK/"$name".requests
	while [ -e $WORK/go ]; do
		curl --fail-early --config $WORK/"$name".requests || until api GET /v1/policies >/dev/null; do sleep 0.2; done
	done >>$WORK/done
}

# Each of the two is moved from cgroup to cgroup; /t/z is made for the move, and removed behind it. All within /t: whom the
# host moves below a binding that has not held him is entering, and free of that one until he executes something.
move() {
	local to pids n=0
	pids=("$@")
	while [ -e $WORK/go ]; do
		mkdir -p $CG/t/z
		for to in t/z t/y t t/y t; do
			echo "${pids[n++ % 2]}" >$CG/$to/cgroup.procs && echo "move to $to"
			sleep 0.02
		done
		for to in "${pids[@]}"; do echo "$to" >$CG/t/y/cgroup.procs; done
		rmdir $CG/t/z && echo "reborn ok"
	done >>$WORK/done
}

daemon_pid() { systemctl show -P MainPID leastcapd; }

disturb() {
	while [ -e $WORK/go ]; do
		sleep 3
		kill -HUP "$(daemon_pid)" && echo "reload sent"
		sleep 5
		kill -KILL "$(daemon_pid)" && echo "kill done"
		systemctl start leastcapd && echo "start done"
	done >>$WORK/done
}

pid_of() { pgrep -f "watch $WORK/go" | while read -r pid; do ! grep -qx "0::$1" "/proc/$pid/cgroup" || echo "$pid"; done; }

torture() {
	local jobs
	local -a movers
	outcome 0 inside /x $PROBE settime
	outcome 0 inside /x $PROBE setgroups
	forms
	touch $WORK/go
	: >$WORK/done
	spin moved.1 /t
	spin moved.2 /t
	sleep 1
	mapfile -t movers < <(pid_of /t)
	is 2 ${#movers[@]}
	spin x /x
	spin y /t/y
	spin carried /held $PROBE join-exec $CG/free
	{
		requests replace POST:?file=x:x.1 POST:?file=x:x.2 &
		requests again POST:?file=y:y.1 DELETE:/y POST:?file=y:y.2 DELETE:/y &
		requests bind POST:?file=u:u DELETE:/u &
		move "${movers[@]}" &
		disturb &
	} 2>$WORK/errors 3>&-
	sleep $LASTS
	rm $WORK/go
	wait
	told
}

# times REGEX: how many lines of what was done.
times() { grep -cE "$1" $WORK/done || true; }
# turns NAME REGEX: how many turns of it came out so.
turns() { grep -E "$2" $WORK/"$1".out | awk '{ n += $NF } END { print n + 0 }'; }

# What was done, and that it was enough to mean something.
told() {
	local name what
	for name in "${SPINNERS[@]}"; do
		echo "# $name: $(turns "$name" settime) turns of 4 checks, changed $(turns "$name" ^changed)," \
			"flashed $(turns "$name" ^flashed)" >&3
		is "status 0" "$(tail -n 1 $WORK/"$name".out)"
		[ "$(turns "$name" settime)" -gt 1000 ]
	done
	# Both policies were seen, and of /t/y also that there is none.
	for name in x y; do
		[ "$(turns $name 'chroot=allowed sethostname=refused')" -gt $LASTS ]
		[ "$(turns $name 'chroot=refused sethostname=allowed')" -gt $LASTS ]
	done
	[ "$(turns y 'chroot=allowed sethostname=allowed')" -gt $LASTS ]
	sort $WORK/done | uniq -c | sed 's/^ */# /' >&3
	sort $WORK/errors | uniq -c | sort -rn | head -n 5 | sed 's/^ */# said: /' >&3
	for what in 'replace POST 200' 'again POST 200' 'again DELETE 200' 'bind POST 200' 'bind DELETE 200' 'reborn ok' 'move'; do
		[ "$(times "$what")" -ge $((LASTS / 6)) ] || {
			echo "not often enough: $what"
			return 1
		}
	done
	for what in 'reload sent' 'kill done' 'start done'; do [ "$(times "$what")" -ge $((LASTS / 20)) ]; done
}

# no_wrong NAME...: of what each of them has seen.
no_wrong() {
	local name wrong=0 n
	for name; do
		n=$(($(turns "$name" settime=refused) + $(turns "$name" setgroups=allowed)))
		[ "$n" = 0 ] || grep -E '(settime=refused|setgroups=allowed).* [1-9][0-9]*$' $WORK/"$name".out | sed "s/^/# wrong: $name: /" >&3
		wrong=$((wrong + n))
	done
	[ $wrong = 0 ] || events '.type == "denied" and .item == "SYS_TIME"' | head -n 20 | sed 's/^/# /' >&3
	is 0 $wrong
}

# no_mixture NAME...: a turn that shows parts of two policies is one within which a policy was replaced: never more of them
# than changes of the answer. Where the cgroup above decides in between, both acts are allowed.
no_mixture() {
	local name mixed
	for name; do
		mixed=$(turns "$name" 'chroot=refused sethostname=refused')
		[ "$name" != x ] || mixed=$((mixed + $(turns x 'chroot=allowed sethostname=allowed')))
		echo "# $name: $mixed turns that look like a mixture" >&3
		[ "$mixed" -le "$(turns "$name" ^changed)" ]
	done
}
