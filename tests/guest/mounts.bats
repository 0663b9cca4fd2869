#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# mounts: deny. Every way to mount, unmount or change a mount, with SYS_ADMIN and every other capability whitelisted.

load restriction

setup_file() {
	load restriction
	restriction_setup mounts
	cp "$LEASTCAP_BUILD"/tests/guest/probes/{mounts,mounts32} $PROBES/
	modprobe fuse
}
teardown_file() { stop_daemon; }

# Each act has a mount namespace of its own, with mounts and descriptors that the host has made for it.
HOST=host
inside() {
	local cgroup=$1
	shift
	$PROBES/mounts $HOST $PROBE join-exec "$CG$cgroup" "$@"
}

mount_held() { acts_held mounts "$@"; }

@test "mount: a file system, fuse, bind" {
	mount_held mount mount fuse
	mount_held bind bind
}

@test "mount: remount, propagation, move" {
	mount_held remount remount bind-remount
	mount_held propagation propagation
	mount_held move move
}

@test "umount" { mount_held umount umount detach; }

@test "pivot_root" { mount_held pivot-root pivot-root; }

@test "fsopen, fspick, fsmount" {
	mount_held fsopen fsopen
	mount_held fspick fspick
	mount_held fsmount fsmount
	since 7.1 mount_held fsmount fsmount-namespace
}

@test "fsconfig on what the host has opened: setting, making, reconfiguring" {
	mount_held fsconfig fsconfig-set fsconfig-create fsconfig-reconfigure fsconfig-fuse
	since 6.6 mount_held fsconfig fsconfig-create-excl
}

@test "open_tree and open_tree_attr" {
	mount_held open-tree open-tree
	since 6.15 mount_held open-tree open-tree-attr
	since 6.15 mount_held open-tree open-tree-attr-in-place
	since 7.0 mount_held open-tree open-tree-namespace
}

@test "mount_setattr: of a read-only bind, of a detached copy, propagation, devices, other owners" {
	mount_held mount-setattr setattr setattr-detached setattr-propagation setattr-nodev
	since 6.3 mount_held mount-setattr setattr-idmap
}

@test "move_mount: what the host has passed in, groups of peers" {
	mount_held move move-mount move-mount-set-group
	since 6.5 mount_held move move-mount-beneath
}

@test "of one task that is asked for SYS_ADMIN over and over, what mounts is refused each time, and nothing else" {
	run -0 inside /r/allow $PROBE watch /nothing sethostname fsopen
	is "sethostname=allowed fsopen=allowed 32" "$(grep -v ' 0$' <<<"$output")"
	mark
	run -0 inside /r/deny $PROBE watch /nothing sethostname fsopen
	is "sethostname=allowed fsopen=refused 32" "$(grep -v ' 0$' <<<"$output")"
	expect_event '.type == "denied" and .item == "fsopen" and .policy == "r-deny"'
	# Nor does it matter which of them is first.
	run -0 inside /r/deny $PROBE watch /nothing fsopen sethostname
	is "fsopen=refused sethostname=allowed 32" "$(grep -v ' 0$' <<<"$output")"
}

@test "a mount namespace by unshare, clone and clone3" {
	mount_held mount-namespace unshare unshare-user clone clone3
	since 7.1 mount_held mount-namespace unshare-empty clone3-empty
}

@test "joining a mount namespace by its descriptor, a handle, a pidfd" {
	mount_held join-mount-namespace setns setns-any setns-pidfd
	since 6.18 mount_held join-mount-namespace setns-handle
}

@test "in a user namespace where every capability is the subject's own" {
	HOST=userhost
	mount_held mount mount
	mount_held bind bind
	mount_held umount umount
	mount_held fsopen fsopen
	mount_held fsconfig fsconfig-set fsconfig-create
	mount_held fsmount fsmount
	mount_held open-tree open-tree
	mount_held mount-setattr setattr
	mount_held mount-namespace unshare
}

@test "callers with the x32 table: held, or the kernel has it switched off" {
	local act cgroup
	for act in "fsopen x32-fsopen" "mount-namespace x32-unshare"; do
		run inside /r/free $PROBES/mounts "${act#* }"
		[ "$status" -eq 2 ] || {
			held "${act% *}" "${act#* }: EPERM" $PROBES/mounts "${act#* }"
			continue
		}
		# Neither leastcap nor the policy has to do with that.
		for cgroup in allow audit deny; do
			run -2 inside /r/$cgroup $PROBES/mounts "${act#* }"
			is "not in this kernel: ENOSYS" "$output"
		done
	done
}

@test "what was asked for is in the event" {
	mark
	run -1 inside /r/deny $PROBES/mounts mount
	expect_event '.type == "denied" and .item == "mount" and .restriction == "mounts" and .detail == "tmpfs"'
}

@test "untouched: other namespaces, a path's descriptor, automounts of the kernel" {
	local bits
	for bits in '' 32; do
		free_everywhere $PROBES/mounts$bits unshare-uts
		free_everywhere $PROBES/mounts$bits setns-uts
		free_everywhere $PROBES/mounts$bits open-tree-path
	done
	run inside /r/free $PROBES/mounts automount
	[ "$status" -eq 2 ] || free_everywhere $PROBES/mounts automount
}

@test "untouched: the host's mount options reach the file system" {
	inside /r/allow mount -t tmpfs -o size=1m,mode=0711 probe /mnt
	mount -t tmpfs -o size=1m,mode=0711 probe /mnt
	is "1048576 711" "$(stat -f -c '%b %S' /mnt | awk '{ printf "%d ", $1 * $2 }')$(stat -c %a /mnt)"
	umount /mnt
}
