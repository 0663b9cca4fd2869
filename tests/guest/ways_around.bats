#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Ways to get a capability past the whitelist: none works. Each act works before the policy.

load common

setup_file() {
	load common
	fresh_daemon
	mkdir -p $CG/w
	# The probe as a set-user-id program, and with file capabilities.
	install -m 4755 -o root $PROBE $PROBES/suid
	install -m 755 $PROBE $PROBES/filecaps
	setcap cap_sys_admin,cap_sys_chroot+ep $PROBES/filecaps
	probe_image
}
teardown_file() { load common; stop_daemon; rm -f $PROBES/{suid,filecaps}; }
setup() { mark; }
teardown() { drop w any; }

hold() { policy w 'cgroup: /w' "${1:-none}"; }

# Every capability, and one restriction.
restrict() {
	printf 'policies:\n  - name: w\n    select: [{cgroup: /w}]\n    capabilities: all\n    attributes: deny\n' >/tmp/w.yaml
	leastcap apply /tmp/w.yaml
}

@test "--privileged with seccomp and AppArmor unconfined" {
	outcome 0 docker run --rm --privileged probe probe mount
	policy any 'any: container' none
	outcome 1 docker run --rm --privileged --security-opt seccomp=unconfined \
		--security-opt apparmor=unconfined probe probe mount
	denied SYS_ADMIN '.syscall == "mount"'
}

@test "--privileged in the host's namespaces" {
	local all=(--privileged --net host --pid host --ipc host --uts host --userns host)
	outcome 0 docker run --rm "${all[@]}" probe probe sethostname
	policy any 'any: container' none
	outcome 1 docker run --rm "${all[@]}" probe probe sethostname
	denied SYS_ADMIN
}

@test "a set-user-id root program" {
	outcome 0 inside /w $PROBE as 12345 $PROBES/suid sethostname
	hold '[SETUID, SETGID]'
	outcome 1 inside /w $PROBE as 12345 $PROBES/suid sethostname
	denied SYS_ADMIN '.process.comm == "suid"'
}

@test "file capabilities" {
	outcome 0 inside /w $PROBE as 12345 $PROBES/filecaps sethostname
	hold '[SETUID, SETGID]'
	outcome 1 inside /w $PROBE as 12345 $PROBES/filecaps sethostname
	denied SYS_ADMIN '.process.comm == "filecaps"'
}

@test "ambient capabilities" {
	outcome 0 inside /w $PROBE ambient $PROBE sethostname
	hold '[SETUID, SETGID, SETPCAP]'
	outcome 1 inside /w $PROBE ambient $PROBE sethostname
	denied SYS_ADMIN '.process.uid == 12345'
}

@test "a new user namespace, where all capabilities are held" {
	outcome 0 inside /w $PROBE userns unshareuts
	hold
	outcome 1 inside /w $PROBE userns unshareuts
	denied SYS_ADMIN '.child_userns'
}

@test "a user namespace of an unprivileged user" {
	outcome 0 inside /w $PROBE as 12345 $PROBE userns unshareuts
	hold '[SETUID, SETGID]'
	outcome 1 inside /w $PROBE as 12345 $PROBE userns unshareuts
	denied SYS_ADMIN '.child_userns and .process.uid == 12345'
}

@test "the maps of a new user namespace, which take SETUID over the one around it" {
	# More than one's own uid.
	run -0 inside /w $PROBE uidmap '0 0 2'
	is "uidmap: ok" "$output"
	hold '[SYS_ADMIN, SETFCAP, SETUID]'
	outcome 0 inside /w $PROBE uidmap '0 0 2'
	hold '[SYS_ADMIN, SETFCAP]'
	mark
	run -1 inside /w $PROBE uidmap '0 0 2'
	is "uidmap: EPERM" "$output"
	denied SETUID
}

@test "io_uring: inline, in a worker, with a registered personality" {
	local how
	for how in plain worker personality; do outcome 0 inside /w $PROBE uring $how /tmp/probe-dac; done
	hold
	run -1 inside /w $PROBE uring plain /tmp/probe-dac
	is "plain: EACCES" "$output"
	denied DAC_OVERRIDE
	mark
	run -1 inside /w $PROBE uring worker /tmp/probe-dac
	is "worker: EACCES" "$output"
	is 2 "$(binding /w .counters.denied)"
	run -1 inside /w $PROBE uring personality /tmp/probe-dac
	is "personality: EPERM" "$output"
	denied io_uring-credentials
	# Whoever is allowed everything may use them.
	hold all
	outcome 0 inside /w $PROBE uring personality /tmp/probe-dac
	# They would get past a restriction as well.
	restrict
	mark
	run -1 inside /w $PROBE uring personality /tmp/probe-dac
	is "personality: EPERM" "$output"
	denied io_uring-credentials
}

@test "mounting overlayfs, whose mounter's credentials are exempt, by both mount APIs" {
	mkdir -p /tmp/ov/{l,u,w,m}
	layers=lowerdir=/tmp/ov/l,upperdir=/tmp/ov/u,workdir=/tmp/ov/w
	mount_overlay="mount -t overlay o -o $layers /tmp/ov/m"
	outcome 0 inside /w /bin/sh -c "$mount_overlay && umount /tmp/ov/m"
	outcome 0 inside /w $PROBE mount-at overlay /tmp/ov/m $layers
	hold '[SYS_ADMIN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, CHOWN, MKNOD, SETFCAP]'
	# Another file system is mounted as before.
	outcome 0 inside /w $PROBE mount
	run inside /w /bin/sh -c "$mount_overlay"
	[ "$status" -ne 0 ]
	denied overlayfs-mount '.process.comm == "mount" and .syscall == "mount"'
	mark
	run -1 inside /w $PROBE mount-at overlay /tmp/ov/m $layers
	is "mount: EPERM" "$output"
	outcome 1 inside /w $PROBE fsmount overlay lowerdir=/tmp/ov/l:/tmp/ov/u
	outcome 0 inside /w $PROBE fsmount tmpfs size=1m
	hold all
	outcome 0 inside /w /bin/sh -c "$mount_overlay && umount /tmp/ov/m"
	outcome 0 inside /w $PROBE fsmount overlay lowerdir=/tmp/ov/l:/tmp/ov/u
	# With every capability, but a restriction that the files in it would not know.
	restrict
	mark
	# Longer than between two events of a kind.
	for _ in 1 2 3; do
		run inside /w /bin/sh -c "$mount_overlay"
		[ "$status" -ne 0 ]
		sleep 1.1
	done
	denied overlayfs-mount
	run -1 inside /w $PROBE mount-at overlay /tmp/ov/m $layers
	is "mount: EPERM" "$output"
	run -1 inside /w $PROBE fsmount overlay lowerdir=/tmp/ov/l:/tmp/ov/u
	[[ $output == *EPERM* ]]
	outcome 0 inside /w $PROBE fsmount tmpfs size=1m
}

@test "a second thread, a leader that has ended, execve by a thread" {
	outcome 0 inside /w $PROBE thread sethostname
	outcome 0 inside /w $PROBE leaderless sethostname
	hold
	outcome 1 inside /w $PROBE thread sethostname
	outcome 1 inside /w $PROBE leaderless sethostname
	outcome 1 inside /w $PROBE thread-exec $PROBE sethostname
	denied SYS_ADMIN
	is 3 "$(binding /w .counters.denied)"
}
