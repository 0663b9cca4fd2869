#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# processors: 2
# leastcap trace: sees every check with its verdict, as another tracer does; loses nothing in silence, leaves nothing.

load common

OUT=/tmp/trace.jsonl

setup_file() {
	load common
	fresh_daemon
	mkdir -p $CG/t/in $CG/other
}
teardown_file() { load common; stop_daemon; }
teardown() {
	[ -z "${TRACER:-}" ] || kill -9 "$TRACER" 2>/dev/null || true
	TRACER=
	docker rm -f traced >/dev/null 2>&1 || true
}

# trace OPTION...: until traced(), into $OUT. When this returns, every check is seen.
trace() {
	leastcap trace --json "$@" >$OUT 2>/tmp/trace.errors 3>&- &
	TRACER=$!
	within 60 grep -q started $OUT
}

traced() {
	kill -INT "$TRACER"
	outcome 0 wait "$TRACER"
	TRACER=
}

# checks FILTER FORMAT: of the checks that match, one a line, each once.
checks() {
	jq -r "select(.type == \"check\") | select($1) | $2" $OUT | sort -u
}

summary() {
	tail -n 1 $OUT | jq -r "select(.type == \"summary\") | $1"
}

some_acts() {
	outcome 0 inside /t/in $PROBE sethostname
	outcome 1 inside /t $PROBE as 1000 $PROBE sethostname
	outcome 0 inside /t $PROBE userns chroot
	outcome 0 inside /other $PROBE chroot
}

@test "a subject, without a policy: allowed, missing, in a child user namespace; not who is elsewhere" {
	local own
	own=$(stat -Lc %i /proc/self/ns/user)
	trace --stack /t
	some_acts
	traced
	is "$(printf '%s\n' 'sethostname /t missing' 'sethostname /t/in allowed')" \
		"$(checks '.syscall == "sethostname"' '"\(.syscall) \(.subject.cgroup) \(.verdict)"')"
	is '/t allowed true' "$(checks '.syscall == "chroot"' '"\(.subject.cgroup) \(.verdict) \(.child_userns)"')"
	is probe "$(checks '.syscall == "sethostname"' .process.comm)"
	is SYS_ADMIN "$(checks '.syscall == "sethostname"' .capability)"
	is "$own" "$(checks '.verdict == "missing" and .syscall == "sethostname"' .userns)"
	is true "$(checks '.syscall == "chroot"' ".userns != $own")"
	is '' "$(checks '.subject.cgroup == "/other"' .)"
	is 1000 "$(checks '.verdict == "missing" and .syscall == "sethostname"' .process.uid)"
	# The first function that asked is one of the kernel's ways to ask, and the system call is below it.
	is ns_capable "$(checks '.syscall == "sethostname"' '.stack[0]' | sed 's/^ns_capable.*/ns_capable/' | uniq)"
	is 2 "$(jq -c 'select(.syscall == "sethostname" and (.stack | any(test("sethostname"))))' $OUT | wc -l)"
	# Nothing came in between.
	is 0 "$(summary '.lost + .unfit + .checks - .shown - .repeated')"
}

@test "options choose in the kernel" {
	trace --cap SYS_CHROOT,cap_chown --all
	some_acts
	traced
	is SYS_CHROOT "$(checks '.process.comm == "probe"' .capability)"
	is '' "$(checks '.capability != "SYS_CHROOT" and .capability != "CHOWN"' .)"
	trace --denied /t
	some_acts
	traced
	is missing "$(checks true .verdict)"
	trace --count 1 /t
	some_acts
	outcome 0 wait "$TRACER"
	is 1 "$(summary .shown)"
	is 3 "$(wc -l <$OUT)"
	trace --duration 1s /other
	outcome 0 wait "$TRACER"
	is 0 "$(summary .checks)"
	# One process, wherever it is.
	rm -f /tmp/go
	sh -c "until [ -e /tmp/go ]; do sleep 0.1; done; exec $PROBE sethostname" 3>&- &
	local pid=$!
	trace --pid $pid
	touch /tmp/go
	outcome 0 wait $pid
	traced
	is "$pid SYS_ADMIN" "$(checks '.syscall == "sethostname"' '"\(.process.pid) \(.capability)"')"
	is "$pid" "$(checks true .process.pid)"
}

@test "lines fit into 80 columns" {
	mkdir -p "$CG/t/a-cgroup-with-a-long-name-$(printf '\033')[2J"
	COLUMNS=80 leastcap trace /t >/tmp/trace.text 2>/tmp/trace.errors 3>&- &
	TRACER=$!
	within 60 grep -q TIME /tmp/trace.text
	some_acts
	inside "/t/a-cgroup-with-a-long-name-$(printf '\033')[2J" $PROBE sethostname
	traced
	is '' "$(grep -vE '^.{1,80}$' /tmp/trace.text)"
	is '' "$(grep -P '[\x00-\x09\x0b-\x1f]' /tmp/trace.text)"
	grep -qE '^[0-9:]{8} /t/in +probe +[0-9]+ SYS_ADMIN +allowed sethostname$' /tmp/trace.text
	grep -qE '^[0-9:]{8} /t +probe +[0-9]+ SYS_ADMIN +missing sethostname$' /tmp/trace.text
	grep -qE '^ +\(in user namespace [0-9]+\)$' /tmp/trace.text
	grep -qE '[0-9]+ checks: [0-9]+ shown, 0 repeated, 0 lost$' /tmp/trace.errors
	# A file has more room; and a stack, in words. The process that is traced ends, and so does this.
	leastcap trace --unique --stack /t >/tmp/trace.text 2>/tmp/trace.errors 3>&- &
	TRACER=$!
	within 60 grep -q TIME /tmp/trace.text
	inside "/t/a-cgroup-with-a-long-name-$(printf '\033')[2J" $PROBE sethostname
	traced
	grep -qE '^[0-9:]{8} /t/a-cgroup-with-a-long-name-.x1b\[2J +probe +[0-9]+ SYS_ADMIN +allowed sethostname$' /tmp/trace.text
	grep -A 9 'allowed sethostname$' /tmp/trace.text | grep -qE '^ {9}[_a-z0-9]*sethostname[_a-z0-9.]*$'
	sleep 5 &
	run -0 timeout 60 leastcap trace --pid $!
	[[ $output == *"process $! has ended"* ]]
}

@test "leastcap's refusals; who enters and what overlayfs does are left out, unless asked for" {
	policy traced 'cgroup: /t' '[SYS_CHROOT, SETUID, SETGID]'
	trace
	outcome 1 inside /t $PROBE sethostname
	outcome 0 inside /t $PROBE chroot
	outcome 0 inside /other $PROBE sethostname
	outcome 1 inside /t $PROBE as 1000 $PROBE chroot
	# It moves itself in, from outside: it is entering.
	outcome 0 $PROBE join $CG/t sethostname
	traced
	is "$(printf '%s\n' 'SYS_ADMIN denied' 'SYS_CHROOT allowed' 'SYS_CHROOT missing')" \
		"$(checks '.syscall == "sethostname" or .syscall == "chroot"' '"\(.capability) \(.verdict)"')"
	is /t "$(checks true .subject.cgroup)"
	# By the policy's name.
	trace --entering traced
	outcome 0 $PROBE join $CG/t sethostname
	outcome 0 inside /other $PROBE sethostname
	traced
	is 'true allowed' "$(checks '.syscall == "sethostname"' '"\(.entering) \(.verdict)"')"
	# Disarmed, leastcap refuses nothing.
	leastcap disarm --for 1m --reason test
	trace traced
	outcome 0 inside /t $PROBE sethostname
	leastcap rearm
	outcome 1 inside /t $PROBE sethostname
	traced
	is "$(printf '%s\n' allowed denied)" "$(checks '.syscall == "sethostname"' .verdict)"
	# A rule refuses what a capability is wanted for.
	drop traced
	cat >/tmp/mounts.yaml <<-END
		policies:
		  - name: traced
		    select:
		      - cgroup: /t
		    capabilities: all
		    mounts: deny
	END
	leastcap apply /tmp/mounts.yaml
	trace /t
	outcome 1 inside /t $PROBE fsmount tmpfs size=4096
	outcome 0 inside /t $PROBE sethostname
	traced
	is "$(printf '%s\n' 'fsopen denied' 'sethostname allowed')" \
		"$(checks '.syscall == "sethostname" or .syscall == "fsopen"' '"\(.syscall) \(.verdict)"')"
	drop traced
}

@test "leastcap that comes and goes meanwhile: who refuses is known, or that it is not" {
	stop_daemon
	trace --all --cap SYS_ADMIN
	outcome 0 inside /t/in $PROBE sethostname
	# Loads leastcap, and unloads it.
	outcome 1 leastcap run --allow CHOWN -- $PROBE sethostname
	eventually 30 eval '[ "$(grep -c "\"type\":\"loaded\"" $OUT)" -ge 2 ]'
	systemctl start leastcapd
	eventually 30 eval 'tail -n 1 <(grep "\"type\":\"loaded\"" $OUT) | grep -q true'
	policy traced 'cgroup: /t' '[SYS_CHROOT, SETUID, SETGID]'
	outcome 1 inside /t/in $PROBE sethostname
	traced
	is "$(printf '%s\n' allowed denied)" "$(checks '.syscall == "sethostname" and .subject.cgroup == "/t/in"' .verdict)"
	is '' "$(checks '.verdict == "refused" and (.unsure | not)' .process.comm)"
	is 0 "$(summary '.checks - .shown - .repeated - .lost')"
	drop traced
}

@test "probes, and checks with overridden credentials" {
	local somebody
	$PROBE as 12345 $PROBE sleep 1000 3>&- &
	somebody=$!
	mkdir -p /tmp/o/{lower,upper,work,merged}
	touch /tmp/o/lower/file
	mount -t overlay -o lowerdir=/tmp/o/lower,upperdir=/tmp/o/upper,workdir=/tmp/o/work overlay /tmp/o/merged
	trace --overridden /t
	outcome 0 inside /t /bin/cat /proc/$somebody/stat >/dev/null
	outcome 0 inside /t /bin/rm /tmp/o/merged/file
	traced
	is SYS_PTRACE "$(checks '.probe and .capability == "SYS_PTRACE"' .capability)"
	[ -n "$(checks .overridden_credentials .capability)" ]
	rm -rf /tmp/o/upper/file
	# A probe that came first hides nothing that is asked in earnest.
	trace --unique --cap SYS_PTRACE /t
	outcome 0 inside /t /bin/sh -c 'exec /bin/cat /proc/$0/stat /proc/$0/environ /proc/$0/stat /proc/$0/environ' $somebody >/dev/null
	traced
	is "$(printf '%s\n' false true)" "$(checks '.process.comm == "cat"' .probe)"
	is 2 "$(grep -c '"comm":"cat"' $OUT)"
	trace --audit-only /t
	outcome 0 inside /t /bin/cat /proc/$somebody/stat >/dev/null
	outcome 0 inside /t /bin/rm /tmp/o/merged/file
	outcome 0 inside /t $PROBE sethostname
	traced
	is '' "$(checks '.probe or .overridden_credentials' .)"
	is SYS_ADMIN "$(checks '.syscall == "sethostname"' .capability)"
	umount /tmp/o/merged
	kill $somebody
}

@test "a container by its name and its id, and a word that means nothing" {
	local id
	probe_image
	docker run -d --name traced probe sh -c 'while [ ! -e /go ]; do sleep 0.2; done; probe chroot; sleep 1000'
	id=$(docker inspect -f '{{.Id}}' traced)
	trace --cap SYS_CHROOT "${id:0:8}"
	docker exec traced touch /go
	within 10 grep -q '"chroot"' $OUT
	traced
	is "$id traced" "$(checks '.syscall == "chroot" and .process.comm == "probe"' '"\(.subject.container) \(.subject.name)"')"
	leastcap trace --duration 1s --cap SYS_TIME traced
	run -1 leastcap trace tracde
	[[ $output == *"did you mean 'traced'?"* ]]
	run -1 leastcap trace --pid 4000000
	run -2 leastcap trace --cap SYS_ADMN
	[[ $output == *"did you mean SYS_ADMIN?"* ]]
	run -2 leastcap trace --all /t
	run -2 leastcap trace --count 0
	run -1 setpriv --reuid 1000 --clear-groups --bounding-set=-all leastcap trace --all
	[[ $output == *"not root"* ]]
	# Nothing of it was loaded.
	run -1 grep -c lc_trace <(bpftool prog)
}

@test "nothing is left after kill -9" {
	local before
	before=$(bpftool prog | grep -c '^[0-9]')
	trace --all
	bpftool prog | grep -q lc_trace
	kill -9 "$TRACER"
	wait "$TRACER" || true
	TRACER=
	eventually 10 sh -c '! bpftool prog | grep -q lc_trace'
	is "$before" "$(bpftool prog | grep -c '^[0-9]')"
	# Maps go when the last one who may look at them has: after their programs.
	eventually 10 sh -c '! bpftool map | grep -qwE "kinds|checks"'
}

# Pairs of process and capability, one a line. A line of capable is: time, uid, pid, process, number, name, audit, verdict.
pairs_of_capable() {
	awk '$6 ~ /^CAP_/ { print $3, $4, substr($6, 5) }' | sort -u
}
# Whether it may overcommit memory each execve asks commoncap alone, for SYS_ADMIN and NOAUDIT (cap_vm_enough_memory() in
# security/commoncap.c): no security module is asked, leastcap neither, and security_capable() is not called. Where the compiler
# has made a call of it, as in 7, capable sees it.
# Of the seconds that trace was there for from beginning to end: capable began earlier, and ended later.
asked_of_all_modules() {
	awk -v from="$1" -v to="$2" '$1 > from && $1 < to && !($6 == "CAP_SYS_ADMIN" && $7 == 0)' /tmp/capable.text
}
pairs_of_trace() {
	checks true '"\(.process.pid) \(.process.comm) \(.capability)"'
}

@test "agrees with capable of libbpf-tools" {
	local act other from to
	stdbuf -oL capable >/tmp/capable.text 2>&1 3>&- &
	other=$!
	within 60 grep -q COMM /tmp/capable.text
	trace --all --entering --overridden
	from=$(date +%T)
	sleep 1
	for act in sethostname chroot settime setuid chown rawsocket bind80; do
		ln -f $PROBE "$PROBES/w-$act"
		outcome 0 inside /other "$PROBES/w-$act" $act
		outcome 1 "$PROBES/w-$act" as 1000 "$PROBES/w-$act" $act
	done
	outcome 0 docker run --rm --network none busybox true
	sleep 1
	to=$(date +%T)
	traced
	kill -INT $other
	wait $other
	is 0 "$(summary '.lost + .missed + .unfit')"
	run -1 grep -i lost /tmp/capable.text
	# Neither sees itself.
	pairs_of_capable </tmp/capable.text | grep -v ' leastcap ' >/tmp/pairs.capable
	asked_of_all_modules "$from" "$to" | pairs_of_capable | grep -v ' leastcap ' >/tmp/pairs.asked
	pairs_of_trace | grep -v ' capable ' >/tmp/pairs.trace
	echo "# $(wc -l </tmp/pairs.trace) pairs" >&3
	[ "$(grep -c ' w-' /tmp/pairs.trace)" -ge 27 ]
	grep -q ' runc:\[2:INIT\] SYS_ADMIN$' /tmp/pairs.trace
	[ "$(grep -c ' w-' /tmp/pairs.asked)" -ge 27 ]
	# Each has seen what the other has.
	is '' "$(comm -13 /tmp/pairs.capable /tmp/pairs.trace)"
	is '' "$(comm -23 /tmp/pairs.asked /tmp/pairs.trace)"
}

@test "a million checks: none is lost with --unique, and without what is lost is counted" {
	leastcap trace --json --unique --cap SYS_ADMIN --audit-only /other >/tmp/unique.jsonl 3>&- &
	local unique=$!
	trace --cap SYS_ADMIN --audit-only /other
	within 60 grep -q started /tmp/unique.jsonl
	outcome 0 inside /other $PROBE loop 1000000 sethostname
	kill -INT $unique
	outcome 0 wait $unique
	traced
	is 1 "$(grep -c '"sethostname"' /tmp/unique.jsonl)"
	# Where the kernel preempts, a check may fall into another task's and is not looked at: told as missed.
	local exact='.checks <= 1000000 and .checks + .missed >= 1000000 and .missed < 100 and
		.shown + .repeated + .lost == .checks'
	is '1 0 0 true' "$(tail -n 1 /tmp/unique.jsonl | jq -r "\"\\(.shown) \\(.lost) \\(.unfit) \\($exact)\"")"
	is 'true true' "$(summary "\"\\(.lost > 0) \\($exact)\"")"
	is "$(summary .shown)" "$(grep -c '"sethostname"' $OUT)"
	# While it went on, it was told as well.
	grep -q '"type":"lost"' $OUT
}
