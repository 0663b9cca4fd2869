#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Containers of a user's own Podman, in a cgroup of the user's own manager and in a user namespace: covered at birth without
# anybody's help, and by what the user's engine says of them.

load common

ASK='probe none; probe chroot'
FREE=$'none: ok\nchroot: ok'
HELD=$'none: ok\nchroot: EPERM'
UNITS=/run/systemd/user
USER_DIR=/run/user/$(id -u tester)
ABOVE=/user.slice/user-$(id -u tester).slice/user@$(id -u tester).service/user.slice

as_user() {
	runuser -u tester -- env -C / HOME=/home/tester XDG_RUNTIME_DIR="$USER_DIR" "$@"
}

# podman_run ARG...
podman_run() {
	as_user podman run --network none -v "$PROBES:/probes:ro" -e PATH=/probes:/bin "$@"
}

# The user's systemd makes the scopes of containers. It is asked over the user's bus, of which dbus-user-session has the units.
user_manager() {
	mkdir -p $UNITS
	printf '[Socket]\nListenStream=%%t/bus\n' >$UNITS/dbus.socket
	printf '[Unit]\nRequires=dbus.socket\n[Service]\nExecStart=%s\n' \
		'/usr/bin/dbus-daemon --session --address=systemd: --nofork --nopidfile --systemd-activation' >$UNITS/dbus.service
	loginctl enable-linger tester
	within 60 test -S "$USER_DIR/systemd/private"
	as_user systemctl --user start dbus.service
}

setup_file() {
	load common
	fresh_daemon --entering-limit 600
	user_manager
	as_user podman import -c 'CMD ["sh"]' /usr/share/leastcap-guest/busybox.tar busybox:latest
}
teardown_file() {
	as_user podman rm -a -f -t 0
	loginctl disable-linger tester
	within 60 test ! -e "$USER_DIR"
	rm -rf ~tester/.local/share/containers $UNITS/dbus.{socket,service}
	stop_daemon
}
setup() { mark; }

# All that can be refused is.
strictest() {
	cat >/tmp/strictest.yaml <<-'END'
		policies:
		  - name: strictest
		    select: [ { any: container } ]
		    capabilities: none
		    mounts: deny
		    modules: deny
		    devices: deny
		    attributes: deny
		    filesystems: deny
		    namespaces: deny
		    bpf: deny
		    sockets: deny
	END
	leastcap apply /tmp/strictest.yaml
}

policy_is() {
	[ "$(binding "$1" .policy)" = "$2" ]
}

@test "a container is covered at birth, and starts under the strictest policy" {
	run -0 podman_run --rm busybox sh -c "$ASK"
	is "$FREE" "$output"
	strictest
	run -1 podman_run --rm busybox sh -c "$ASK"
	is "$HELD" "$output"
	expect_event ".type == \"born\" and .policy == \"strictest\" and (.subject.cgroup | startswith(\"$ABOVE/libpod-\"))"
	denied SYS_CHROOT ".policy == \"strictest\" and
		(.subject.binding | startswith(\"$ABOVE/libpod-\"))"
	expect_event '.type == "gone" and .counters.denied == 1 and .capabilities.used == []'
}

@test "its own policy, by what the user's engine says: name, image and labels" {
	local id
	as_user systemctl --user start podman.socket
	policy mine 'container: { name: "mine-*", image: "*busybox*", label: { by: me }, runtime: podman }' '[SYS_CHROOT]'
	id=$(podman_run -d --name mine-1 --label by=me busybox sh -c 'trap "exit 7" TERM; sleep 1000 & wait $!')
	within 60 policy_is "$id" mine
	is '["mine-1",true]' "$(binding "$id" '|[.name,.born]')"
	run -0 as_user podman exec mine-1 probe chroot
	run -1 as_user podman exec mine-1 probe chown
	is "chown: EPERM" "$output"
	denied CHOWN ".policy == \"mine\" and .subject.container == \"$id\" and .subject.name == \"mine-1\" and
		.subject.labels.by == \"me\" and .subject.binding == \"$ABOVE/libpod-$id.scope\""
}

@test "it goes on under the strictest policy: exec, and an end by SIGTERM" {
	leastcap remove mine
	run -1 as_user podman exec mine-1 sh -c "$ASK"
	is "$HELD" "$output"
	denied SYS_CHROOT '.policy == "strictest" and .subject.name == "mine-1"'
	outcome 0 as_user podman stop -t 60 mine-1
	is 7 "$(as_user podman inspect -f '{{.State.ExitCode}}' mine-1)"
}
