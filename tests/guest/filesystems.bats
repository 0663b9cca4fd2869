#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# filesystems: types that are denied, types that can only be read. /srv/t is a tmpfs; /srv/file is one file of it.

load restriction

F=$PROBES/files
T=/srv/t
V1=/srv/v1
SOCKETS=/var/tmp/filesystems

setup_file() {
	load restriction
	local lists='deny: [tmpfs, debugfs, tracefs, securityfs, configfs, pstore, nsfs, mqueue], read-only: [proc, sysfs, cgroup, cgroup2, binfmt_misc]'
	mkdir -p /srv/{t,v1} $SOCKETS
	mount -t tmpfs probe /srv/t
	touch /srv/file /srv/t/bound
	mount --bind /srv/t/bound /srv/file
	mount -t cgroup -o none,name=probe probe /srv/v1
	modprobe -a configfs
	system_mount debugfs /sys/kernel/debug
	system_mount tracefs /sys/kernel/tracing
	system_mount securityfs /sys/kernel/security
	system_mount configfs /sys/kernel/config
	system_mount pstore /sys/fs/pstore
	restriction_setup filesystems allow "{mode: audit, $lists}" "{$lists}"
	cp "$LEASTCAP_BUILD"/tests/guest/probes/{files,files32} "$PROBES"/
	mkdir -p $CG/r/target
}
teardown_file() {
	load restriction
	stop_servers
	umount /srv/file /srv/t /srv/v1
	rm -rf $SOCKETS
	docker rmi -f probe >/dev/null 2>&1 || true
	stop_daemon
}
teardown() {
	drop any
	stop_servers
}

# system_mount TYPE DIR: where systemd has not done so.
system_mount() {
	mountpoint -q "$2" || mount -t "$1" probe "$2"
	is "$1" "$(findmnt -n -o FSTYPE "$2")"
}

# serve PATH HOW: a process of the host gives this file to everybody. Sets SERVER, its pid, and FD, its descriptor.
serve() {
	rm -f $SOCKETS/socket $SOCKETS/fd
	$F serve $SOCKETS/socket "$1" "$2" >$SOCKETS/fd 3>&- 4>&- &
	SERVER=$!
	within 20 test -s $SOCKETS/fd
	FD=$(cat $SOCKETS/fd)
}
stop_servers() {
	[ -z "${SERVER:-}" ] || kill "$SERVER" 2>/dev/null || true
	SERVER=
}

# Each act begins with the same files.
inside() {
	local cgroup=$1
	shift
	$F fresh $T $CG/r/target >/dev/null
	"$PROBE" join-exec "$CG$cgroup" "$@"
}

# fs_held ITEM ACT ARG...: for 64-bit callers and 32-bit ones.
fs_held() {
	local item=$1 act=$2 bits
	shift 2
	for bits in '' 32; do held "$item" "$act: EPERM" $F$bits "$act" "$@"; done
}

# access(2) of 6.1 acts with credentials that it has made for the purpose, so nothing is judged: it only says something.
access_held() {
	local item=$1
	shift
	if [ "$LEASTCAP_KERNEL" = 6.1 ]; then untouched access "$@"; else fs_held "$item" access "$@"; fi
}

untouched() {
	local bits
	for bits in '' 32; do free_everywhere $F$bits "$@"; done
}

@test "denied: opening, by path, by an O_PATH descriptor, by a handle, by io_uring; executing" {
	fs_held open open $T/f r
	fs_held open open $T/f w
	fs_held open open $T r
	fs_held open reopen $T r
	fs_held open handle $T/f r $T
	fs_held open uring $T/f r
	held open "execute: EPERM" $F execute $T/from
}

@test "denied: debugfs, tracefs, securityfs, configfs, pstore" {
	local dir
	for dir in kernel/{debug,tracing,security,config} fs/pstore; do held open "open: EPERM" $F open /sys/$dir r; done
}

@test "denied: what the kernel opens for others: accounts, a swap file" {
	fs_held open acct $T/f
	fs_held open swapon $T/f
}

@test "denied: what is done by a path" {
	fs_held open stat $T/f
	fs_held open path $T/f
	access_held open $T/f r
	fs_held open chdir $T
	fs_held open truncate $T/f
	fs_held open unlink $T/f
	fs_held open mkdir $T/made
	fs_held open rmdir $T/dir
	fs_held open rename $T/from $T/to
	fs_held open link $T/from $T/to
	fs_held open chmod $T/f
	fs_held open setxattr $T/f
	fs_held open inotify $T
	fs_held open fanotify $T
	fs_held open statfs $T/f
}

@test "denied: sockets and queues" {
	$F serve $T/socket /etc/hostname r >/dev/null 3>&- 4>&- &
	local other=$!
	within 20 test -S $T/socket
	fs_held open connect $T/socket
	kill $other
	rm $T/socket
	mkdir -p /srv/queues
	mount -t mqueue probe /srv/queues
	fs_held open open /srv/queues r
	touch /srv/queues/queue
	fs_held open mq-open /queue
	umount /srv/queues
}

@test "denied: namespaces' files, which are reached through links of proc" {
	fs_held open open /proc/self/ns/net r
}

@test "denied: one file of it, bound over another" {
	fs_held open open /srv/file r
	fs_held write open /srv/file w
	fs_held write truncate /srv/file
	access_held open /srv/file r
	fs_held write chmod /srv/file
	fs_held write utimes /srv/file
	fs_held write setxattr /srv/file
	fs_held write chmod $T
	fs_held write setxattr $T
}

@test "denied: descriptors from somebody else, by a socket and by pidfd_getfd" {
	serve $T/bound r
	fs_held receive take $SOCKETS/socket
	fs_held receive steal "$SERVER" "$FD"
	stop_servers
	serve /etc/hostname r
	untouched take $SOCKETS/socket
	untouched steal "$SERVER" "$FD"
}

@test "not judged: what the root of a mount is, seen from outside" {
	untouched stat $T
	untouched statfs $T
	untouched path $T
	untouched stat /srv/file
}

@test "not judged: what looks like it: devtmpfs has the magic of tmpfs" {
	is "$(stat -f -c %t $T)" "$(stat -f -c %t /dev)"
	untouched open /dev/null w
	untouched open /etc/hostname r
}

@test "not judged: a descriptor that was there before" {
	run -0 inside /r/deny /bin/sh -c 'cat <&9' 9<$T/bound
}

@test "read-only: sysctls, sysrq, and the rest of proc that is no process's" {
	local pattern
	pattern=$(cat /proc/sys/kernel/core_pattern)
	fs_held write write /proc/sys/kernel/core_pattern "$pattern"
	fs_held write open /proc/sys/kernel/modprobe w
	fs_held write open /proc/sysrq-trigger w
	fs_held write reopen /proc/sys/kernel/core_pattern w
	fs_held write uring /proc/sys/kernel/core_pattern w
	fs_held write truncate /proc/sys/vm/swappiness
	access_held write /proc/sys/kernel/core_pattern w
	fs_held write open /proc/irq/default_smp_affinity w
	fs_held write chmod /proc/sysrq-trigger
	is "$pattern" "$(cat /proc/sys/kernel/core_pattern)"
}

@test "read-only: sysfs: uevents, module parameters" {
	fs_held write open /sys/class/net/lo/uevent w
	fs_held write open /sys/module/kernel/parameters/panic w
	fs_held write chmod /sys/class/net/lo/uevent
	fs_held write utimes /sys/class/net/lo/uevent
}

@test "read-only: binfmt_misc" {
	modprobe binfmt_misc
	mountpoint -q /proc/sys/fs/binfmt_misc || mount -t binfmt_misc probe /proc/sys/fs/binfmt_misc
	ls /proc/sys/fs/binfmt_misc >/dev/null
	is binfmt_misc "$(stat -f -c %T /proc/sys/fs/binfmt_misc/register)"
	fs_held write open /proc/sys/fs/binfmt_misc/register w
	untouched open /proc/sys/fs/binfmt_misc/status r
}

@test "read-only: cgroups: moving by every file, clone3 into one, making and removing" {
	fs_held write open $CG/r/target/cgroup.procs w
	fs_held write open $CG/r/target/cgroup.threads w
	fs_held write open $CG/r/target/cgroup.freeze w
	fs_held write handle $CG/r/target/cgroup.procs w $CG
	fs_held write clone-into $CG/r/target
	fs_held write mkdir $CG/r/target/made
	fs_held write rmdir $CG/r/target/there
	fs_held write chmod $CG/r/target/cgroup.procs
	fs_held write setxattr $CG/r/target/cgroup.procs
	fs_held write open $V1/tasks w
	fs_held write open $V1/cgroup.procs w
	fs_held write open $V1/release_agent w
}

@test "read-only: a writable descriptor from somebody else" {
	serve $CG/r/target/cgroup.procs w
	fs_held receive take $SOCKETS/socket
	fs_held receive steal "$SERVER" "$FD"
	stop_servers
	serve $CG/r/target/cgroup.procs r
	untouched take $SOCKETS/socket
}

@test "read-only: reading goes on" {
	untouched open /proc/sys/kernel/core_pattern r
	untouched open /proc r
	untouched open /proc/cpuinfo r
	untouched open /sys/class/net/lo/uevent r
	untouched open $CG/r/target/cgroup.procs r
	untouched access /proc/sys/kernel/core_pattern r
	untouched chdir /sys/class
	untouched inotify $CG/r/target/cgroup.events
	free_everywhere /bin/ls /proc/sys /sys/class
}

@test "a process's files in proc are not proc's" {
	untouched open /proc/self/comm w
	untouched open /proc/self/oom_score_adj w
	untouched open /proc/thread-self/comm w
	untouched open /proc/self/mem w
	untouched write /proc/1/oom_score_adj "$(cat /proc/1/oom_score_adj)"
	untouched readlink /proc/self
	printf 'policies:\n  - name: no-proc\n    select: [{cgroup: /r/no-proc}]\n    capabilities: all\n    filesystems: {deny: [proc]}\n' >/tmp/no-proc.yaml
	mkdir -p $CG/r/no-proc
	leastcap apply /tmp/no-proc.yaml
	run -0 inside /r/no-proc $F open /proc/self/status r
	run -0 inside /r/no-proc $F open /proc/self/comm w
	run -0 inside /r/no-proc $F open /proc r
	run -1 inside /r/no-proc $F open /proc/cpuinfo r
	run -1 inside /r/no-proc $F open /proc/sys r
	run -1 inside /r/no-proc $F open /proc/self/net/tcp r
	leastcap remove no-proc
	rmdir $CG/r/no-proc
}

@test "the event says what was tried: the type, or the path" {
	mark
	run -1 inside /r/deny $F open /proc/sys/kernel/core_pattern w
	expect_event '.type == "denied" and .item == "write" and .restriction == "filesystems" and .detail == "proc"'
	mark
	run -1 inside /r/deny $F chmod $CG/r/target/cgroup.procs
	expect_event '.item == "write" and (.detail | endswith("r/target/cgroup.procs"))'
}

# container_policy FILESYSTEMS
container_policy() {
	printf 'policies:\n  - name: any\n    select:\n      - any: container\n    capabilities: all\n    filesystems: %s\n' "$1" >/tmp/any.yaml
	leastcap apply /tmp/any.yaml
}

@test "in a container: the file system beneath overlayfs is not what is used" {
	local work='echo x >>/etc/passwd && rm /etc/group && cat /etc/passwd >/new && tail -n 1 /etc/passwd'
	probed() { docker run --rm --network none probe "$@"; }
	probe_image
	is ext4 "$(findmnt -n -o FSTYPE -T /var/lib/docker)"
	run -0 probed sh -c "$work; cat /etc/hostname >/dev/null && cat /new >/dev/null && echo ok"
	is $'x\nok' "$output"
	container_policy '{deny: [ext4]}'
	# What Docker binds from the host is.
	run -1 probed sh -c "$work; cat /etc/hostname"
	is $'x\ncat: can\'t open \'/etc/hostname\': Operation not permitted' "$output"
	expect_event '.type == "denied" and .item == "open" and .detail == "ext4" and .policy == "any"'
	# The runtime opens the program while it enters; what the program opens is judged.
	container_policy '{deny: [overlay]}'
	mark
	run -1 probed cat /etc/passwd
	[[ $output == *"Operation not permitted"* ]]
	expect_event '.type == "denied" and .item == "open" and .detail == "overlay" and .policy == "any"'
}

@test "in a privileged container: it stays in its cgroup and changes no sysctl" {
	escape() {
		docker run --rm --network none --privileged --cgroupns host probe sh -c '
			mkdir /sys/fs/cgroup/escape && echo made && rmdir /sys/fs/cgroup/escape
			(echo core >/proc/sys/kernel/core_pattern) && echo pattern
			(echo $$ >/sys/fs/cgroup/cgroup.procs) && echo moved
			cat /proc/cpuinfo >/dev/null && echo 5 >/proc/self/oom_score_adj && echo fine' 2>&1
	}
	probe_image
	# The pattern that is written is the one that is there.
	echo core >/proc/sys/kernel/core_pattern
	run -0 escape
	is $'made\npattern\nmoved\nfine' "$output"
	container_policy '{deny: [debugfs], read-only: [proc, sysfs, cgroup2]}'
	mark
	run -0 escape
	is 3 "$(grep -c 'Operation not permitted' <<<"$output")"
	is fine "$(grep -v 'Operation not permitted' <<<"$output")"
	expect_event '.type == "denied" and .item == "write" and .detail == "cgroup2"'
	expect_event '.type == "denied" and .item == "write" and .detail == "proc"'
}
