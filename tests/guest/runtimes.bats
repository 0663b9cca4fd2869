#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Below the empty whitelist every runtime starts what needs no capability, and what needs one is refused.

load common

# What containers run: an act that needs no capability, then one that needs SYS_CHROOT. Its exit status is the last's.
ASK='probe none; probe chroot'
FREE=$'none: ok\nchroot: ok'
HELD=$'none: ok\nchroot: EPERM'

setup_file() {
	load common
	fresh_daemon
	probe_image
	docker run -d --name web probe sh -c 'trap "echo ended; exit 7" TERM; echo began; sleep 1000 & wait $!' >/dev/null
}
teardown_file() {
	load common
	docker rm -f web >/dev/null
	stop_daemon
}
setup() { mark; }
teardown() {
	drop any services boxes
	[ ! -d /run/runc/onlooker ] || runc delete -f onlooker
	[ ! -d /run/runc/box ] || runc delete -f box
	[ ! -d /run/crun/box ] || crun delete -f box
	[ ! -e $POLICIES/runtimes.yaml ] || {
		rm $POLICIES/runtimes.yaml
		systemctl kill -s HUP leastcapd
	}
	forget_services $(cd /etc/systemd/system && echo lc-*.service)
}

hold() { policy any 'any: container' none; }

# ---- Docker ----

@test "docker run" {
	run -0 docker run --rm probe sh -c "$ASK"
	is "$FREE" "$output"
	hold
	run -1 docker run --rm probe sh -c "$ASK"
	is "$HELD" "$output"
	denied SYS_CHROOT '.policy == "any" and (.subject.cgroup | startswith("/system.slice/docker-"))'
	expect_event '.type == "gone" and .counters.denied == 1 and .capabilities.used == []'
}

@test "docker run --privileged, with an init" {
	run -0 docker run --rm --privileged --init --network none probe sh -c "$ASK"
	is "$FREE" "$output"
	hold
	run -1 docker run --rm --privileged --init --network none probe sh -c "$ASK"
	is "$HELD" "$output"
	denied SYS_CHROOT
	expect_event '.type == "gone" and .counters.denied == 1'
}

@test "docker exec, in a container from before the policy" {
	local n id
	id=$(docker inspect -f '{{.Id}}' web)
	outcome 0 docker exec web probe chroot
	outcome 0 docker exec --privileged web probe nice
	hold
	# Not i, which run() uses.
	for n in $(seq 10); do
		run -0 docker exec web echo "works $n"
		is "works $n" "$output"
	done
	is 0 "$(binding "$id" .counters.denied)"
	outcome 1 docker exec web probe chroot
	denied SYS_CHROOT ".subject.container == \"$id\""
	run -1 docker exec --privileged -u 0 web probe nice
	is "nice: EACCES" "$output"
	denied SYS_NICE
	outcome 0 docker exec -u 1000 -w /tmp web probe none
	is '[2,0,0]' "$(binding "$id" '.counters | [.denied, .would_deny, .probe_denied]')"
}

@test "docker restart and docker stop end the container by SIGTERM" {
	local id
	id=$(docker inspect -f '{{.Id}}' web)
	docker restart -t 60 web
	is "$(printf '%s\n' began ended began)" "$(docker logs web)"
	hold
	docker restart -t 60 web
	expect_event ".type == \"born\" and .subject.container == \"$id\""
	run -1 docker exec web sh -c "$ASK"
	is "$HELD" "$output"
	denied SYS_CHROOT ".subject.container == \"$id\""
	docker stop -t 60 web
	is 7 "$(docker inspect -f '{{.State.ExitCode}}' web)"
	is "$(printf '%s\n' began ended began ended began ended)" "$(docker logs web)"
}

health() {
	docker inspect -f "{{.State.Health.Status}}{{range .State.Health.Log}} {{.Output}}{{end}}" checked
}

healthy() {
	[[ $(health) == healthy*"$1"* ]]
}

@test "a health check" {
	docker run -d --name checked --network none --health-interval 1s --health-timeout 60s --health-retries 1 \
		--health-cmd 'probe none && { probe chroot; true; }' probe probe sleep 1000
	within 60 healthy "$FREE"
	hold
	docker restart -t 0 checked
	# What a check before said was another thing.
	within 60 healthy "$HELD"
	denied SYS_CHROOT ".subject.container == \"$(docker inspect -f '{{.Id}}' checked)\""
	docker rm -f checked
}

# ---- the others ----

@test "podman run, exec and stop" {
	local run=(podman run --network none -v "$PROBES:/probes:ro" -e PATH=/probes:/bin)
	"${run[@]}" -d --name pod busybox sh -c 'trap "exit 7" TERM; sleep 1000 & wait $!'
	run -0 podman exec pod sh -c "$ASK"
	is "$FREE" "$output"
	hold
	run -1 podman exec pod sh -c "$ASK"
	is "$HELD" "$output"
	denied SYS_CHROOT '.subject.cgroup | startswith("/machine.slice/libpod-")'
	outcome 0 podman stop -t 60 pod
	is 7 "$(podman inspect -f '{{.State.ExitCode}}' pod)"
	podman rm -f pod
	mark
	run -1 "${run[@]}" --rm --privileged busybox sh -c "$ASK"
	is "$HELD" "$output"
	denied SYS_CHROOT
	expect_event '.type == "gone" and .counters.denied == 1 and .capabilities.used == []'
}

@test "runc run and runc exec, by the shape of the cgroup's name" {
	bundle /var/tmp/box "/boxes/$(container_id 1)" '["CAP_SYS_CHROOT"]' sh -c "$ASK"
	run -0 runc run --bundle /var/tmp/box box
	is "$FREE" "$output"
	hold
	run -1 runc run --bundle /var/tmp/box box
	is "$HELD" "$output"
	denied SYS_CHROOT ".subject.cgroup == \"/boxes/$(container_id 1)\""
	bundle /var/tmp/box "system.slice:docker:$(container_id 2)" '["CAP_SYS_CHROOT"]' probe sleep 1000
	runc --systemd-cgroup run -d --bundle /var/tmp/box box </dev/null >/dev/null 2>&1
	outcome 0 runc exec box probe none
	outcome 1 runc exec box probe chroot
	denied SYS_CHROOT ".subject.cgroup == \"/system.slice/docker-$(container_id 2).scope\""
}

@test "runc run, in a cgroup that a policy named before it was there" {
	bundle /var/tmp/box /boxes/web '["CAP_SYS_CHROOT"]' sh -c "$ASK"
	run -0 runc run --bundle /var/tmp/box box
	is "$FREE" "$output"
	[ ! -e $CG/boxes/web ]
	cat >$POLICIES/runtimes.yaml <<-END
		policies:
		  - name: boxes
		    select:
		      - cgroup: /boxes/web
		    mode: enforce
		    capabilities: none
	END
	systemctl kill -s HUP leastcapd
	expect_event '.type == "policy" and .action == "applied" and .policy == "boxes"'
	run -1 runc run --bundle /var/tmp/box box
	is "$HELD" "$output"
	denied SYS_CHROOT '.policy == "boxes" and .subject.binding == "/boxes/web"'
	expect_event '.type == "born" and .subject.cgroup == "/boxes/web"'
}

# slowly COMMAND...: runc that takes a second to execute itself, so that it does so when it was moved already.
slowly() {
	strace -f -o /tmp/slowly -e trace=openat,openat2,write,execve,execveat -e inject=execveat:delay_enter=1000000 "$@"
}

# Did it? The parent opened cgroup.procs before the child's execveat came back.
was_slow() {
	local moved executed
	moved=$(grep -n 'cgroup.procs"' /tmp/slowly | head -n 1 | cut -d : -f 1)
	executed=$(grep -n 'execveat.* = 0' /tmp/slowly | head -n 1 | cut -d : -f 1)
	echo "moved in line $moved, executed itself in line $executed"
	[ "$moved" -lt "$executed" ]
}

@test "runc that executes itself in the container's cgroup goes on entering, and no more than that" {
	hold
	bundle /var/tmp/box "/boxes/$(container_id 1)" '["CAP_SYS_CHROOT"]' sh -c "$ASK"
	run -1 slowly runc run --bundle /var/tmp/box box
	is "$HELD" "$output"
	was_slow
	denied SYS_CHROOT
	expect_event '.type == "gone" and .counters.denied == 1 and .capabilities.used == []'
}

# What the container that looks on says of a process.
asked() {
	: >/tmp/onlooker
	echo "$1" >&7
	eventually 10 test "$(wc -l </tmp/onlooker)" -eq 4
	cat /tmp/onlooker
}

# "box" waits in front of its program, still entering: what is executed next is the container's.
create_box() {
	bundle /var/tmp/box "/boxes/$(container_id 1)" '["CAP_SYS_CHROOT"]' probe sleep 1000
	runc create --bundle /var/tmp/box box </dev/null >/dev/null 2>&1
	is created "$(runc state box | jq -r .status)"
}

@test "a container with SYS_PTRACE in the host's pid namespace cannot take over a runc init that enters beside it" {
	local init all
	all=$(printf '%s: ok\n' PTRACE_SEIZE process_vm_writev mem pidfd_getfd)
	mkdir -p $CG/boxes
	bundle /var/tmp/onlooker "/boxes/$(container_id 2)" '["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"]' \
		sh -c 'while read -r pid; do probe take-over $pid; done'
	jq 'del(.linux.namespaces[] | select(.type == "pid"))' /var/tmp/onlooker/config.json >/tmp/config
	cp /tmp/config /var/tmp/onlooker/config.json
	rm -f /tmp/questions
	mkfifo /tmp/questions
	exec 7<>/tmp/questions
	runc run --bundle /var/tmp/onlooker onlooker </tmp/questions >/tmp/onlooker 2>&1 3>&- 7>&- &
	create_box
	init=$(runc state box | jq .pid)
	is "$all" "$(asked "$init")"
	runc delete -f box
	policy boxes 'cgroup: /boxes' '[SYS_PTRACE, DAC_OVERRIDE]'
	create_box
	init=$(runc state box | jq .pid)
	mark
	is $'PTRACE_SEIZE: EPERM\nprocess_vm_writev: EPERM\nmem: EACCES\npidfd_getfd: EPERM' "$(asked "$init")"
	expect_event ".type == \"denied\" and .item == \"ptrace-entering\" and .policy == \"boxes\" and
		.subject.cgroup == \"/boxes/$(container_id 2)\""
	# Once it has executed its program it is a peer.
	runc start box
	is "$all" "$(asked "$init")"
	exec 7>&-
	runc delete -f onlooker
	wait
}

@test "crun run and crun exec" {
	bundle /var/tmp/box "/boxes/$(container_id 1)" '["CAP_SYS_CHROOT"]' sh -c "$ASK"
	run -0 crun run --bundle /var/tmp/box box
	is "$FREE" "$output"
	hold
	run -1 crun run --bundle /var/tmp/box box
	is "$HELD" "$output"
	denied SYS_CHROOT ".subject.cgroup == \"/boxes/$(container_id 1)\""
	bundle /var/tmp/box "/boxes/$(container_id 2)" '["CAP_SYS_CHROOT"]' probe sleep 1000
	crun run -d --bundle /var/tmp/box box </dev/null >/dev/null 2>&1
	outcome 0 crun exec box probe none
	outcome 1 crun exec box probe chroot
	is '["SYS_CHROOT"]' "$(binding "$(container_id 2)" .capabilities.denied)"
}

@test "containerd's ctr run" {
	bundle /var/tmp/box /unused '[]' none
	run -0 ctr run --rm --env PATH=/bin --rootfs /var/tmp/rootfs "$(container_id 1)" sh -c "$ASK"
	is "$FREE" "$output"
	hold
	run -1 ctr run --rm --env PATH=/bin --rootfs /var/tmp/rootfs "$(container_id 2)" sh -c "$ASK"
	is "$HELD" "$output"
	denied SYS_CHROOT ".subject.container == \"$(container_id 2)\""
}

# ---- services ----

# box NAME: a service with a sandbox, the rest of its [Service] from stdin.
box() {
	service "$1" <<-END
		[Unit]
		StartLimitIntervalSec=0
		[Service]
		PrivateTmp=yes
		ProtectSystem=strict
		ProtectHome=yes
		PrivateDevices=yes
		PrivateNetwork=yes
		NoNewPrivileges=yes
		RestrictNamespaces=yes
		RestrictRealtime=yes
		RestrictSUIDSGID=yes
		ProtectKernelTunables=yes
		ProtectKernelModules=yes
		ProtectKernelLogs=yes
		ProtectControlGroups=yes
		ProtectHostname=yes
		ProtectClock=yes
		ProtectProc=invisible
		LockPersonality=yes
		MemoryDenyWriteExecute=yes
		SystemCallArchitectures=native
		SystemCallFilter=@system-service
		$(cat)
	END
}

born() {
	expect_event ".type == \"born\" and .subject.cgroup == \"$1\" and .policy == \"services\""
}

@test "a service of root with a sandbox, bound before it has ever run" {
	local name
	policy services 'unit: lc-root.service' none
	for name in free root; do
		box lc-$name.service <<-END
			Type=oneshot
			ExecStartPre=$PROBE none
			ExecStart=$PROBE bind80
		END
	done
	outcome 0 systemctl start lc-free
	outcome 1 systemctl start lc-root
	is 1 "$(systemctl show -P ExecMainStatus lc-root)"
	born /system.slice/lc-root.service
	denied NET_BIND_SERVICE '.subject.cgroup == "/system.slice/lc-root.service" and .process.comm == "probe"'
	mark
	outcome 1 systemctl restart lc-root
	is 1 "$(systemctl show -P ExecMainStatus lc-root)"
	born /system.slice/lc-root.service
	denied NET_BIND_SERVICE
	expect_event '.type == "gone" and .counters.denied == 1 and .capabilities.used == []'
}

@test "services without privileges: User=, CapabilityBoundingSet=, PrivateUsers=, DynamicUser=, in a slice" {
	box lc-nobody.service <<-END
		Type=oneshot
		User=nobody
		PrivateUsers=yes
		CapabilityBoundingSet=
		ExecStart=$PROBE none
	END
	box lc-dynamic.service <<-END
		Type=exec
		DynamicUser=yes
		StateDirectory=lc-dynamic
		CapabilityBoundingSet=CAP_NET_BIND_SERVICE
		AmbientCapabilities=CAP_NET_BIND_SERVICE
		Slice=lc-deep.slice
		ExecStartPre=/bin/sh -c 'echo works >/var/lib/lc-dynamic/file'
		ExecStartPre=-$PROBE bind80
		ExecStart=$PROBE sleep 1000
	END
	policy services $'unit: lc-nobody.service\n      - unit: lc-dynamic.service' none
	outcome 0 systemctl start lc-nobody
	is success "$(systemctl show -P Result lc-nobody)"
	born /system.slice/lc-nobody.service
	expect_event '.type == "gone" and .subject.cgroup == "/system.slice/lc-nobody.service" and
		.counters.denied == 0 and .capabilities.used == []'
	outcome 0 systemctl start lc-dynamic
	is works "$(cat /var/lib/private/lc-dynamic/file)"
	born /lc.slice/lc-deep.slice/lc-dynamic.service
	denied NET_BIND_SERVICE '.subject.binding == "/lc.slice/lc-deep.slice/lc-dynamic.service" and .process.uid != 0'
	is '["NET_BIND_SERVICE"]' "$(binding lc-dynamic.service .capabilities.denied)"
	is '[]' "$(binding lc-dynamic.service .capabilities.used)"
}

@test "control processes: ExecStartPre=, ExecStartPost=, ExecReload=, also in a delegated cgroup" {
	local name
	policy services 'unit: lc-control.service' none
	for name in free control; do
		box lc-$name.service <<-END
			Type=exec
			Delegate=yes
			ExecStartPre=-$PROBE bind80
			ExecStart=$PROBE sleep 1000
			ExecStartPost=-$PROBE nice
			ExecReload=$PROBE none
			ExecReload=$PROBE chown
		END
		outcome 0 systemctl start lc-$name
	done
	denied NET_BIND_SERVICE '.subject.cgroup == "/system.slice/lc-control.service"'
	denied SYS_NICE '.subject.cgroup == "/system.slice/lc-control.service/.control"'
	outcome 0 systemctl reload lc-free
	outcome 1 systemctl reload lc-control
	denied CHOWN '.subject.cgroup == "/system.slice/lc-control.service/.control"'
	is active "$(systemctl is-active lc-control)"
	is '[3,0,0]' "$(binding lc-control.service '.counters | [.denied, .would_deny, .probe_denied]')"
	is '[]' "$(binding lc-control.service .capabilities.used)"
	outcome 0 systemctl stop lc-control
}
