#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# leastcapd --hold-start: the entrypoint waits until its container's own policy is bound, and never for ever. The daemon is
# made slow by SIGSTOP: without being held, an entrypoint would run under the default policy meanwhile.

load common

setup_file() {
	load common
	fresh_daemon --hold-start --hold-limit 20000
	probe_image
	cat >$POLICIES/hold.yaml <<-END
		policies:
		  - name: any
		    select: [any: container]
		    mode: enforce
		    capabilities: { base: docker-default, add: [SYS_ADMIN] }
		  - name: own
		    select: [container: { label: { hold: own } }]
		    mode: enforce
		    capabilities: none
	END
	systemctl reload leastcapd
	# What Docker leaves of a container, without the time that Docker takes.
	local id
	id=$(container_id 5)
	mkdir -p "/var/lib/docker/containers/$id"
	echo '{"Name":"/own","Config":{"Image":"probe","Labels":{"hold":"own"}}}' \
		>"/var/lib/docker/containers/$id/config.v2.json"
	bundle /var/tmp/own "/hold/docker-$id.scope" '["CAP_SYS_ADMIN"]' first
}
teardown_file() {
	load common
	stop_daemon
	rm -rf $POLICIES/hold.yaml "/var/lib/docker/containers/$(container_id 5)"
	forget_services lc-hang.socket lc-hang.service
}
setup() { mark; }
teardown() {
	daemon CONT 2>/dev/null || true
	pkill -CONT leastcapd-guard || true
	runc delete -f own >/dev/null 2>&1 || true
}

# options OPTION...: the daemon, started again with these and the same policies.
options() {
	sed -i "s,^ExecStart=/.*,ExecStart=/usr/sbin/leastcapd $*," /etc/systemd/system/leastcapd.service.d/test.conf
	systemctl daemon-reload
	systemctl restart leastcapd
	mark
}

metrics() { curl -sS --max-time 30 --unix-socket /run/leastcap/leastcap.sock http://localhost/metrics; }
hold() { leastcap status --json | jq -c ".hold$1"; }
is_on() { [ "$(hold .on)" = true ]; }

# Its process alone: not the guard.
daemon() { kill "-$1" "$(systemctl show -P MainPID leastcapd)"; }
guard() { pgrep -x leastcapd-guard; }

# A container whose own policy refuses what the default allows: status 1 where it is in force, else 0.
own() { runc run --bundle /var/tmp/own own; }

is_held() { grep -qs '^[0-9]* (first) T' /proc/[0-9]*/stat; }
none_is_held() { ! is_held; }

# held: own, in the background, until it stands still. The daemon does, too.
held() {
	daemon STOP
	own 3>&- &
	OWN=$!
	eventually 20 is_held
}

# A container whose engine hangs.
hanging() {
	service lc-hang.socket <<-END
		[Socket]
		ListenStream=/run/podman/podman.sock
	END
	service lc-hang.service <<-END
		[Service]
		ExecStart=/bin/sleep 1000
	END
	systemctl stop podman.socket podman.service 2>/dev/null || true
	systemctl start lc-hang.socket
	bundle /var/tmp/hang "/machine/libpod-$(container_id 9).scope" '["CAP_SYS_ADMIN"]' first
}

@test "a container's own policy holds its first instruction, ten times in a row, also where the daemon is slow" {
	local i
	within 5 is_on
	for i in 1 2 3 4 5 6 7; do outcome 1 own; done
	for i in 1 2 3; do
		held
		daemon CONT
		outcome 1 wait $OWN
	done
	[ "$(hold .held)" -ge 3 ]
	is '[0,0]' "$(hold '|[.now,.too_long]')"
	is 0 "$(leastcap status --json | jq .losses.hold)"
	metrics >/tmp/metrics
	grep -x "leastcap_hold_in_time_total $(hold .held)" /tmp/metrics
	grep -x "leastcap_hold_total $(hold .held)" /tmp/metrics
	grep -x 'leastcap_hold_enabled 1' /tmp/metrics
	grep -x 'leastcap_hold_expired_total{reason="limit"} 0' /tmp/metrics
	is '["own"]' "$(events '.type == "denied"' | jq -sc 'map(.policy) | unique')"
	is 10 "$(events '.type == "denied"' | wc -l)"
	expect_event '.type == "held" and .process.comm == "first"'
	expect_event '.type == "denied" and .subject.labels.hold == "own" and .subject.labels_cut == false'
	is '' "$(events '.type == "hold-expired"')"
	[[ "$(leastcap status)" == *"hold        on; "* ]]
}

@test "Docker: run, exec, stop, and a restart of Docker and of the daemon" {
	local before
	docker run -d --name standing --restart always --label hold=own --network none probe probe sleep 1000 >/dev/null
	before=$(hold .held)
	# What is executed in a container that runs is not held.
	daemon STOP
	outcome 1 timeout 60 docker exec --privileged standing first
	daemon CONT
	is "$before" "$(hold .held)"

	outcome 0 timeout 90 systemctl restart docker
	eventually 30 eval '[ "$(docker inspect -f "{{.State.Running}}" standing)" = true ]'
	is own "$(binding "$(docker inspect -f '{{.Id}}' standing)" .policy)"
	outcome 0 timeout 60 systemctl restart leastcapd
	within 5 is_on

	docker rm -f standing >/dev/null
	docker create --name ended --label hold=own --network none probe first >/dev/null
	daemon STOP
	outcome 0 timeout 60 docker start ended
	eventually 10 is_held
	outcome 0 timeout 60 docker stop -t 1 ended
	none_is_held
	daemon CONT
	docker rm ended >/dev/null
	within 5 eval '[ "$(hold .now)" = 0 ]'
}

@test "a daemon that is killed lets go at once, and so it is where its guard is killed too" {
	held
	daemon KILL
	eventually 4 none_is_held
	outcome 0 wait $OWN
	eventually 30 systemctl is-active leastcapd
	expect_event '.type == "hold-expired" and .reason == "daemon-ended"'
	within 10 is_on

	held
	systemctl kill -s KILL leastcapd
	eventually 4 none_is_held
	outcome 0 wait $OWN
	eventually 30 systemctl is-active leastcapd
	within 10 is_on
}

@test "a guard that is killed is started again; with one that stands still nothing is held, and that is counted" {
	kill -KILL "$(guard)"
	eventually 5 guard
	sleep 1
	held
	daemon CONT
	outcome 1 wait $OWN
	kill -STOP "$(guard)"
	sleep 4
	daemon STOP
	outcome 0 own
	daemon CONT
	kill -CONT "$(guard)"
	is 1 "$(leastcap status --json | jq .losses.hold)"
}

@test "unload lets go what is held" {
	hanging
	runc run --bundle /var/tmp/hang own 3>&- &
	eventually 20 is_held
	outcome 0 leastcap unload
	none_is_held
	outcome 0 wait $!
	systemctl start leastcapd
	within 10 is_on
}

@test "a time limit, where the daemon stands still or the engine hangs" {
	local before
	options --hold-start
	within 5 is_on
	before=$(hold .too_long)
	held
	eventually 5 none_is_held
	outcome 0 wait $OWN
	daemon CONT
	expect_event '.type == "hold-expired" and .reason == "limit"'
	is "[0,$((before + 1))]" "$(hold '|[.now,.too_long]')"
	metrics | grep -x 'leastcap_hold_expired_total{reason="limit"} 1'

	hanging
	mark
	outcome 0 timeout 20 runc run --bundle /var/tmp/hang own
	expect_event ".type == \"hold-expired\" and .reason == \"limit\" and .subject.container == \"$(container_id 9)\""
	is "[0,$((before + 2))]" "$(hold '|[.now,.too_long]')"
}

@test "without the option nothing is held; wrong use" {
	options
	is '[false,0]' "$(hold '|[.on,.now]')"
	outcome 1 guard
	outcome 1 own
	daemon STOP
	outcome 0 own
	daemon CONT
	is '' "$(events '.type == "held"')"
	run -2 leastcapd --hold-limit 5
	[[ $output == *'--hold-limit: 5 is not in 100 to 60000'* ]]
}
