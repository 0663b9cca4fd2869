#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# All sinks beside each other, each read by a real reader: the journal, rsyslog by its socket and by UDP, auditd, the file, standard
# output, who follows. All of them have the same, whatever it is about, whoever else stands still, and however much there is of it.

load common

DROP_IN=/etc/systemd/system/leastcapd.service.d/sinks.conf
R=/run/sinks
H=/tmp/hostile
AUDIT='ausearch --input-logs -m TRUSTED_APP -x /usr/sbin/leastcapd'
HOSTILE=$'x"\'\nMESSAGE=y'
# Bytes are counted here, not characters.
LC_ALL=C
# What a terminal, or who reads lines, fields or JSON would obey, and what is no UTF-8; nothing that a cgroup's name cannot have.
NASTY=$'\e]0;x\a\r\t\\\xff\xc0\xaf\xe2\x80\xae\x7f","type":"forged"} res=success'
FORGED=$'\n<0>1 - forged - - - -\n{"type":"forged"}\nMESSAGE=forged\n'
# As long as a name can be, nearly.
LONG=$NASTY$(printf '%0200d' 0)

setup_file() {
	load common
	install_probes
	cp "$LEASTCAP_BUILD/tests/guest/probes/unix" $PROBES/
	mkdir -p $CG/{names,flood,quiet,stuck} $R $H /etc/systemd/system/leastcapd.service.d
	cat >$DROP_IN <<-END
		[Service]
		RestrictAddressFamilies=AF_INET AF_INET6
		StandardOutput=append:$R/stdout
		StandardError=journal
	END
	# These are stopped for longer than a watchdog would wait.
	systemctl service-watchdogs no
	systemctl start auditd
	start_rsyslog
	fresh_daemon --stdout --audit --syslog $R/rsyslog.socket --syslog 127.0.0.1:5514
}
teardown_file() {
	load common
	rm -rf "/var/lib/docker/containers/$(container_id 6)"
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
	eventually 20 nothing_missing
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
	is "$(cat $LOG)" "$(cat $R/stdout)"
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

# deep DIR NAME: a folder so far below DIR that its path is nearly as long as the kernel tells paths.
deep() {
	local path=$1
	while [ $((${#path} + ${#2})) -lt 3800 ]; do
		path=$path/$2
		mkdir -p "$path"
	done
	printf %s "$path"
}

# Nobody takes a name for more than a name, whatever he reads.
nothing_forged() {
	local not_text='\000-\011\013-\037\177'
	run ! grep -aF '"type":"forged"' $LOG $R/stdout $R/followed $R/unix $R/udp
	run ! grep -aE '^(<0>1|MESSAGE)' $LOG $R/stdout $R/followed $R/unix $R/udp
	is 0 "$(journalctl -q -o cat MESSAGE=forged | wc -l)"
	is 0 "$(find $R/bad 2>/dev/null | wc -l)"
	is 0 "$($AUDIT -sv yes --format raw | grep -c 'op="denied"')"
	is 0 "$(tr -cd "$not_text" <$LOG | wc -c)"
	leastcap events >$R/people
	is 0 "$(tr -cd "$not_text" <$R/people | wc -c)"
	run ! grep -aE '^(<0>1|MESSAGE|[{])' $R/people
}

@test "names of 4 KB, with every byte that means something, are whole for every reader, and forge nothing" {
	local cgroup path program socket follower event where set
	WHO=/long
	mkdir -p $CG/long
	cgroup=$(deep $CG/long "$LONG") path=$(deep $H "$FORGED${LONG:0:150}")
	cgroup=${cgroup#"$CG"}
	socket=@$FORGED${NASTY:0:40}
	program=$path/$'\e\xff"\n\\=\xe2\x80\xae'${LONG:0:200}
	cp $PROBE "$program"
	# setxattr(): 0, or 1 for EPERM.
	set=(perl -e '$v = "v"; exit(syscall(188, @ARGV, $v, 1, 0) == 0 ? 0 : $! == 1 ? 1 : 3)' "$program" "trusted.$FORGED${LONG:0:150}")
	inside / $PROBES/unix serve $R/listener stream "$socket" >>$R/pids
	outcome 0 inside "$cgroup" $PROBES/unix connect stream "$socket"
	outcome 0 inside "$cgroup" "$program" chroot
	outcome 0 inside "$cgroup" chmod 700 "$program"
	outcome 0 inside "$cgroup" "${set[@]}"
	cat >$POLICIES/long.yaml <<-END
		policies:
		  - name: deep
		    select:
		      - cgroup: /long
		    capabilities: { base: all, drop: [SYS_CHROOT] }
		    attributes: deny
		    sockets: { host-unix: deny }
	END
	is 200 "$(api POST /v1/reload | tail -n 1)"
	leastcap events -f --json >$R/followed 3>&- &
	follower=$!
	eventually 10 test -s $R/followed
	# Of the first argument, the path, there is room for some.
	run -1 inside "$cgroup" "$program" loop 30000 chroot
	is "allowed 0 refused 30000 other 0" "$output"
	run -1 inside "$cgroup" $PROBES/unix connect stream "$socket"
	is "$socket connect: EPERM" "$output"
	run -1 inside "$cgroup" chmod 600 "$program"
	outcome 1 inside "$cgroup" "${set[@]}"
	expect_event '.item == "xattr" and .subject.binding == "/long"'
	by_file >&3
	is '["SYS_CHROOT","host-unix","mode","xattr"]' "$(by_file | jq -sc 'map(.[0]) | unique')"
	read_alike
	nothing_forged
	kill $follower
	is "$(grep '"binding":"/long"' $LOG)" "$(grep '"binding":"/long"' $R/followed)"
	is "$(cat $LOG)" "$(cat $R/stdout)"

	# Whole where there is room: the journal has what the file has. Audit and syslog have some of it, and say so.
	event=$(events '.item == "SYS_CHROOT" and .subject.binding == "/long"' | head -n 1)
	jq -e '(.process.exe | length) > 4000 and (.subject.cgroup | length) > 4000 and .process.args_cut and
		(.process.args[0] | endswith("..."))' <<<"$event"
	is "$(jq -c '[.process.exe, .process.args, .subject.cgroup]' <<<"$event")" \
		"$(journalctl -q -o json --all LEASTCAP_TYPE=denied LEASTCAP_BINDING=/long LEASTCAP_ITEM=SYS_CHROOT | head -n 1 |
			jq -c '[.LEASTCAP_EXE, (.LEASTCAP_ARGS | fromjson), .LEASTCAP_CGROUP]')"
	for where in unix udp; do
		grep -a '"type":"denied"' $R/$where | jq -se --argjson event "$event" '
			def begins($whole): endswith("...") and length > 50 and (rtrimstr("...") as $part | $whole | startswith($part));
			map(select(.seq == $event.seq))[0] | (.process.exe | begins($event.process.exe)) and
			(.subject.cgroup | begins($event.subject.cgroup)) and .rule == $event.rule and .process.pid == $event.process.pid'
	done
	$AUDIT -sv no -i | grep -F 'binding=/long' | grep -E ' program=/tmp/hostile/.*[.][.][.] cgroup=/long/.*[.][.][.] '
	rm -r $POLICIES/long.yaml $H
	mkdir $H
	api POST /v1/reload
}

@test "labels that mean something to whoever reads them are labels for every reader; what is no text is no label" {
	local id cgroup where
	id=$(container_id 6) WHO=/docker-$id.scope
	cgroup=$CG$WHO
	# What Docker leaves of a container, without the time that Docker takes.
	mkdir -p "/var/lib/docker/containers/$id" "$cgroup"
	jq -n --arg forged "$FORGED" '
		"x\",\"type\":\"forged\"} res=success '"'"' \\\\n\\\\u000aMESSAGE=forged %s%n \\" as $nasty |
		{Name: ("/" + $nasty), Config: {Image: $nasty, Labels: {($nasty): $nasty, long: ("\"\\" * 2000), plain: "one",
			lines: $forged, terminal: "\u001b]0;x\u0007", direction: ([8238] | implode)}}}' \
		>"/var/lib/docker/containers/$id/config.v2.json"
	policy labels "cgroup: $WHO" none
	outcome 0 inside / $PROBE settime
	within 20 knows_labels
	jq -c .subject $R/labelled >&3
	jq -e '.subject | (.labels | length) == 3 and .labels_cut and (.labels.long | endswith("...")) and
		.labels[.image] == .image and .name == .image and (.image | startswith("x\",\"type\":"))' $R/labelled
	read_alike
	nothing_forged
	for where in unix udp; do
		is "$(jq -Sc .subject $R/labelled)" "$(grep -a '"item":"SYS_TIME"' $R/$where | tail -n 1 | jq -Sc .subject)"
	done
	is "$(jq -Sc '.subject | [.labels, .name, .image]' $R/labelled)" \
		"$(journalctl -q -n 1 -o json --all LEASTCAP_BINDING="$WHO" LEASTCAP_ITEM=SYS_TIME |
			jq -Sc '[(.LEASTCAP_LABELS | fromjson), .LEASTCAP_CONTAINER_NAME, .LEASTCAP_IMAGE]')"
	$AUDIT -sv no -i | grep -F 'container_name=x","type":"forged"} res=success'
	drop labels
	rmdir "$cgroup"
}

# Who a container is the daemon asks when it hears of it; a later event tells.
knows_labels() {
	outcome 1 inside "$WHO" $PROBE settime
	sleep 1.1
	events '.item == "SYS_TIME" and .subject.labels.plain == "one"' | tail -n 1 >$R/labelled
	[ -s $R/labelled ]
}

@test "one refusal beside a flood is in every place within a second, and the daemon hardly notices" {
	local n=100000 rounds=1 pid idle busy before after began took one
	# A million in a minute: some each second.
	[ -z "${SOAK:-}" ] || n=1000020 rounds=60
	pid=$(systemctl show -P MainPID leastcapd)
	policy flood 'cgroup: /flood' none
	policy quiet 'cgroup: /quiet' none
	mark
	idle=$(cpu "$pid")
	sleep 3
	before=$(cpu "$pid") began=$EPOCHREALTIME
	flood $((n / rounds)) $rounds >$R/flood 3>&- &
	one=$!
	expect_event '.subject.binding == "/flood"'
	outcome 1 inside /quiet $PROBE chroot
	wait $one || true
	after=$(cpu "$pid") took=$(perl -e "print $EPOCHREALTIME - $began")
	idle=$(perl -e "print 100 * ($before - $idle) / 3") busy=$(perl -e "print 100 * ($after - $before) / $took")
	echo "# $n refusals in $took s; leastcapd: $busy % of a core, $idle % before;" \
		"$(grep -E 'VmHWM|VmRSS' /proc/"$pid"/status | tr -s '\t \n' ' ')" >&3
	is "0 $n 0" "$(awk '{ allowed += $2; refused += $4; other += $6 } END { print allowed, refused, other }' $R/flood)"
	# Beside another guest a processor's time says little.
	[ -z "${SOAK:-}" ] || perl -e "exit !($busy < 5 && $took < 75)"
	[ "$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' /proc/"$pid"/status)" -lt 30720 ]
	is $n "$(binding /flood .counters.denied)"
	is 1 "$(binding /quiet .counters.denied)"
	denied SYS_CHROOT '.subject.binding == "/quiet" and .suppressed == 0'
	is 0 "$(leastcap status --json | jq .losses.ring)"
	# What the flood came to is in its events, all of it, soon after it is over; until then the rest is in a metric.
	[ "$(untold)" -gt 0 ]
	eventually 20 told $n
	eventually 20 all_told
	eventually 20 nothing_missing
	arrived_in_time
}

# flood N ROUNDS: N refusals at once, and again each second.
flood() {
	local began=$EPOCHREALTIME i
	for ((i = 1; i <= $2; i++)); do
		inside /flood $PROBE loop "$1" sethostname || true
		[ "$i" = "$2" ] || perl -e "select undef, undef, undef, $began + $i - $EPOCHREALTIME"
	done
}

# Refusals that are in no event yet.
untold() {
	curl -sS --max-time 30 --unix-socket /run/leastcap/leastcap.sock http://localhost/metrics |
		sed -n 's/^leastcap_events_suppressed_pending //p'
}

# Seconds of processors.
cpu() { awk '{ sub(/.*[)] /, ""); print ($12 + $13) / 100 }' "/proc/$1/stat"; }

all_told() { is 0 "$(untold)"; }

told() {
	is "$1" "$(events '.subject.binding == "/flood"' |
		jq -s 'map(if .type == "quiet" then .suppressed elif .type == "denied" then .suppressed + 1 else 0 end) | add // 0')"
}

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
	fresh_daemon --sample-interval 0 --stdout --audit --syslog $R/rsyslog.socket --syslog 127.0.0.1:5514
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
	eventually 20 audit_told SYS_TIME
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
	eventually 20 nothing_missing
}
