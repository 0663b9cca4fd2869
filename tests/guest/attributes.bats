#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# attributes: deny. Every way to change what a file is, while what it holds can be changed as before.

load restriction

D=/var/tmp/attributes
# A file system of its own.
DISK=/var/tmp/attributes-disk
A=$PROBES/attributes

setup_file() {
	load restriction
	restriction_setup attributes
	cp "$LEASTCAP_BUILD"/tests/guest/probes/{attributes,attributes32} $PROBES/
	lower_image
	own_files
	disk
}
teardown_file() {
	load restriction
	drop any own other inner
	umount $DISK
	rm -rf $D $DISK $DISK.ext4
	docker rmi -f lower >/dev/null 2>&1 || true
	stop_daemon
}
teardown() { drop any; }

# Each act begins with the same files.
inside() {
	local cgroup=$1
	shift
	fresh_files
	"$PROBE" join-exec "$CG$cgroup" "$@"
}

fresh_files() {
	$A fresh $D >/dev/null
}

# The same, without new files.
again() {
	local cgroup=$1
	shift
	"$PROBE" join-exec "$CG$cgroup" "$@"
}

# attribute_held ITEM ACT ARG...: for 64-bit callers and 32-bit ones.
attribute_held() {
	local item=$1 act=$2 bits
	shift 2
	for bits in '' 32; do held "$item" "$act: EPERM" $A$bits "$act" "$@"; done
}

untouched() {
	local bits
	for bits in '' 32; do free_everywhere $A$bits "$@"; done
}

# Policies with `own-files: allow`, for cgroups and for containers.
own_files() {
	mkdir -p $CG/r/own/{sub,inner} $CG/r/other
	cat >/tmp/own.yaml <<-END
		policies:
		  - name: own
		    select: [{cgroup: /r/own}]
		    capabilities: all
		    attributes: {mode: enforce, own-files: allow}
		  - name: inner
		    select: [{cgroup: /r/own/inner}]
		    capabilities: all
		    attributes: {mode: enforce, own-files: allow}
		  - name: other
		    select: [{cgroup: /r/other}]
		    capabilities: all
		    attributes: {mode: enforce, own-files: allow}
	END
	leastcap apply /tmp/own.yaml
}

# ext4 without metadata_csum, with which a version stays as it is.
disk() {
	truncate -s 8M $DISK.ext4
	mkfs.ext4 -q -O ^metadata_csum $DISK.ext4
	mkdir -p $DISK
	mount -o loop $DISK.ext4 $DISK
	touch $DISK/f
}

lower_image() {
	local dir
	dir=$(mktemp -d)
	tar -C "$dir" -xf /usr/share/leastcap-guest/busybox.tar
	cp "$PROBES/attributes" "$dir/bin/"
	mkdir -p "$dir/lower/dir"
	echo a >"$dir/lower/a"
	echo b >"$dir/lower/dir/b"
	echo suid >"$dir/lower/suid"
	chmod 4755 "$dir/lower/suid"
	tar -C "$dir" -c . | docker import - lower >/dev/null
	rm -rf "$dir"
}

# container_policy ATTRIBUTES
container_policy() {
	printf 'policies:\n  - name: any\n    select:\n      - any: container\n    capabilities: all\n    devices: deny\n    attributes: %s\n' "$1" >/tmp/any.yaml
	leastcap apply /tmp/any.yaml
}

lower() {
	docker run --rm --network none --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
		--cap-add ALL lower sh -c "$1"
}

@test "mode: chmod, fchmod, fchmodat2" {
	attribute_held mode chmod $D/f 600
	attribute_held mode fchmod $D/f 4755
	since 6.6 attribute_held mode fchmodat2 $D/f 600
	attribute_held mode chmod $D 700
}

@test "owner: chown, fchown, lchown" {
	attribute_held owner chown $D/f 5
	attribute_held owner chgrp $D/f 5
	attribute_held owner lchown $D/link 5
}

@test "times: both, one" {
	attribute_held times utimes $D/f
	attribute_held times atime $D/f
}

@test "extended attributes: set, by name, descriptor and io_uring; removed" {
	attribute_held xattr setxattr $D/f user.x
	attribute_held xattr lsetxattr $D/link trusted.x
	attribute_held xattr fsetxattr $D/f security.x
	since 6.13 attribute_held xattr setxattrat $D/f user.x
	attribute_held xattr uring-setxattr $D/f user.x
	attribute_held xattr filecaps $D/f
	attribute_held xattr removexattr $D/f user.there
	attribute_held xattr removexattr $D/f security.there
	attribute_held xattr removexattr $D/f trusted.there
	since 6.13 attribute_held xattr removexattrat $D/f user.there
}

@test "ACLs: set and removed" {
	attribute_held acl acl $D/f
	attribute_held acl removexattr $D/f system.posix_acl_access
}

@test "inode flags: every ioctl, and file_setattr" {
	local name
	attribute_held inode-flags setflags $D/f
	attribute_held inode-flags fssetxattr $D/f
	for name in encryption verity fat btrfs ext4-version xfs; do
		attribute_held inode-flags ioctl $D/f $name
	done
	since 6.17 attribute_held inode-flags file-setattr $D/f
}

@test "the version of an inode, on a file system whose inodes can have another" {
	attribute_held inode-flags setversion $DISK/f
}

@test "new files with setuid or setgid bits: open, mknod, O_TMPFILE" {
	attribute_held setuid-file create $D/new 4755
	attribute_held setuid-file create $D/new 2755
	attribute_held setuid-file mknod $D/new 4755
	attribute_held setuid-file tmpfile $D 4755
	attribute_held setuid-file tmpfile $D 2755
	attribute_held mode tmpfile-chmod $D 600
}

@test "the event says which file or attribute, and nothing has changed" {
	local before
	fresh_files
	before=$(stat -c '%a %u %g %x %y' $D/f)
	mark
	run -1 again /r/deny $A chmod $D/f 600
	run -1 again /r/deny $A chown $D/f 5
	run -1 again /r/deny $A utimes $D/f
	run -1 again /r/deny $A setxattr $D/f user.x
	is "$before" "$(stat -c '%a %u %g %x %y' $D/f)"
	run -3 $A removexattr $D/f user.x
	expect_event '.item == "mode" and .restriction == "attributes" and (.detail | endswith("attributes/f"))'
	expect_event '.item == "xattr" and .detail == "user.x"'
	run -1 again /r/deny $A create $D/new 4755
	[ ! -e $D/new ]
	expect_event '.item == "setuid-file" and (.detail | endswith("attributes/new"))'
}

@test "untouched: writing, truncating, touching, making" {
	untouched append $D/f
	untouched truncate $D/f
	untouched ftruncate $D/f
	untouched otrunc $D/f
	untouched touch $D/f
	untouched create $D/new 644
	untouched tmpfile $D 644
	untouched mkdir $D/new 755
	untouched fifo $D/new
	untouched socket $D/new
	untouched getflags $D/f
	untouched ioctl $D/f other
	free_everywhere /bin/mv $D/f $D/new
	free_everywhere /bin/ln $D/f $D/new
	free_everywhere /bin/rm $D/f
}

@test "untouched: a write, a truncation and O_TRUNC take the bits off a setuid file" {
	local act cgroup
	for act in append truncate otrunc; do
		for cgroup in free deny; do
			fresh_files
			# With CAP_FSETID the bits would stay.
			again /r/$cgroup $PROBE as 5 $A $act $D/suid
			is 755 "$(stat -c %a $D/suid)"
		done
	done
}

@test "chown takes the bits off a setuid file: refused, they stay" {
	fresh_files
	run -1 again /r/deny $A chown $D/suid 6
	is "6755 5" "$(stat -c '%a %u' $D/suid)"
}

@test "own files: mode, owner, times, attributes, ACLs of what the subject has made" {
	fresh_files
	again /r/own /bin/sh -ec "
		cd $D
		umask 022
		echo >new; $A chmod new 600; $A chown new 5; $A utimes new; $A setxattr new user.x; $A removexattr new user.x; $A acl new
		mkdir dir; $A chmod dir 700; $A chown dir 5
		ln -s new soft; $A lchown soft 5
		mkfifo fifo; $A chmod fifo 600
		$A socket socket; $A chmod socket 600
		$A mknod node 600; $A chmod node 644
		$A tmpfile-chmod . 640
		cp -p f copy; cp -a /usr/share/leastcap-guest/busybox.tar .; install -m 700 f installed
		tar -xf busybox.tar ./bin/busybox
		${A}32 chmod new 640
	"
	is "640 5" "$(stat -c '%a %u' $D/new)"
	is 700 "$(stat -c %a $D/installed)"
}

@test "own files: made in a cgroup below, by another thread, executed anew" {
	fresh_files
	again /r/own/sub $A create $D/new 644
	again /r/own $A chmod $D/new 600
	again /r/own /bin/sh -c "exec $PROBE thread-exec $A chmod $D/new 640"
	is 640 "$(stat -c %a $D/new)"
}

@test "own files are not: setuid bits, security and trusted attributes, inode flags" {
	fresh_files
	again /r/own $A create $D/new 644
	run -1 again /r/own $A chmod $D/new 4755
	run -1 again /r/own $A chmod $D/new 2755
	run -1 again /r/own $A create $D/suid2 4755
	run -1 again /r/own $A filecaps $D/new
	run -1 again /r/own $A setxattr $D/new trusted.x
	run -1 again /r/own $A setflags $D/new
	run -1 again /r/own $A mkdir $D/dir 755 || run -1 again /r/own $A chmod $D/dir 2755
	is 644 "$(stat -c %a $D/new)"
}

@test "own files are not: somebody else's, by whatever name" {
	local cgroup
	fresh_files
	echo >$D/before
	run -1 again /r/own $A chmod $D/f 600
	# Opened with O_CREAT, linked, renamed, written: not made.
	again /r/own $A create $D/f 644
	run -1 again /r/own $A chmod $D/f 600
	again /r/own /bin/ln $D/f $D/hard
	run -1 again /r/own $A chmod $D/hard 600
	again /r/own /bin/mv $D/f $D/renamed
	run -1 again /r/own $A chmod $D/renamed 600
	# A name that the subject failed to make, and then linked.
	again /r/own /bin/sh -c "$A mknod $D/suid3 4755; ln $D/suid $D/suid3; $A chmod $D/suid3 600" && false
	is 6755 "$(stat -c %a $D/suid)"
	# Made by another subject, and by what is around an inner one.
	again /r/other $A create $D/others 644
	run -1 again /r/own $A chmod $D/others 600
	again /r/own $A create $D/outer 644
	run -1 again /r/own/inner $A chmod $D/outer 600
	again /r/own/inner $A create $D/inners 644
	again /r/own/inner $A chmod $D/inners 600
	again /r/own $A chmod $D/inners 640
}

# By unmounting: drop_caches does not make kernel 7 evict the inode of a new file, with or without leastcap, however often it
# is told (ext4_evict_inode is not called for it).
@test "own files: a maker that is forgotten is somebody else" {
	again /r/own $A create $DISK/new 644
	run -0 again /r/own $A chmod $DISK/new 600
	mark
	run -1 again /r/own $A chmod $DISK/f 600
	umount $DISK
	mount -o loop $DISK.ext4 $DISK
	run -1 again /r/own $A chmod $DISK/new 640
	is "chmod: EPERM" "$output"
	is 600 "$(stat -c %a $DISK/new)"
	expect_event '.type == "denied" and .item == "mode" and .policy == "own" and (.detail | endswith("/new"))'
	# What it makes from now on is its own.
	again /r/own $A create $DISK/newer 644
	run -0 again /r/own $A chmod $DISK/newer 600
}

@test "in a container: copy-up and whiteouts, a setuid file written to, a build, under the strictest rule" {
	local free
	local work='cd /lower; umask 022
		cat a; echo more >>a; cat a; rm dir/b; ls dir; rmdir dir; mkdir dir; ls -A dir
		echo x >>suid; cat suid; attributes truncate a; mv a a2; ln a2 a3; : >a2; touch a3
		mkdir out; mkfifo out/fifo; attributes socket out/socket; (echo through >out/fifo &); cat out/fifo
		echo >out/object; rm -r out; ls /lower; attributes chmod a3 600'
	run lower "${work%;*}; ls"
	free=$output
	container_policy deny
	mark
	run -1 lower "$work"
	is "chmod: EPERM" "${lines[-1]}"
	expect_event '.type == "denied" and .item == "mode" and .policy == "any"'
	run -0 lower "${work%attributes chmod*}ls"
	is "$free" "$output"
}

@test "in a container: own files on overlayfs, of the image's only what is new" {
	container_policy '{mode: enforce, own-files: allow}'
	run -0 lower 'cd /lower; echo >new; chmod 600 new; chown 5 new; mkdir d; chmod 700 d; ln -s x s; attributes lchown s 5
		mkfifo p; chmod 600 p; cp -p a copy; mkdir -p x/y; mv new x; chmod 640 x/new; attributes setxattr x/new user.a'
	run -1 lower 'attributes chmod /lower/a 600'
	run -1 lower 'echo more >>/lower/a; attributes chmod /lower/a 600'
	run -1 lower 'ln /lower/a /lower/hard; attributes chmod /lower/hard 600'
	run -1 lower 'echo >/new; attributes chmod /new 4755'
}
