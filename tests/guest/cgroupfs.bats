#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Containers whose runtime makes their cgroup itself, not systemd: the cgroupfs driver of Docker and of Podman.

load common

SETTINGS=/etc/docker/daemon.json

podman_fs() {
	podman --cgroup-manager=cgroupfs "$@"
}

setup_file() {
	load common
	fresh_daemon --entering-limit 600
	cp $SETTINGS $SETTINGS.kept
	jq '."exec-opts" = ["native.cgroupdriver=cgroupfs"]' $SETTINGS.kept >$SETTINGS
	systemctl restart docker
	probe_image
}
teardown_file() {
	docker rm -f named-1 >/dev/null
	podman_fs rm -f -t 0 named-2 >/dev/null
	# Its socket starts it for whoever needs it next.
	mv $SETTINGS.kept $SETTINGS
	systemctl stop docker.service
	stop_daemon
}
setup() { mark; }
teardown() { drop any named; }

policy_is() {
	[ "$(binding "$1" .policy)" = "$2" ]
}

# The containers of these tests, and nobody else's policy.
policies() {
	policy any 'any: container' none
	policy named "container: { name: \"named-*\", runtime: $1 }" '[SYS_CHROOT]'
}

# held COMMAND...: a container that asks for SYS_CHROOT with its first instruction, without and with the policy for all.
held() {
	run -0 "$@"
	is "chroot: ok" "$output"
	policies "$1"
	run -1 "$@"
	is "chroot: EPERM" "$output"
}

# named ID NAME CGROUP COMMAND...: a container by the name of which a policy is chosen; the command executes something in it.
named() {
	local id=$1 name=$2 cgroup=$3
	shift 3
	within 20 policy_is "$id" named
	is "[\"$name\",true]" "$(binding "$id" '|[.name,.born]')"
	run -0 "$@" chroot
	run -1 "$@" chown
	is "chown: EPERM" "$output"
	denied CHOWN ".policy == \"named\" and .subject.container == \"$id\" and .subject.name == \"$name\" and
		.subject.binding == \"$cgroup\""
}

@test "Docker: at birth, and by its name" {
	local id
	held docker run --rm --network none probe probe chroot
	denied SYS_CHROOT '.policy == "any" and (.subject.cgroup | startswith("/docker/"))'
	id=$(docker run -d --name named-1 --network none probe sleep 1000)
	named "$id" named-1 "/docker/$id" docker exec named-1 probe
}

@test "Podman: at birth, and by its name" {
	local id options=(--network none -v "$PROBES:/probes:ro" -e PATH=/probes:/bin)
	held podman --cgroup-manager=cgroupfs run --rm "${options[@]}" busybox probe chroot
	denied SYS_CHROOT '.policy == "any" and (.subject.cgroup | startswith("/libpod_parent/libpod-"))'
	id=$(podman_fs run -d --name named-2 "${options[@]}" busybox sleep 1000)
	named "$id" named-2 "/libpod_parent/libpod-$id" podman_fs exec named-2 probe
}
