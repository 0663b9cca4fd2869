#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# devices: deny. Making character and block nodes, and nothing else that mknod(2) makes.

load restriction

D=/var/tmp/devices
A=$PROBES/attributes

setup_file() {
	load restriction
	restriction_setup devices
	cp "$LEASTCAP_BUILD"/tests/guest/probes/{attributes,attributes32} $PROBES/
	nodes_image
}
teardown_file() {
	load restriction
	rm -rf /var/tmp/devices
	docker rmi -f nodes >/dev/null 2>&1 || true
	stop_daemon
}
teardown() { drop any; }

# Each act begins in the same empty folder.
inside() {
	local cgroup=$1
	shift
	rm -rf $D
	mkdir $D
	mknod $D/there c 1 3
	"$PROBE" join-exec "$CG$cgroup" "$@"
}

# An image "nodes": a device node and files to remove.
nodes_image() {
	local dir
	dir=$(mktemp -d)
	tar -C "$dir" -xf /usr/share/leastcap-guest/busybox.tar
	cp "$PROBES/attributes" "$dir/bin/"
	mkdir -p "$dir/lower/dir"
	mknod "$dir/lower/null" c 1 3
	echo a >"$dir/lower/a"
	echo b >"$dir/lower/dir/b"
	tar -C "$dir" -c . | docker import - nodes >/dev/null
	rm -rf "$dir"
}

container_policy() {
	printf 'policies:\n  - name: any\n    select:\n      - any: container\n    capabilities: all\n    devices: deny\n' >/tmp/any.yaml
	leastcap apply /tmp/any.yaml
}

nodes() { docker run --rm --network none --privileged nodes sh -c "$1"; }

@test "character and block nodes" {
	local bits
	for bits in '' 32; do
		held character-device "char: EPERM" $A$bits char $D/node
		held block-device "block: EPERM" $A$bits block $D/node
	done
}

@test "the event says which device, and nothing was made" {
	mark
	run -1 inside /r/deny $A char $D/node
	[ ! -e $D/node ]
	expect_event '.type == "denied" and .item == "character-device" and .restriction == "devices" and .detail == "1:3"'
	mark
	run -1 inside /r/deny $A block $D/node
	[ ! -e $D/node ]
	expect_event '.type == "denied" and .item == "block-device" and .detail == "7:99"'
}

@test "untouched: whiteouts, FIFOs, sockets, files" {
	local bits
	for bits in '' 32; do
		free_everywhere $A$bits whiteout $D/node
		free_everywhere $A$bits fifo $D/node
		free_everywhere $A$bits socket $D/node
		free_everywhere $A$bits mknod $D/node 600
		free_everywhere $A$bits create $D/node 600
	done
}

@test "untouched: nodes that are there: their links, names and modes" {
	free_everywhere /bin/ln $D/there $D/link
	free_everywhere /bin/mv $D/there $D/new
	free_everywhere $A chmod $D/there 600
}

@test "in a privileged container: no node, but whiteouts, and a node of the image is copied up" {
	run -0 nodes 'attributes char /new && attributes block /newer'
	container_policy
	mark
	run -1 nodes 'attributes char /new'
	is "char: EPERM" "$output"
	expect_event '.type == "denied" and .item == "character-device" and .policy == "any"'
	run -1 nodes 'attributes block /dev/new'
	is "block: EPERM" "$output"
	# The first whiteout of a mount is made by mknod, the next ones are links to it.
	run -0 nodes 'rm /lower/a && rm -r /lower/dir && mkdir /lower/dir && ls /lower/dir && ls /lower'
	is $'dir\nnull' "$output"
	run -0 nodes 'chmod 600 /lower/null && chown 5 /lower/null && stat -c "%F %t:%T %a %u" /lower/null && echo x >/lower/null'
	is "character special file 1:3 600 5" "$output"
	# overlayfs itself lets nobody make one by mknod (ovl_mknod() in fs/overlayfs/dir.c).
	run -0 nodes 'attributes whiteout /dev/whiteout && mkfifo /fifo && attributes socket /socket'
}
