#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Those who read what leastcap tells, the real ones.

load common

DROP_IN=/etc/systemd/system/leastcapd.service.d/readers.conf
R=/run/readers

setup_file() {
	load common
	install_probes
	mkdir -p $CG/reader $R /etc/systemd/system/leastcapd.service.d
	printf '[Service]\nRestrictAddressFamilies=AF_INET AF_INET6\n' >$DROP_IN
	fresh_daemon --metrics 127.0.0.1:9000
}
teardown_file() {
	load common
	rm -f $DROP_IN
	stop_daemon
}
setup() { mark; }
teardown() { drop reader; }

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
	policy reader 'cgroup: /reader' none
	outcome 1 inside /reader $PROBE sethostname
	curl -sS http://127.0.0.1:9000/metrics >$dir/metrics
	run -0 promtool check metrics <$dir/metrics
	is "" "$output"
	eventually 30 curl -sf http://127.0.0.1:9090/-/ready
	eventually 10 value 1 leastcap_enforcing
	eventually 10 value 1 'leastcap_binding_refusals_total{cgroup="/reader",restriction="capabilities",verdict="denied"}'
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
