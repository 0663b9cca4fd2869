#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Events get to every place that the options name; one that fails holds up nobody, and what it misses is told. Metrics.

load common

DROP_IN=/etc/systemd/system/leastcapd.service.d/audit.conf
STDOUT=/run/audit.stdout
PIPE=/run/leastcap/pipe

setup_file() {
	load common
	install_probes
	mkdir -p $CG/aud $CG/other /etc/systemd/system/leastcapd.service.d /var/log/leastcap
	# A small disk of its own for the log.
	mount -t tmpfs -o size=2m tmpfs /var/log/leastcap
	cat >$DROP_IN <<-END
		[Service]
		RestrictAddressFamilies=AF_INET AF_INET6
		StandardOutput=append:$STDOUT
		StandardError=journal
	END
	socat -u UDP-RECV:5514,bind=127.0.0.1 CREATE:/run/audit.udp 3>&- &
	echo $! >/run/audit.pids
	socat -u UNIX-RECV:/run/audit.socket CREATE:/run/audit.unix 3>&- &
	echo $! >>/run/audit.pids
	eventually 10 test -S /run/audit.socket
	fresh_daemon --stdout --syslog 127.0.0.1:5514 --syslog /run/audit.socket --metrics 127.0.0.1:9000 --sample-interval 0
	journalctl --update-catalog
}
teardown_file() {
	load common
	xargs kill </run/audit.pids || true
	rm -f $DROP_IN
	systemctl daemon-reload
	stop_daemon
	umount /var/log/leastcap
}
setup() { mark; }
teardown() { drop aud other; rm -f /var/log/leastcap/filler; }

# sink NAME FILTER: what the status says of one.
sink() { leastcap status --json | jq -rc "[.sinks[] | select(.sink == \"$1\")][0]$2"; }
sink_is() { is "$1" "$(sink "$2" "$3")"; }

metrics() { curl -sS --max-time 30 --unix-socket /run/leastcap/leastcap.sock http://localhost/metrics; }

@test "an event is in every place, and its names forge nothing in any" {
	local program=$'/tmp/x\nMESSAGE=y' entry
	cp $PROBE "$program"
	outcome 0 inside /aud "$program" sethostname
	policy aud 'cgroup: /aud' none
	outcome 1 inside /aud "$program" sethostname
	denied SYS_ADMIN '.process.comm == "x\\x0aMESSAGE=y" and .boot != null'
	is "$(hostname)" "$(tail -n 1 $LOG | jq -r .host)"

	$PROBES/events find $STDOUT 0 '.type == "denied" and .process.comm == "x\\x0aMESSAGE=y"'
	$PROBES/events wait $STDOUT 0 '.type == "denied"' 5 | jq -e '.subject.binding == "/aud"'
	for entry in udp unix; do
		eventually 20 grep -aqE '<84>1 [0-9TZ:.-]+ '"$(hostname)"' leastcapd [0-9]+ denied - @cee: [{].*"item":"SYS_ADMIN"' /run/audit.$entry
		# One record, in which nothing ends a line.
		is 0 "$(tr -cd '\n' </run/audit.$entry | wc -c)"
	done

	entry=$(journalctl -n 1 -o json MESSAGE_ID=7d0c5f1e2b6a4c3f9d8e6b0a41c2f7e5)
	is '["4","leastcapd","SYS_ADMIN","aud","/aud","x\\x0aMESSAGE=y"]' "$(jq -c '[.PRIORITY, .SYSLOG_IDENTIFIER,
		.LEASTCAP_ITEM, .LEASTCAP_POLICY, .LEASTCAP_BINDING, .LEASTCAP_COMM]' <<<"$entry")"
	[[ $(jq -r .MESSAGE <<<"$entry") == 'denied SYS_ADMIN by x\x0aMESSAGE=y['*'] in /aud, policy aud' ]]
	is 0 "$(journalctl -q -o cat MESSAGE=y | wc -l)"
	entry=$(journalctl -n 1 -x MESSAGE_ID=7d0c5f1e2b6a4c3f9d8e6b0a41c2f7e5)
	[[ $entry == *'Subject: Refused to a confined process: SYS_ADMIN'* ]]
	[[ $entry == *'(capabilities: SYS_ADMIN), and got an error'* ]]
	rm "$program"
}

# switches: how often the daemon has waited for something.
switches() { awk '$1 == "voluntary_ctxt_switches:" { print $2 }' "/proc/$(systemctl show -P MainPID leastcapd)/status"; }

@test "a daemon with nothing to do sleeps, and a refusal wakes it" {
	local before n in_time=0 event
	policy aud 'cgroup: /aud' none
	sleep 2
	before=$(switches)
	sleep 5
	n=$(($(switches) - before))
	# One who looks ten times a second has waited fifty times.
	echo "waited $n times"
	[ $n -ge 3 ]
	[ $n -le 25 ]
	for _ in {1..6}; do
		sleep 1
		mark
		outcome 1 inside /aud $PROBE sethostname
		event=$($PROBES/events wait $LOG "$MARK" '.type == "denied"' 5)
		n=$(jq -r .time <<<"$event")
		n=$(($(date -d "@$(stat -c %.Y $LOG)" +%s%3N) - $(date -d "$n" +%s%3N)))
		echo "written after $n ms"
		[ $n -gt 300 ] || in_time=$((in_time + 1))
	done
	# Once a second it looks anyhow; an emulated guest may have stood still once.
	[ $in_time -ge 5 ]
}

@test "metrics, on the control socket and on loopback" {
	policy aud 'cgroup: /aud' none
	run -1 inside /aud $PROBE loop 500 sethostname
	metrics >/tmp/metrics
	# The sum goes on from the tests before, whose bindings have ended.
	grep -E '^leastcap_refusals_total[{]restriction="capabilities",verdict="denied"[}] 507$' /tmp/metrics
	grep -E '^leastcap_binding_refusals_total[{]cgroup="/aud",container="",policy="aud",restriction="capabilities",verdict="denied"[}] 500$' /tmp/metrics
	grep -x 'leastcap_enforcing 1' /tmp/metrics
	grep -x 'leastcap_policy_enforce{policy="aud",shadow="false"} 1' /tmp/metrics
	grep -x 'leastcap_sink_failing{sink="file",target="/var/log/leastcap/events.jsonl"} 0' /tmp/metrics
	grep -x 'leastcap_map_entries{map="bindings"} 1' /tmp/metrics
	grep -E '^leastcap_policy_applied_timestamp_seconds[{]policy="aud",shadow="false"[}] [0-9]{10}$' /tmp/metrics
	# Checks are counted by nobody unless the kernel is told to: a run of a program is one.
	run ! grep '^leastcap_program_runs_total' /tmp/metrics
	sysctl -q kernel.bpf_stats_enabled=1
	run -1 inside /aud $PROBE loop 500 sethostname
	sysctl -q kernel.bpf_stats_enabled=0
	metrics >/tmp/metrics
	awk '/^leastcap_program_runs_total[{]program="lc_capable"[}]/ { runs = $2 }
		/^leastcap_program_run_seconds_total[{]program="lc_capable"[}]/ { took = $2 }
		END { exit !(runs >= 500 && took > 0 && took < 60) }' /tmp/metrics
	# Everything that is documented is there.
	is "" "$(comm -23 <(sed -n 's/^| \([^|]*\) |.*/\1/p' "$LEASTCAP_TREE/docs/metrics.md" | grep -oE '(leastcap|process)_[a-z_]+' | sort -u) \
		<(sed -nE 's/^([a-z_]+).*/\1/p' /tmp/metrics | sort -u))"
	grep -E "^leastcap_build_info[{]version=\"[^\"]+\",abi=\"[0-9]+\",build=\"[0-9a-f]{16}\",kernel=\"$(uname -r)\"[}] 1$" /tmp/metrics
	# Each family is begun once, before its samples; counters end in _total.
	awk '$1 == "#" && $2 == "TYPE" { if (seen[$3]++) bad = bad " " $3; name = $3
			if (($4 == "counter") != ($3 ~ /_total$/)) bad = bad " " $3; next }
		$1 != "#" { sub(/[{ ].*/, ""); if ($0 != name) bad = bad " " $0 }
		END { print bad; exit bad != "" }' /tmp/metrics

	run -0 curl -sS --max-time 30 http://127.0.0.1:9000/metrics
	grep -x 'leastcap_enforcing 1' <<<"$output"
	# Nothing else is there, and it changes nothing.
	is 404 "$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:9000/v1/status)"
	is 405 "$(curl -s -o /dev/null -w '%{http_code}' -d x http://127.0.0.1:9000/metrics)"

	leastcap disarm --for 60s --reason test
	metrics >/tmp/metrics
	grep -x 'leastcap_enforcing 0' /tmp/metrics
	grep -E '^leastcap_disarmed_seconds [1-9]' /tmp/metrics
	leastcap rearm
	! leastcapd --metrics 0.0.0.0:9000 2>/tmp/err
	grep 'no loopback address' /tmp/err
}

@test "an event says which line of which file refused, and who that was" {
	# It stays for a while: of one that is gone nobody can read what it was called with.
	local act=(unshare -pf "$PROBE" join-exec $CG/other bash -c 'ulimit -Hn 1000000; sleep 3; :')
	run -0 "${act[@]}"
	is "" "$output"
	printf '%s\n' 'policies:' '  - name: file' '    select: [cgroup: /other]' '    capabilities: none' '    mounts: deny' >$POLICIES/file.yaml
	api POST /v1/reload >/dev/null
	mark
	run -0 "${act[@]}"
	[[ $output == *"Operation not permitted"* ]]
	expect_event '.type == "denied" and .item == "SYS_RESOURCE" and .process.container_pid == 1 and
		.process.parent == "unshare" and .process.args_cut == false and
		.process.args == ["bash", "-c", "ulimit -Hn 1000000; sleep 3; :"] and
		.rule.file == "/etc/leastcap/policies.d/file.yaml" and .rule.line == 4'
	outcome 1 inside /other $PROBE mount
	expect_event '.restriction == "mounts" and .rule.line == 5'
	rm $POLICIES/file.yaml
	# What was applied is in no file.
	policy aud 'cgroup: /aud' none
	outcome 1 inside /aud $PROBE sethostname
	denied SYS_ADMIN '.subject.binding == "/aud" and .rule == null and .subject.labels == null'
}

@test "a full disk loses nothing that the queue holds, holds up nobody, and is told" {
	policy aud 'cgroup: /aud' none
	head -c 4000000 /dev/zero >/var/log/leastcap/filler 2>/dev/null || true
	run -1 inside /aud $PROBE loop 30 sethostname
	$PROBES/events wait $STDOUT 0 '.type == "denied" and .process.comm == "probe"' 5 >/dev/null
	eventually 20 sink_is "No space left on device" file .failing
	leastcap status | grep -E '^sink +file /var/log/leastcap/events.jsonl: No space left on device, 0 events lost, [1-9][0-9]* wait'
	metrics | grep -x 'leastcap_sink_failing{sink="file",target="/var/log/leastcap/events.jsonl"} 1'
	rm /var/log/leastcap/filler
	expect_event '.type == "sink" and .action == "recovered" and .sink == "file" and .losses.full == 0'
	sink_is null file .failing
	# Every line is whole, and no number is missing.
	jq -se 'map(.seq) == [range(1; length + 1)]' $LOG
	is 1 "$(journalctl -q -o cat MESSAGE_ID=4b9e2d7730a64f1ca5e8f60b1d92c384 | grep -c 'sink recovered: file')"
}

@test "a file that was deleted is made anew on SIGUSR1" {
	policy aud 'cgroup: /aud' none
	rm $LOG
	systemctl kill -s USR1 leastcapd
	eventually 20 test -e $LOG
	MARK=0
	outcome 1 inside /aud $PROBE chroot
	denied SYS_CHROOT
}

in_journal() { journalctl -q -o cat SYSLOG_IDENTIFIER=leastcapd LEASTCAP_ITEM=SYS_CHROOT | wc -l; }

@test "a pipe whose reader goes gets the rest to the next one" {
	local before
	before=$(in_journal)
	mkfifo $PIPE
	sed -i "s,^ExecStart=/.*,ExecStart=/usr/sbin/leastcapd --log-file $PIPE --no-journal --sample-interval 0," \
		/etc/systemd/system/leastcapd.service.d/test.conf
	systemctl daemon-reload
	policy aud 'cgroup: /aud' none
	systemctl restart leastcapd
	sink_is "No such device or address" file .failing
	timeout 60 cat $PIPE >/tmp/pipe.1 3>&- &
	local reader=$!
	$PROBES/events wait /tmp/pipe.1 0 '.type == "sink"' 10
	outcome 1 inside /aud $PROBE sethostname
	$PROBES/events wait /tmp/pipe.1 0 '.item == "SYS_ADMIN"' 5
	kill $reader
	wait $reader || true
	outcome 1 inside /aud $PROBE chroot
	eventually 20 sink_is 1 file '.queued'
	timeout 60 cat $PIPE >/tmp/pipe.2 3>&- &
	reader=$!
	$PROBES/events wait /tmp/pipe.2 0 '.type == "sink" and .sink == "file"' 10
	is SYS_CHROOT "$(head -n 1 /tmp/pipe.2 | jq -r .item)"
	is "$before" "$(in_journal)"
	# Ending does not wait for anybody.
	kill $reader
	outcome 0 timeout 20 systemctl stop leastcapd
}
