#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# `used` is what the workload used, and nothing else: not what its runtime did to set it up, and no probes.

load common

setup_file() {
	load common
	fresh_daemon
	# Runtimes turn controllers on in /l: no process can be in it afterwards.
	mkdir -p $CG/l/runtime $CG/reader
}
teardown_file() { load common; stop_daemon; }
setup() { mark; }
teardown() {
	drop any l reader service
	[ -z "${SOMEBODY:-}" ] || kill "$SOMEBODY"
	SOMEBODY=
	docker rm -f learned >/dev/null 2>&1 || true
	forget_services lc-learned.service
}

learned_says() {
	docker logs learned | grep -qx "$1"
}

used_is() {
	is "$2" "$(binding "$1" .capabilities.used)"
}

@test "docker run and docker exec: what the programs used" {
	local id two='["NET_RAW","SYS_CHROOT"]'
	probe_image
	policy any 'any: container' all
	docker run -d --name learned probe sh -c 'probe chroot; probe rawsocket; echo done; exec probe sleep 1000'
	id=$(docker inspect -f '{{.Id}}' learned)
	within 10 learned_says done
	is "$(printf '%s: ok\n' chroot rawsocket; echo done)" "$(docker logs learned)"
	used_is "$id" "$two"
	outcome 0 docker exec learned probe none
	outcome 0 docker exec --privileged -u 1000 learned probe none
	used_is "$id" "$two"
	# What is executed later is learned as well.
	outcome 0 docker exec learned probe chown
	used_is "$id" '["CHOWN","NET_RAW","SYS_CHROOT"]'
	docker rm -f learned
	expect_event ".type == \"gone\" and .subject.container == \"$id\" and
		.capabilities.used == [\"CHOWN\",\"NET_RAW\",\"SYS_CHROOT\"]"
}

@test "what a runtime does inside of a slice is the slice's, not the container's" {
	local id
	id=$(container_id 1)
	bundle /var/tmp/learned "/l/$id" '["CAP_SYS_CHROOT"]' probe chroot
	policy l 'cgroup: /l' all
	policy any 'any: container' all
	outcome 0 inside /l/runtime /usr/sbin/runc run --bundle /var/tmp/learned learned
	# The same checks, seen from the slice: a runtime does use a lot.
	local slice
	slice=$(binding /l .capabilities.used)
	is '[]' "$(jq -c '["SETGID","SETPCAP","SETUID","SYS_ADMIN","SYS_CHROOT"] - .' <<<"$slice")"
	expect_event ".type == \"gone\" and .subject.container == \"$id\" and
		.capabilities.used == [\"SYS_CHROOT\"]"
}

@test "a service: nothing of what systemd did for its sandbox" {
	policy service 'unit: lc-learned.service' all
	service lc-learned.service <<-END
		[Service]
		Type=oneshot
		PrivateTmp=yes
		ProtectSystem=strict
		PrivateDevices=yes
		ProtectHostname=yes
		ProtectControlGroups=yes
		ExecStart=$PROBE bind80
	END
	outcome 0 systemctl start lc-learned
	expect_event '.type == "gone" and .subject.cgroup == "/system.slice/lc-learned.service" and
		.capabilities.used == ["NET_BIND_SERVICE"]'
}

# A process of another user.
somebody() {
	"$PROBE" as 12345 "$PROBE" sleep 1000 3>&- &
	SOMEBODY=$!
	sleep 0.5
}

# The kernel probes for SYS_PTRACE where it shows /proc/PID/stat (do_task_stat() in fs/proc/array.c, NOAUDIT): those
# who have it not see 1 instead of where the code starts.
reads_stat() {
	inside /reader /bin/cat "/proc/$SOMEBODY/stat" >/tmp/stat
	[ "$(cut -d ' ' -f 26 /tmp/stat)" -gt 1 ]
}

@test "a probe that the kernel makes for itself is neither used nor denied, and no event" {
	somebody
	outcome 0 reads_stat
	policy reader 'cgroup: /reader' all
	outcome 0 reads_stat
	used_is /reader '[]'
	policy reader 'cgroup: /reader' none
	mark
	outcome 1 reads_stat
	is '["SYS_PTRACE"]' "$(binding /reader .capabilities.probed)"
	is '[[],[],[]]' "$(binding /reader '.capabilities | [.used, .denied, .would_deny]')"
	is '[0,0,1]' "$(binding /reader '.counters | [.denied, .would_deny, .probe_denied]')"
	# The same capability where it is asked for in earnest; what was reported before it would be in the log by then.
	policy reader 'cgroup: /reader' '[DAC_READ_SEARCH]'
	outcome 1 inside /reader /bin/cat /proc/$SOMEBODY/environ
	denied SYS_PTRACE '.process.comm == "cat"'
	is 1 "$(events '.item == "SYS_PTRACE"' | wc -l)"
	# To read, CAP_PERFMON would do as well, and CAP_SYS_ADMIN for it, in kernels after v6.12 (mm_access() in kernel/fork.c): they
	# are asked for next.
	is "$(events '.type == "denied" and .process.comm == "cat"' | wc -l)" "$(binding /reader .counters.denied)"
	is '' "$(binding /reader '.capabilities.denied - ["SYS_PTRACE","PERFMON","SYS_ADMIN"] | .[]')"
	policy reader 'cgroup: /reader' all
	outcome 0 inside /reader /bin/cat /proc/$SOMEBODY/environ
	used_is /reader '["DAC_READ_SEARCH","SYS_PTRACE"]'
}

@test "a probe in audit mode" {
	somebody
	policy reader 'cgroup: /reader' none audit
	outcome 0 reads_stat
	is '["SYS_PTRACE"]' "$(binding /reader .capabilities.probed)"
	is '[]' "$(binding /reader .capabilities.would_deny)"
	is 0 "$(binding /reader .counters.would_deny)"
}

# Who has opened timens_offsets is asked for SYS_TIME, whoever writes to it.
@test "credentials that are not those of the process itself: its policy judges, and nothing is learned" {
	mkdir -p $CG/foreign
	outcome 0 inside /foreign $PROBE timens-opened
	policy reader 'cgroup: /foreign' '[SYS_ADMIN, SYS_TIME]'
	outcome 0 inside /foreign $PROBE timens-opened
	used_is /foreign '["SYS_ADMIN"]'
	outcome 0 inside /foreign $PROBE timens
	used_is /foreign '["SYS_ADMIN","SYS_TIME"]'
	policy reader 'cgroup: /foreign' '[SYS_ADMIN]'
	outcome 1 inside /foreign $PROBE timens-opened
	denied SYS_TIME '.foreign_credentials == true and .policy == "reader"'
	is '["SYS_TIME"]' "$(binding /foreign .capabilities.denied)"
}
