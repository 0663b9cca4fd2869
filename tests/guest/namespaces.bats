#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# namespaces: deny. Making user namespaces, and joining foreign ones of any kind.

load restriction

setup_file() {
	load restriction
	restriction_setup namespaces
	cp "$LEASTCAP_BUILD"/tests/guest/probes/{namespaces,namespaces32} $PROBES/
	# Debian's: with 0 the kernel asks for SYS_ADMIN first.
	sysctl -q kernel.unprivileged_userns_clone=1
}
teardown_file() { stop_daemon; }

# With descriptors of a process in namespaces of its own.
inside() {
	local cgroup=$1
	shift
	$PROBES/namespaces host $PROBE join-exec "$CG$cgroup" "$@"
}

namespace_held() { acts_held namespaces "$@"; }

@test "a user namespace by unshare, clone and clone3" {
	namespace_held user-namespace unshare unshare-all clone clone3
}

@test "a user namespace by one who is not root" {
	held user-namespace 'unshare: EPERM' $PROBE as 12345 $PROBES/namespaces unshare
}

@test "joining a user namespace: by its descriptor, a handle, a pidfd" {
	namespace_held join-namespace setns setns-any setns-pidfd
	since 6.18 namespace_held join-namespace setns-handle
}

@test "joining namespaces of other kinds" {
	namespace_held join-namespace setns-uts setns-net
}

@test "untouched: new namespaces of other kinds" {
	free_everywhere $PROBES/namespaces unshare-uts
	free_everywhere $PROBES/namespaces32 unshare-uts
	free_everywhere $PROBE unshareuts
}
