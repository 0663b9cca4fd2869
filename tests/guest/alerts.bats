#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# A real Prometheus scrapes leastcap, and each alert of deploy/prometheus fires for what it is about, and not before. What there
# can be no live reason for, and what waits for how long, promtool tests: alerts.yml.

load common

DROP_IN=/etc/systemd/system/leastcapd.service.d/alerts.conf
R=/run/alerts
RULES=$R/leastcap.rules.yml
PINS='/sys/fs/bpf/leastcap/v*/build-*'

setup_file() {
	load common
	install_probes
	mkdir -p $CG/alerts $R /etc/systemd/system/leastcapd.service.d
	printf '[Service]\nRestrictAddressFamilies=AF_INET AF_INET6\n' >$DROP_IN
	# It is stopped for a while.
	systemctl service-watchdogs no
	fresh_daemon --metrics 127.0.0.1:9000 --prove-every 2 --sample-interval 0 --max-bindings 11 --ring-size 16K --syslog $R/nobody
	# Nobody waits for minutes here.
	sed -E 's/^( *for:) [0-9]+m$/\1 2s/' "$LEASTCAP_TREE/deploy/prometheus/leastcap.rules.yml" >$RULES
	cat >$R/prometheus.yml <<-END
		global: { scrape_interval: 1s, evaluation_interval: 1s }
		scrape_configs:
		  - job_name: leastcap
		    static_configs: [{ targets: ["127.0.0.1:9000"] }]
		rule_files: [$RULES]
	END
	prometheus --config.file=$R/prometheus.yml --storage.tsdb.path=$R/data --web.listen-address=127.0.0.1:9090 \
		>$R/log 2>&1 3>&- &
	echo $! >$R/pid
	eventually 30 curl -sf http://127.0.0.1:9090/-/ready
}
teardown_file() {
	load common
	kill "$(cat $R/pid)" || true
	rm -f $DROP_IN
	stop_daemon
	systemctl service-watchdogs yes
}
setup() { mark; }
teardown() {
	systemctl kill --kill-whom main -s CONT leastcapd || true
	rm -f $POLICIES/alerts.yaml
	api POST /v1/reload || true
	drop alerts
}

# value N QUERY: Prometheus says so.
value() {
	curl -sf --data-urlencode "query=$2" http://127.0.0.1:9090/api/v1/query |
		jq -e --arg n "$1" '.data.result | length == 1 and .[0].value[1] == $n'
}

# The labels of what fires, of the alert of that name; fails where it does not fire.
fires() {
	curl -sf http://127.0.0.1:9090/api/v1/alerts |
		jq -ec --arg name "$1" '.data.alerts | map(select(.labels.alertname == $name and .state == "firing").labels) | select(length > 0)'
}
silent() { run -0 curl -sf http://127.0.0.1:9090/api/v1/alerts && ! fires "$1"; }
# seen ALERT: it fires in the end, and is noted for the last test.
seen() {
	within 30 fires "$1"
	echo "$1" >>$R/seen
}

# options OPTION...: the daemon, started again with these beside what all have.
options() {
	sed -i "s,^ExecStart=/.*,ExecStart=/usr/sbin/leastcapd --metrics 127.0.0.1:9000 --sample-interval 0 $*," \
		/etc/systemd/system/leastcapd.service.d/test.conf
	systemctl daemon-reload
	systemctl restart leastcapd
}

@test "promtool takes the rules and the metrics, and each alert fires where it should in time" {
	promtool check rules "$LEASTCAP_TREE/deploy/prometheus/leastcap.rules.yml"
	promtool test rules "$LEASTCAP_TREE/tests/guest/alerts.yml"
	curl -sS http://127.0.0.1:9000/metrics >$R/metrics
	run -0 promtool check metrics <$R/metrics
	is "" "$output"
}

@test "refusals of a new kind" {
	within 20 value 1 leastcap_enforcing
	silent LeastcapNewRefusals
	policy alerts 'cgroup: /alerts' none
	outcome 1 inside /alerts $PROBE sethostname
	within 20 value 1 'leastcap_binding_refusals_total{cgroup="/alerts",restriction="capabilities",verdict="denied"}'
	within 20 value 1 'leastcap_binding_refused_kinds{cgroup="/alerts"}'
	seen LeastcapNewRefusals
}

@test "enforcement that is not proven, and enforcement that is not there" {
	policy alerts 'cgroup: /alerts' none
	within 20 value 1 'leastcap_enforcement_proven{restriction="capabilities"}'
	silent LeastcapEnforcementNotProven
	silent LeastcapNotEnforcing
	# All is attached, and refuses nothing.
	# shellcheck disable=SC2086
	bpftool map update pinned $PINS/armed key 0 0 0 0 value 0 0 0 0
	outcome 0 inside /alerts $PROBE sethostname
	seen LeastcapEnforcementNotProven
	is '[["capabilities","critical"]]' "$(fires LeastcapEnforcementNotProven | jq -c 'map([.restriction, .severity])')"
	silent LeastcapNotEnforcing
	# shellcheck disable=SC2086
	bpftool map update pinned $PINS/armed key 0 0 0 0 value 1 0 0 0
	outcome 1 inside /alerts $PROBE sethostname
	within 30 silent LeastcapEnforcementNotProven

	# shellcheck disable=SC2086
	rm $PINS/link_lc_capable
	outcome 0 inside /alerts $PROBE sethostname
	seen LeastcapNotEnforcing
	systemctl restart leastcapd
	outcome 1 inside /alerts $PROBE sethostname
	within 30 silent LeastcapNotEnforcing
}

@test "a broken glass" {
	silent LeastcapDisarmed
	leastcap disarm --for 60s --reason test
	seen LeastcapDisarmed
	within 20 value 0 leastcap_enforcing
	silent LeastcapNotEnforcing
	leastcap rearm
	within 20 silent LeastcapDisarmed
}

@test "events that do not get to a sink, and events that are lost in the kernel" {
	local socket
	seen LeastcapSinkFailing
	is "[[\"syslog\",\"$R/nobody\"]]" "$(fires LeastcapSinkFailing | jq -c 'map([.sink, .target])')"
	socat -u UNIX-RECV:$R/nobody OPEN:/dev/null 3>&- &
	socket=$!
	expect_event '.type == "sink" and .sink == "syslog" and .losses.full == 0'
	within 20 silent LeastcapSinkFailing

	silent LeastcapEventsLost
	policy alerts 'cgroup: /alerts' none
	kill -STOP "$(systemctl show -P MainPID leastcapd)"
	kinds /alerts 100
	kill -CONT "$(systemctl show -P MainPID leastcapd)"
	is 100 "$(binding /alerts .counters.denied)"
	seen LeastcapEventsLost
	is '["ring"]' "$(fires LeastcapEventsLost | jq -c 'map(.reason)')"
	kill $socket
}

@test "a policy file with a mistake, and a map that is nearly full" {
	local i
	silent LeastcapProblems
	silent LeastcapMapFull
	echo 'policies: [{ nme: x }]' >$POLICIES/alerts.yaml
	api POST /v1/reload
	seen LeastcapProblems
	for i in 0 1 2 3 4 5 6 7 8 9; do mkdir -p $CG/many/$i; done
	cat >$POLICIES/alerts.yaml <<-END
		policies: [{ name: many, select: [{ cgroup: "/many/*" }], capabilities: none }]
	END
	is 200 "$(api POST /v1/reload | tail -n 1)"
	within 20 value 10 leastcap_bindings
	seen LeastcapMapFull
	within 20 silent LeastcapProblems
	rm $POLICIES/alerts.yaml
	is 200 "$(api POST /v1/reload | tail -n 1)"
	within 20 silent LeastcapMapFull
	rmdir $CG/many/*/ $CG/many
}

@test "enforcement that nobody tries, and a daemon that is away" {
	policy alerts 'cgroup: /alerts' none
	silent LeastcapEnforcementNotTried
	silent LeastcapAbsent
	options --prove-every 0
	seen LeastcapEnforcementNotTried
	options --prove-every 2
	within 30 silent LeastcapEnforcementNotTried
	systemctl stop leastcapd
	seen LeastcapAbsent
	systemctl start leastcapd
	within 30 silent LeastcapAbsent
}

@test "there is no alert that has not fired here, but for a daemon without memory" {
	is "$(sed -n 's/^ *- alert: //p' $RULES | grep -v LeastcapEventsDropped | sort)" "$(sort -u $R/seen)"
}
