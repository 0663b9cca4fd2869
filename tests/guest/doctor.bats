#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# doctor: what it says of the restrictions on this kernel, as root and as anybody.

load common

VMLINUX=/sys/kernel/btf/vmlinux

setup_file() {
	load common
	install_probes
	systemctl stop leastcapd 2>/dev/null || true
	leastcap unload >/dev/null 2>&1 || true
}
teardown_file() { leastcap unload >/dev/null || true; }
teardown() {
	umount $VMLINUX 2>/dev/null || true
	rm -f /tmp/doctor-btf
}

RULES='mounts modules host-unix connect families devices attributes filesystems namespaces bpf'

# Hooks of kernels after 6.1; Debian's 6.1 has one of them.
later_hooks() {
	case $LEASTCAP_KERNEL in
	6.1) echo 'used: file_ioctl_compat; not in this kernel: inode_set_acl, inode_remove_acl, inode_file_setattr' ;;
	6.12) echo 'used: file_ioctl_compat, inode_set_acl, inode_remove_acl; not in this kernel: inode_file_setattr' ;;
	7) echo 'used: file_ioctl_compat, inode_set_acl, inode_remove_acl, inode_file_setattr' ;;
	esac
}

# Not the versions of runtimes: that takes long.
doctor() { PATH=/nowhere /usr/bin/leastcap doctor "$@"; }
doctor_as_user() { PATH=/nowhere $PROBE as 12345 /usr/bin/leastcap doctor "$@"; }

# What is said of a rule; blanks made one.
rule() { sed -n '/^Restrictions/,/^$/p' <<<"$output" | grep -E "^[a-z]+ +$1 " | tr -s ' '; }
later() { grep -E '^info +later hooks ' <<<"$output" | tr -s ' '; }

nothing_left() { [ -z "$(find /sys/fs/bpf/leastcap -type f 2>/dev/null)" ]; }

@test "every restriction can be held on this kernel, and enforcement is proven" {
	local word
	run -0 doctor
	for word in $RULES; do
		case $word in
		host-unix | connect | families) is "ok $word sockets: can be held" "$(rule "$word")" ;;
		*) is "ok $word can be held" "$(rule "$word")" ;;
		esac
	done
	is "info later hooks $(later_hooks)" "$(later)"
	[[ $output == *"This host enforces: proven by a refused operation."* ]]
	nothing_left
}

@test "the same as JSON" {
	local words
	run -0 --separate-stderr doctor --json
	is true "$(jq .proven <<<"$output")"
	words=$(jq -r '[.restrictions[].name] | join(" ")' <<<"$output")
	is "$RULES" "$words"
	is '[["mounts","modules","sockets","sockets","sockets","devices","attributes","filesystems","namespaces","bpf"],true,[null]]' \
		"$(jq -c '.restrictions | [map(.restriction), all(.held == true), (map(.why) | unique)]' <<<"$output")"
	is "$(later_hooks)" "$(jq -r '.checks[] | select(.name == "later hooks") | .detail' <<<"$output")"
}

@test "without root it cannot prove, and says what the kernel can hold all the same" {
	run -1 doctor_as_user
	is "ok namespaces can be held" "$(rule namespaces)"
	[[ $output == *"This host cannot enforce yet"* ]]
	run -1 --separate-stderr doctor_as_user --json
	is '[false,10,true]' "$(jq -c '[.proven, (.restrictions | length), (.restrictions | all(.held))]' <<<"$output")"
}

@test "what a kernel lacks is named, for the rules that need it and for no other" {
	# A kernel that never had the hooks: their names are other ones, as long as before.
	sed 's/bpf_lsm_userns_create\x00/bpf_lsm_userns_creatX\x00/; s/bpf_lsm_inode_mknod\x00/bpf_lsm_inode_mknoX\x00/; s/bpf_lsm_inode_set_acl\x00/bpf_lsm_inode_set_acX\x00/' \
		$VMLINUX >/tmp/doctor-btf
	is "$(stat -c %s $VMLINUX)" "$(stat -c %s /tmp/doctor-btf)"
	mount --bind /tmp/doctor-btf $VMLINUX
	run -0 doctor
	is "warn namespaces cannot be held: needs hook userns_create" "$(rule namespaces)"
	is "warn devices cannot be held: needs hook inode_mknod" "$(rule devices)"
	is "warn attributes cannot be held: needs hook inode_mknod" "$(rule attributes)"
	is "ok mounts can be held" "$(rule mounts)"
	[[ $(later) == *"not in this kernel: inode_set_acl"* ]]
	# What is always there is proven without them.
	[[ $output == *"This host enforces"* ]]
	run -0 --separate-stderr doctor --json
	is '[["devices","hook inode_mknod"],["attributes","hook inode_mknod"],["namespaces","hook userns_create"]]' \
		"$(jq -c '[.restrictions[] | select(.held | not) | [.name, .why]]' <<<"$output")"
}

@test "without BTF nothing can be held, and it is not proven" {
	mount --bind /dev/null $VMLINUX
	run -1 --separate-stderr doctor --json
	is '[false,[false]]' "$(jq -c '[.proven, (.restrictions | map(.held) | unique)]' <<<"$output")"
	is 1 "$(jq -c '[.restrictions[].why] | unique | length' <<<"$output")"
	[[ $(jq -r '.restrictions[0].why' <<<"$output") == "the kernel's BTF: "* ]]
	nothing_left
}
