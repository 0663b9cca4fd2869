#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# All sinks beside each other, each read by a real reader: the journal, rsyslog by its socket and by UDP, auditd, the file, who
# follows. All of them have the same, whatever it is about, whoever else stands still, and however much there is of it.

load common

DROP_IN=/etc/systemd/system/leastcapd.service.d/sinks.conf
R=/run/sinks
H=/tmp/hostile
AUDIT='ausearch --input-logs -m TRUSTED_APP -x /usr/sbin/leastcapd'
HOSTILE=$'x"\'\nMESSAGE=y'

setup_file() {
	load common
	install_probes
	cp "$LEASTCAP_BUILD/tests/guest/probes/unix" $PROBES/
	mkdir -p $CG/{names,flood,quiet,stuck} $R $H /etc/systemd/system/leastcapd.service.d
	printf '[Service]\nRestrictAddressFamilies=AF_INET AF_INET6\n' >$DROP_IN
	# These are stopped for longer than a watchdog would wait.
	systemctl service-watchdogs no
	systemctl start auditd
	start_rsyslog
	fresh_daemon --audit --syslog $R/rsyslog.socket --syslog 127.0.0.1:5514
}
teardown_file() {
	load common
	xargs kill <$R/pids || true
	rm -f $DROP_IN
	stop_daemon
	systemctl stop auditd
	systemctl service-watchdogs yes
}
setup() { mark; WHO=/names; }
teardown() { drop names flood quiet stuck; }

# What it receives is a line of the JSON behind "@cee: ", in a file for each way, and nothing if it is none.
start_rsyslog() {
	cat >$R/rsyslog.conf <<-END
		module(load="imudp")
		module(load="imuxsock" SysSock.Use="off")
		module(load="mmjsonparse")
		template(name="json" type="string" string="%\$!all-json-plain%\n")
		template(name="raw" type="string" string="%rawmsg%\n")
		template(name="received" type="string"
			string="%timegenerated:::date-unixtimestamp%.%timegenerated:::date-subseconds% %msg%\n")
		ruleset(name="unix") {
			action(type="mmjsonparse")
			if \$parsesuccess == "OK" then action(type="omfile" file="$R/unix" template="json")
			else action(type="omfile" file="$R/bad" template="raw")
			action(type="omfile" file="$R/received" template="received")
		}
		ruleset(name="udp") {
			action(type="mmjsonparse")
			if \$parsesuccess == "OK" then action(type="omfile" file="$R/udp" template="json")
			else action(type="omfile" file="$R/bad" template="raw")
		}
		input(type="imuxsock" Socket="$R/rsyslog.socket" UseSpecialParser="off" RateLimit.Interval="0" ruleset="unix")
		input(type="imudp" address="127.0.0.1" port="5514" ruleset="udp")
	END
	rsyslogd -n -f $R/rsyslog.conf -i $R/rsyslog.pid 3>&- &
	echo $! >$R/pids
	eventually 10 test -S $R/rsyslog.socket
}

sink() { leastcap status --json | jq -rc "[.sinks[] | select(.sink == \"$1\")][0]$2"; }

# Every event that there was is in every sink, and none waits.
nothing_missing() {
	leastcap status --json | jq -e '([.sinks[] | .written] | unique | length) == 1 and
		all(.sinks[]; .queued == 0 and .failing == null and all(.losses[]; . == 0))'
}

# The refusals in $WHO, as each reader has them: [item, detail, comm] in a line.
by_file() { events ".type == \"denied\" and .subject.binding == \"$WHO\"" | jq -c '[.item, .detail, .process.comm]'; }
by_rsyslog() { grep -a '"type":"denied"' "$R/$1" | jq -c --arg who "$WHO" 'select(.subject.binding == $who) | [.item, .detail, .process.comm]'; }
by_journal() {
	journalctl -q -o json LEASTCAP_TYPE=denied LEASTCAP_BINDING="$WHO" |
		jq -c '[.LEASTCAP_ITEM, .LEASTCAP_DETAIL, .LEASTCAP_COMM]'
}
# As auparse(3) has it: in quotes, or hexadecimal.
by_audit() {
	$AUDIT -sv no --format raw | WHO=$WHO perl -ne '
		my %f = map { my ($k, $v) = split /=/, $_, 2; $v =~ s/^"(.*)"$/$1/ or $v = pack("H*", $v); ($k, $v) }
			/(?<= )((?:item|detail|ocomm|binding)=\S+)/g;
		s/([\\"])/\\$1/g for values %f;
		my @v = map { defined $f{$_} ? "\"$f{$_}\"" : "null" } qw(item detail ocomm);
		print "[", join(",", @v), "]\n" if $f{binding} eq $ENV{WHO};'
}

# The same list by every reader.
read_alike() {
	local wanted
	wanted=$(by_file)
	eventually 5 nothing_missing
	is "$wanted" "$(by_rsyslog unix)"
	is "$wanted" "$(by_rsyslog udp)"
	is "$wanted" "$(by_journal)"
	is "$wanted" "$(by_audit)"
}

@test "names that a container makes up are the same for every reader, and forge nothing" {
	local program=$H/$HOSTILE socket=@$HOSTILE-socket path=$H/$HOSTILE$'\xff res=success'
	cp $PROBE "$program"
	touch "$path"
	inside / $PROBES/unix serve $R/listener stream "$socket" >>$R/pids
	outcome 0 inside /names "$program" chroot
	outcome 0 inside /names $PROBES/unix connect stream "$socket"
	outcome 0 inside /names chmod 600 "$path"
	cat >$POLICIES/names.yaml <<-END
		policies:
		  - name: names
		    select:
		      - cgroup: /names
		    capabilities: { base: all, drop: [SYS_CHROOT] }
		    modules: deny
		    attributes: deny
		    sockets: { host-unix: deny }
	END
	is 200 "$(api POST /v1/reload | tail -n 1)"
	# Long enough to be asked what it was called with.
	run -1 inside /names "$program" loop 30000 chroot
	is "allowed 0 refused 30000 other 0" "$output"
	run -1 inside /names $PROBES/unix connect stream "$socket"
	is "$socket connect: EPERM" "$output"
	run -1 inside /names chmod 600 "$path"
	[[ $output == *"Operation not permitted"* ]]
	# Mounting is allowed: what is refused is the module for such a file system.
	run ! inside /names /bin/busybox mount -t "$HOSTILE-module" none /mnt
	expect_event '.item == "module-request" and (.detail | startswith("fs-x"))'
	by_file >&3
	read_alike
	# The journal has what is more than a text as JSON.
	is "$(events '.type == "denied" and .item == "SYS_CHROOT"' | head -n 1 |
		jq -c '[.process.args, .process.ppid, .rule.file, .rule.line]')" \
		"$(journalctl -q -o json LEASTCAP_TYPE=denied LEASTCAP_BINDING=/names LEASTCAP_ITEM=SYS_CHROOT | head -n 1 |
			jq -c '[(.LEASTCAP_ARGS | fromjson), (.LEASTCAP_PPID | tonumber), .LEASTCAP_RULE_FILE,
				(.LEASTCAP_RULE_LINE | tonumber)]')"
	is 0 "$(journalctl -q -o cat MESSAGE=y | wc -l)"
	is 0 "$(find $R/bad 2>/dev/null | wc -l)"
	rm $POLICIES/names.yaml
	api POST /v1/reload
}

@test "one refusal beside a flood is in every place within a second, and the daemon hardly notices" {
	local n=100000 pid idle busy before after began took one
	[ -z "${SOAK:-}" ] || n=1000000
	pid=$(systemctl show -P MainPID leastcapd)
	policy flood 'cgroup: /flood' none
	policy quiet 'cgroup: /quiet' none
	mark
	idle=$(cpu "$pid")
	sleep 3
	before=$(cpu "$pid") began=$EPOCHREALTIME
	inside /flood $PROBE loop $n sethostname >$R/flood 3>&- &
	one=$!
	expect_event '.subject.binding == "/flood"'
	outcome 1 inside /quiet $PROBE chroot
	wait $one || true
	after=$(cpu "$pid") took=$(perl -e "print $EPOCHREALTIME - $began")
	idle=$(perl -e "print 100 * ($before - $idle) / 3") busy=$(perl -e "print 100 * ($after - $before) / $took")
	# An emulated processor makes ten times as much of the daemon's idle wake-ups as a real one: what a flood costs is on top.
	echo "# $n refusals in $took s; leastcapd: $busy % of a core, $idle % before;" \
		"$(grep -E 'VmHWM|VmRSS' /proc/"$pid"/status | tr -s '\t \n' ' ')" >&3
	is "allowed 0 refused $n other 0" "$(cat $R/flood)"
	# Beside another guest a processor's time says little.
	[ -z "${SOAK:-}" ] || perl -e "exit !($busy - $idle < 5)"
	[ "$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' /proc/"$pid"/status)" -lt 30720 ]
	is $n "$(binding /flood .counters.denied)"
	is 1 "$(binding /quiet .counters.denied)"
	denied SYS_CHROOT '.subject.binding == "/quiet" and .suppressed == 0'
	is 0 "$(leastcap status --json | jq .losses.ring)"
	# What the flood came to is in its events, all of it: one more has the rest.
	sleep 1.1
	outcome 1 inside /flood $PROBE sethostname
	eventually 5 told $((n + 1))
	eventually 5 nothing_missing
	arrived_in_time
}

# Seconds of processors.
cpu() { awk '{ sub(/.*[)] /, ""); print ($12 + $13) / 100 }' "/proc/$1/stat"; }

told() { is "$1" "$(events '.type == "denied" and .subject.binding == "/flood"' | jq -s 'map(.suppressed + 1) | add // 0')"; }

# The refusal of /quiet came to each reader, by the reader's own clock, within a second; beside another guest within five.
arrived_in_time() {
	local event when limit=5
	[ -z "${SOAK:-}" ] || limit=1
	event=$(events '.type == "denied" and .subject.binding == "/quiet"')
	when=$(date -d "$(jq -r .time <<<"$event")" +%s.%N)
	in_time() { perl -e "exit !($2 - $when >= 0 && $2 - $when < $limit)" || { echo "$1: $2, happened $when"; return 1; }; }
	in_time journal "$(journalctl -q -n 1 -o json LEASTCAP_BINDING=/quiet | jq -r '(.__REALTIME_TIMESTAMP | tonumber) / 1e6')"
	in_time audit "$($AUDIT -sv no --format raw | grep 'binding="/quiet"' | sed 's/.*msg=audit(\([0-9.]*\):.*/\1/')"
	in_time rsyslog "$(grep -a '"binding":"/quiet"' $R/received | sed 's/ .*//')"
}

sink_is() { is "$1" "$(sink "$2" "$3")"; }

@test "whoever stands still holds up nobody, and gets what the others have when he goes on" {
	local journald auditd follower
	WHO=/stuck
	fresh_daemon --sample-interval 0 --audit --syslog $R/rsyslog.socket --syslog 127.0.0.1:5514
	journald=$(systemctl show -P MainPID systemd-journald) auditd=$(pidof auditd)
	# So few that auditd is behind at once: who sends then sleeps in the kernel, ten seconds at a time.
	auditctl -b 8 --backlog_wait_time 1000
	policy stuck 'cgroup: /stuck' none
	mark
	leastcap events -f --json >$R/followed 3>&- &
	follower=$!
	echo $follower >>$R/pids
	eventually 10 test -s $R/followed
	kill -STOP "$journald" "$auditd" $follower
	# More than is remembered for who follows.
	run -1 inside /stuck $PROBE loop 1400 sethostname
	outcome 1 inside /stuck $PROBE chroot
	timeout 60 leastcap status --json >/tmp/status
	$PROBES/events wait $LOG "$MARK" '.item == "SYS_CHROOT"' 60 >/dev/null
	timeout 60 leastcap status --json >/tmp/status
	jq -c '.sinks[] | [.sink, .target, .written, .queued, .failing]' /tmp/status >&3
	jq -e '[.sinks[] | select(.sink == "syslog" or .sink == "file") | .queued] == [0, 0, 0]' /tmp/status
	jq -e '[.sinks[] | select(.sink == "audit" or .sink == "journal") | .queued > 0] == [true, true]' /tmp/status
	[ -z "${SOAK:-}" ] || sleep 60
	kill -CONT "$journald" "$auditd" $follower
	# Who follows has missed what was overwritten meanwhile, and is told how much; all the other lines are there.
	$PROBES/events wait $R/followed 0 '.item == "SYS_CHROOT"' 60 >/dev/null
	jq -se --slurpfile all $LOG '
		(map(select(.item == "SYS_CHROOT"))[0].seq) as $last | map(select(.seq <= $last)) |
		(map(select(.type == "lost") | .losses.stream) | add) as $lost |
		map(select(.type != "lost")) as $got | ($all | INDEX(.seq)) as $wanted |
		$lost > 0 and ($got | length) + $lost == $last and ($got | map(.seq) | unique | length) == ($got | length) and
		all($got[]; . == $wanted[.seq | tostring])' $R/followed
	eventually 60 nothing_missing
	# The kernel has taken all for auditd, and may have dropped of it: kauditd_hold_skb() in kernel/audit.c, without audit=1.
	auditctl -b 8192 --backlog_wait_time 60000
	is 1401 "$(by_file | wc -l)"
	is "$(by_file)" "$(by_journal)"
	is "$(by_file)" "$(by_rsyslog unix)"
	outcome 1 inside /stuck $PROBE settime
	denied SYS_TIME
	eventually 5 audit_told SYS_TIME
}

audit_told() { $AUDIT -sv no --format raw | grep -q "item=\"$1\""; }

@test "a clock that jumps loses nothing, and a deleted file is made anew without a signal" {
	local day
	policy names 'cgroup: /names' none
	outcome 1 inside /names $PROBE sethostname
	denied SYS_ADMIN
	day=$(date -d '+1 day' +%F)
	date -s '+1 day'
	rm $LOG
	MARK=0
	outcome 1 inside /names $PROBE chroot
	denied SYS_CHROOT ".time | startswith(\"$day\")"
	date -s '-2 days'
	outcome 1 inside /names $PROBE settime
	denied SYS_TIME
	date -s '+1 day'
	eventually 5 nothing_missing
}
