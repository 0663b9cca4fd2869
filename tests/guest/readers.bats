#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Those who read what leastcap tells, the real ones: auditd and ausearch, Prometheus. And what a daemon tells that was away.

load common

DROP_IN=/etc/systemd/system/leastcapd.service.d/readers.conf
R=/run/readers
AUDIT='ausearch --input-logs -m TRUSTED_APP -x /usr/sbin/leastcapd'

setup_file() {
	load common
	install_probes
	mkdir -p $CG/reader $R /etc/systemd/system/leastcapd.service.d
	printf '[Service]\nRestrictAddressFamilies=AF_INET AF_INET6\n' >$DROP_IN
	auditctl -e 0
	fresh_daemon --audit --metrics 127.0.0.1:9000
}
teardown_file() {
	load common
	rm -f $DROP_IN
	stop_daemon
	systemctl stop auditd
}
setup() { mark; }
teardown() { drop reader; }

audit() { leastcap status --json | jq -rc "[.sinks[] | select(.sink == \"audit\")][0]$1"; }
in_audit() { $AUDIT -sv no --format raw | grep -F "$1"; }
audit_is() { is "$1" "$(audit "$2")"; }

@test "ausearch finds the refusals, with names that forge nothing, also those from before auditd ran" {
	local program=$'/tmp/a\' op="x"\nq'
	cp $PROBE "$program"
	outcome 0 inside /reader "$program" sethostname
	outcome 0 inside /reader "$program" chroot
	policy reader 'cgroup: /reader' none
	outcome 1 inside /reader $PROBE sethostname
	eventually 10 audit_is "auditing is off: start auditd, or run auditctl -e 1" .failing
	leastcap status | grep -E '^sink +audit kernel: auditing is off.*, 0 events lost, 2 wait'
	systemctl start auditd
	expect_event '.type == "sink" and .sink == "audit" and .losses.full == 0'
	eventually 10 audit_is '[null,0]' ' | [.failing, .queued]'
	outcome 1 inside /reader "$program" chroot
	denied SYS_CHROOT
	eventually 10 audit_is 4 .written
	eventually 5 in_audit 'item="SYS_CHROOT"'
	run -0 $AUDIT -sv no --format raw
	is 2 "${#lines[@]}"
	[[ ${lines[0]} == *"msg='op=\"denied\" seq=2 restriction=\"capabilities\" item=\"SYS_ADMIN\" call=\"sethostname\" opid="* ]]
	[[ ${lines[1]} == *" ocomm=6127206F703D2278225C78306171 "*"cgroup=\"/reader\" "*"res=failed'"* ]]
	# As people are shown it.
	$AUDIT -sv no -i | grep -F "ocomm=a' op=\"x\"\\x0aq "
	rm "$program"
}

@test "a real Prometheus scrapes it, and its alerts fire" {
	local dir=$R/prometheus prometheus
	mkdir $dir
	cp "$LEASTCAP_TREE/deploy/prometheus/leastcap.rules.yml" $dir/
	cat >$dir/prometheus.yml <<-END
		global: { scrape_interval: 1s, evaluation_interval: 1s }
		scrape_configs:
		  - job_name: leastcap
		    static_configs: [{ targets: ["127.0.0.1:9000"] }]
		rule_files: [leastcap.rules.yml]
	END
	prometheus --config.file=$dir/prometheus.yml --storage.tsdb.path=$dir/data --web.listen-address=127.0.0.1:9090 \
		>$dir/log 2>&1 3>&- &
	prometheus=$!
	promtool check rules $dir/leastcap.rules.yml
	# Each alert, where it should fire and where not.
	promtool test rules "$LEASTCAP_TREE/tests/guest/alerts.yml"
	policy reader 'cgroup: /reader' none
	outcome 1 inside /reader $PROBE sethostname
	curl -sS http://127.0.0.1:9000/metrics >$dir/metrics
	run -0 promtool check metrics <$dir/metrics
	is "" "$output"
	eventually 30 curl -sf http://127.0.0.1:9090/-/ready
	eventually 10 value 1 leastcap_enforcing
	eventually 10 value 1 'leastcap_binding_refusals_total{cgroup="/reader",restriction="capabilities",verdict="denied"}'
	eventually 10 value 1 'leastcap_binding_refused_kinds{cgroup="/reader"}'
	eventually 10 fires LeastcapNewRefusals
	! fires LeastcapDisarmed
	leastcap disarm --for 60s --reason test
	eventually 10 fires LeastcapDisarmed
	eventually 10 value 0 leastcap_enforcing
	leastcap rearm
	kill $prometheus
	wait $prometheus || true
}

# value N QUERY: Prometheus says so.
value() {
	curl -sf --data-urlencode "query=$2" http://127.0.0.1:9090/api/v1/query |
		jq -e --arg n "$1" '.data.result | length == 1 and .[0].value[1] == $n'
}

fires() {
	curl -sf http://127.0.0.1:9090/api/v1/alerts |
		jq -e --arg name "$1" 'any(.data.alerts[]; .labels.alertname == $name and .state == "firing")'
}

main_pid() { systemctl show -P MainPID leastcapd; }
restarted() { [ "$(main_pid)" != "$1" ] && systemctl is-active -q leastcapd; }

@test "what is refused while no daemon runs is reported by the next one" {
	local pid
	policy reader 'cgroup: /reader' none
	systemctl stop leastcapd
	mark
	run -1 inside /reader $PROBE loop 2000 sethostname
	is "allowed 0 refused 2000 other 0" "$output"
	systemctl start leastcapd
	expect_event '.type == "meanwhile" and .denied == 2000 and .would_deny == 0 and .bindings == 1'
	is '[["/reader",2000]]' "$(events '.type == "meanwhile"' | jq -c '[.subjects[] | [.cgroup, .denied]]')"
	is '[2000,["SYS_ADMIN"]]' "$(binding /reader ' | [.counters.denied, .capabilities.denied]')"
	[ "$(journalctl -q -o cat | grep -c 'while no daemon ran, 2000 refused and 0 reported')" -ge 1 ]
	# Killed, and nothing more refused: nothing is told.
	mark
	pid=$(main_pid)
	kill -KILL "$pid"
	eventually 30 restarted "$pid"
	outcome 1 inside /reader $PROBE chroot
	denied SYS_CHROOT
	is "" "$(events '.type == "meanwhile"')"
}
