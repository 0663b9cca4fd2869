#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# A hook that no policy has needed is not attached. It is attached before the first policy that needs it is published,
# stays through restarts and take-overs, and a policy whose hook this kernel lacks is refused.

load common

PINS=/sys/fs/bpf/leastcap
UP=/tmp/hooks
A=$PROBES/attributes
N=$PROBES/namespaces
VMLINUX=/sys/kernel/btf/vmlinux

setup_file() {
	load common
	mkdir -p $CG/h $CG/h2 $UP/this
	cp /usr/bin/leastcap /usr/sbin/leastcapd $UP/this/
	ln -sfn "$LEASTCAP_BUILD/next" $UP/next
	install_probes
	cp "$LEASTCAP_BUILD"/tests/guest/probes/{attributes,namespaces,unix} $PROBES/
	sysctl -q kernel.unprivileged_userns_clone=1
}
teardown_file() {
	load common
	install_build this
	rm -rf $UP
	stop_daemon
	remove_cgroups h h2
}
setup() {
	fresh_daemon --sample-interval 0
	mark
}
teardown() {
	rm -f $UP/spin $UP/node
	umount $VMLINUX 2>/dev/null || true
	install_build this
}

# Puts the programs of a build in the place of those that are there, as a package does.
install_build() {
	local program
	for program in bin/leastcap sbin/leastcapd; do
		cmp -s $UP/"$1/${program#*/}" /usr/$program || {
			cp $UP/"$1/${program#*/}" /usr/$program.new
			mv /usr/$program.new /usr/$program
		}
	done
}

# rules NAME CGROUP LINE...: applies a policy of all capabilities with these lines.
rules() {
	local name=$1 cgroup=$2
	shift 2
	{
		printf 'policies:\n  - name: %s\n    select:\n      - cgroup: %s\n    capabilities: all\n' "$name" "$cgroup"
		printf '    %s\n' "$@"
	} >/tmp/hooks.yaml
	leastcap apply /tmp/hooks.yaml
}

# Words, one a line, sorted.
words() { printf '%s\n' "$@" | sort; }

# The programs that are pinned, without the number of a variant. Each has its link and its program, and no other program
# of leastcap is loaded.
programs() {
	local all
	all=$(find $PINS/v*/build-* -name 'link_lc_*' -printf '%f\n' | sed 's/^link_//' | sort)
	is "$all" "$(find $PINS/v*/build-* -name 'prog_lc_*' -printf '%f\n' | sed 's/^prog_//' | sort)" >&2
	is "$all" "$(bpftool -j prog | jq -r '.[].name // empty | select(startswith("lc_"))' | sort)" >&2
	sed 's/_[0-9]$//' <<<"$all"
}

ALWAYS=(lc_capable lc_uring_creds lc_kern_mount lc_ptrace lc_exec lc_exec_thread lc_move lc_moved lc_fork lc_exit lc_release lc_task lc_mkdir lc_rmdir)
FILES=(lc_fs_access lc_fs_open lc_fs_receive lc_fs_attr lc_fs_xattr lc_fs_rmxattr)
# ACLs have hooks of their own since 6.2, file_setattr(2) came with 6.17.
ACLS=() FILE_ACLS=() LATER=()
[ "$LEASTCAP_KERNEL" = 6.1 ] || { ACLS=(lc_set_acl lc_remove_acl) FILE_ACLS=(lc_fs_acl lc_fs_rmacl); }
[ "$LEASTCAP_KERNEL" != 7 ] || LATER=(lc_file_setattr)

# adds LINE PROGRAM...: a policy with that line adds these programs, and no others.
adds() {
	local line=$1 before after
	shift
	before=$(programs)
	rules h /h "$line"
	after=$(programs)
	is "$(words "$@")" "$(comm -13 <(echo "$before") <(echo "$after"))"
	is "" "$(comm -23 <(echo "$before") <(echo "$after"))"
}

all_others() {
	echo lc_mknod lc_mount lc_umount lc_pivot_root lc_fs_param lc_move_mount lc_clone_mntns lc_modprobe lc_crypto_sock \
		lc_userns lc_unix_connect lc_unix_send lc_socket lc_setattr lc_setxattr lc_removexattr lc_ioctl \
		lc_ioctl_compat "${ACLS[@]}" "${LATER[@]}" lc_new_create lc_new_mknod lc_new_mkdir lc_new_symlink lc_new_link \
		lc_new_inode lc_new_open
}

@test "without restrictions only what is always needed is attached" {
	is "$(words "${ALWAYS[@]}")" "$(programs)"
	policy h 'cgroup: /h' '[SYS_CHROOT]'
	outcome 1 inside /h $PROBE sethostname
	is "$(words "${ALWAYS[@]}")" "$(programs)"
	rules h /h 'mounts: allow' 'devices: allow' 'sockets: allow'
	is "$(words "${ALWAYS[@]}")" "$(programs)"
}

@test "each restriction adds its own programs, audited or enforced" {
	adds 'devices: deny' lc_mknod
	adds 'mounts: deny' lc_mount lc_umount lc_pivot_root lc_fs_param lc_move_mount lc_clone_mntns
	adds 'modules: audit' lc_modprobe lc_crypto_sock
	adds 'namespaces: deny' lc_userns
	adds 'sockets: { host-unix: deny }' lc_unix_connect lc_unix_send
	adds 'sockets: { families: audit }' lc_socket
	adds 'sockets: { connect: { deny: [192.0.2.1] } }' lc_connect lc_sendmsg lc_setsockopt lc_sctp_connect
	adds 'attributes: deny' lc_setattr lc_setxattr lc_removexattr lc_ioctl lc_ioctl_compat "${ACLS[@]}" "${LATER[@]}" \
		lc_new_create lc_new_mknod lc_new_mkdir lc_new_symlink lc_new_link lc_new_inode lc_new_open
	adds 'filesystems: { deny: [debugfs] }' "${FILES[@]}" "${FILE_ACLS[@]}"
	adds 'bpf: deny' lc_bpf lc_bpf_map lc_bpf_prog
	# All are there: nothing is added any more, and nothing goes with the last policy that needed it.
	adds 'devices: deny'
	leastcap remove h
	rules h /h 'mounts: allow'
	adds 'mounts: deny'
}

@test "the restriction bpf brings the file systems' programs along; the profile needs all" {
	adds 'bpf: deny' lc_bpf lc_bpf_map lc_bpf_prog "${FILES[@]}" "${FILE_ACLS[@]}"
	adds 'filesystems: deny'
	# shellcheck disable=SC2046 # words
	adds 'profile: container' $(all_others)
	run -1 inside /h $A char $UP/node
	is "char: EPERM" "$output"
	denied character-device '.policy == "h"'
}

@test "the first policy that needs a hook holds at once, also what was running before it was attached" {
	mkfifo $UP/go
	inside /h /bin/sh -c "read -r _ <$UP/go; exec $A char $UP/node" >$UP/out &
	run -0 inside /h $A char $UP/node
	is "char: ok" "$output"
	rm $UP/node
	rules h /h 'devices: deny'
	echo >$UP/go
	outcome 1 wait $!
	is "char: EPERM" "$(cat $UP/out)"
	[ ! -e $UP/node ]
	denied character-device '.policy == "h" and .subject.binding == "/h"'
	run -1 inside /h $A char $UP/node
	is "char: EPERM" "$output"
	is 2 "$(binding /h .restrictions.devices.denied)"
	# Who is under no policy that needs it goes on.
	policy h2 'cgroup: /h2' all
	outcome 0 inside /h2 $A char $UP/node
	rm $UP/go $UP/node
}

# One process in /h that makes nodes without a pause, until spun.
spin() {
	touch $UP/spin
	cat >$UP/spin.py <<-'END'
		import errno, os, stat
		made = refused = 0
		while os.path.exists("/tmp/hooks/spin"):
		    try:
		        os.mknod("/tmp/hooks/node", stat.S_IFCHR | 0o600, os.makedev(1, 3))
		        made += 1
		        os.unlink("/tmp/hooks/node")
		    except OSError as e:
		        assert e.errno == errno.EPERM, e
		        refused += 1
		print(made, refused)
	END
	inside /h /usr/bin/python3 $UP/spin.py >$UP/spun 2>&1 &
	SPIN=$!
}

# Ends it: not one was made, and each refusal is counted once.
spun() {
	local made refused
	rm $UP/spin
	wait $SPIN || { cat $UP/spun; return 1; }
	read -r made refused <$UP/spun
	is 0 "$made"
	[ "$refused" -gt 1000 ]
	is "$refused" "$(binding /h .restrictions.devices.denied)"
}

builds() { find $PINS/v* -maxdepth 1 -name 'build-*' -printf '%f\n'; }

@test "restarted, killed, taken over by another build: the programs stay, and there is no gap" {
	local this list
	# With an event of each refusal the daemon would have no time for anything else.
	fresh_daemon
	outcome 0 inside /h $A char $UP/node
	rm $UP/node
	rules h /h 'devices: deny'
	list=$(programs)
	is "$(words "${ALWAYS[@]}" lc_mknod)" "$list"
	this=$(builds)
	spin
	denied character-device
	systemctl restart leastcapd
	is "$list" "$(programs)"
	systemctl kill -s KILL leastcapd
	is "$list" "$(programs)"
	systemctl restart leastcapd
	is "$list" "$(programs)"
	is "$this" "$(builds)"
	# Another build: it attaches what was needed before the first one's goes.
	install_build next
	systemctl restart leastcapd
	is 1 "$(builds | wc -l)"
	[ "$(builds)" != "$this" ]
	is "$list" "$(programs)"
	# A hook that only now is needed, in the set of the other build.
	outcome 0 inside /h2 $N unshare
	rules h2 /h2 'namespaces: deny'
	is "$(words $list lc_userns)" "$(programs)"
	mark
	outcome 1 inside /h2 $N unshare
	denied user-namespace '.policy == "h2"'
	install_build this
	systemctl restart leastcapd
	is "$this" "$(builds)"
	is "$(words $list lc_userns)" "$(programs)"
	outcome 1 inside /h2 $N unshare
	mark
	denied character-device '.policy == "h"'
	spun
}

@test "leastcap run attaches what its policy needs, and adds it to the daemon's set" {
	is "$(words "${ALWAYS[@]}")" "$(programs)"
	outcome 0 leastcap run --allow all -- $A char $UP/node
	rm $UP/node
	is "$(words "${ALWAYS[@]}")" "$(programs)"
	run -1 leastcap run --allow all --deny devices -- $A char $UP/node
	is "$(words "${ALWAYS[@]}" lc_mknod)" "$(programs)"
	# The daemon goes on with them.
	rules h /h 'devices: deny'
	outcome 1 inside /h $A char $UP/node
	denied character-device '.policy == "h"'
}

# A kernel that never had these hooks: their names are other ones, as long as before.
lacking() {
	sed 's/bpf_lsm_userns_create\x00/bpf_lsm_userns_creatX\x00/; s/bpf_lsm_unix_may_send\x00/bpf_lsm_unix_may_senX\x00/' $VMLINUX >$UP/btf
	is "$(stat -c %s $VMLINUX)" "$(stat -c %s $UP/btf)"
	mount --bind $UP/btf $VMLINUX
	systemctl restart leastcapd
	run -1 grep -aq bpf_lsm_userns_create $VMLINUX
	mark
}

state() {
	leastcap list --json
	leastcap status --json | tr -d '\n' | sed -E 's/"granted": *\[[^]]*\]//g'
	find $PINS /var/lib/leastcap | sort
}

# refuses MESSAGE LINE...: such a policy is refused with this message, and nothing has changed.
refuses() {
	local message=$1 before
	shift
	before=$(state)
	run -1 rules h /h "$@"
	[[ $output == *"error: unsupported: $message"* ]] || {
		echo "$output"
		return 1
	}
	is "$before" "$(state)"
	is "" "$(events '.type == "policy" and .action == "applied"')"
}

@test "a policy that needs a hook this kernel lacks is refused with the reason, and nothing has changed" {
	outcome 0 inside /h $A char $UP/node
	rm $UP/node
	rules h /h 'devices: deny'
	lacking
	refuses 'restriction namespaces needs hook userns_create' 'namespaces: deny'
	refuses 'restriction namespaces needs hook userns_create' 'namespaces: audit' 'mounts: deny'
	refuses 'restriction sockets (host-unix) needs hook unix_may_send' 'sockets: deny'
	refuses 'restriction sockets (host-unix) needs hook unix_may_send, restriction namespaces needs hook userns_create' \
		'profile: container'
	refuses 'restriction namespaces needs hook userns_create' 'profile: container' 'optional: [sockets]'
	# Its old policy goes on, and what can be held is.
	outcome 1 inside /h $A char $UP/node
	denied character-device '.policy == "h"'
	outcome 0 inside /h $N unshare
	rules h /h 'mounts: deny' 'sockets: { families: deny }'
	outcome 0 inside /h $A char $UP/node
	rm $UP/node
}

@test "what is optional is left out where the kernel lacks it, that is said, and held where it has it" {
	outcome 0 inside /h $A char $UP/node
	rm $UP/node
	lacking
	run -0 rules h /h 'devices: deny' 'namespaces: deny' 'optional: [namespaces]'
	[[ $output == *"h: revision 1, 1 subject"* ]]
	[[ $output == *"namespaces is left out: this kernel cannot hold it"* ]]
	is '["devices"]' "$(binding /h .rules.enforced)"
	is "$(words "${ALWAYS[@]}" lc_mknod)" "$(programs)"
	outcome 1 inside /h $A char $UP/node
	denied character-device '.policy == "h"'
	outcome 0 inside /h $N unshare
	# The same policy, on a kernel that has the hook.
	umount $VMLINUX
	systemctl restart leastcapd
	is '["devices","namespaces"]' "$(binding /h .rules.enforced)"
	mark
	outcome 1 inside /h $N unshare
	denied user-namespace '.policy == "h"'
}

@test "a file of policies.d with such a policy is a problem with its place; the others hold" {
	lacking
	printf 'policies:\n  - name: a\n    select: [{ cgroup: /h }]\n    capabilities: all\n    namespaces: deny\n' >$POLICIES/a.yaml
	printf 'policies:\n  - name: b\n    select: [{ cgroup: /h2 }]\n    capabilities: all\n    devices: deny\n' >$POLICIES/b.yaml
	outcome 0 inside /h2 $A char $UP/node
	rm $UP/node
	api POST /v1/reload
	is "[[\"$POLICIES/a.yaml\",2]]" "$(leastcap status --json | jq -c '[.problems[] | [.file, .line]]')"
	[[ $(leastcap status --json | jq -r '.problems[0].message') == "unsupported: restriction namespaces needs hook userns_create"* ]]
	is '["/h2"]' "$(leastcap status --json | jq -c '[.bindings[].cgroup]')"
	outcome 0 inside /h $N unshare
	outcome 1 inside /h2 $A char $UP/node
	denied character-device '.policy == "b"'
}

@test "leastcap run does not run a command under a policy that cannot be held" {
	lacking
	run -1 leastcap run --allow all --deny namespaces -- touch $UP/node
	[[ $output == *"unsupported: restriction namespaces needs hook userns_create"* ]]
	[ ! -e $UP/node ]
	printf 'policies:\n  - name: x\n    capabilities: all\n    namespaces: deny\n    devices: deny\n' >/tmp/hooks.yaml
	run -1 leastcap run --policy /tmp/hooks.yaml -- touch $UP/node
	[ ! -e $UP/node ]
	echo '    optional: [namespaces]' >>/tmp/hooks.yaml
	run -0 --separate-stderr leastcap run --policy /tmp/hooks.yaml -- $N unshare
	[[ $stderr == *"namespaces is optional and left out: this kernel cannot hold it"* ]]
	run -1 leastcap run --policy /tmp/hooks.yaml -- $A char $UP/node
}
