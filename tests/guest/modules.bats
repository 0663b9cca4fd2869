#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# modules: deny. What makes the kernel load a module, loading and unloading by system call, kexec.

load restriction

setup_file() {
	load restriction
	restriction_setup modules
	cp "$LEASTCAP_BUILD"/tests/guest/probes/{modules,modules32} $PROBES/
	# Debian's default, on which a line discipline's request depends for those without SYS_MODULE.
	sysctl -q dev.tty.ldisc_autoload=1
}
teardown_file() {
	load restriction
	systemctl start docker.socket docker
	stop_daemon
}

loaded() { grep -q "^$1 " /proc/modules; }
absent() { ! loaded "$1"; }

# With those that use it.
unload() {
	local user
	loaded "$1" || return 0
	for user in $(awk -v module="$1" '$1 == module && $4 != "-" { gsub(",", " ", $4); print $4 }' /proc/modules); do
		unload "$user"
	done
	rmmod "$1"
}

# refused MODULE ITEM OUTPUT COMMAND...: under deny the command ends with status 1 and OUTPUT, the event is there, the module is not.
refused() {
	local module=$1 item=$2 refused=$3
	shift 3
	unload "$module"
	mark
	run -1 inside /r/deny "$@"
	is "$refused" "$output"
	expect_event ".type == \"denied\" and .item == \"$item\" and .policy == \"r-deny\" and .subject.binding == \"/r/deny\""
	absent "$module"
}

# loads MODULE ITEM COMMAND...: audited, without a policy, and with one that allows, the command succeeds and the module is
# loaded. Audited first: not every module can be unloaded again.
loads() {
	local module=$1 item=$2 cgroup output_free
	shift 2
	absent "$module"
	mark
	run -0 inside /r/audit "$@"
	output_free=$output
	loaded "$module"
	expect_event ".type == \"would-deny\" and .item == \"$item\" and .policy == \"r-audit\""
	for cgroup in free allow; do
		unload "$module" || true
		run -0 inside /r/$cgroup "$@"
		is "$output_free" "$output"
		loaded "$module"
	done
}

# request MODULE ERRNO ACT: for 64-bit callers and 32-bit ones.
request() {
	refused "$1" module-request "$3: $2" $PROBES/modules "$3"
	refused "$1" module-request "$3: $2" $PROBES/modules32 "$3"
	loads "$1" module-request $PROBES/modules "$3"
	unload "$1" || true
}

# by_crypto MODULE ACT: families through which a kernel thread requests modules.
by_crypto() {
	refused "$1" module-request-by-crypto "$2: EPERM" $PROBES/modules "$2"
	refused "$1" module-request-by-crypto "$2: EPERM" $PROBES/modules32 "$2"
	loads "$1" module-request-by-crypto $PROBES/modules "$2"
	unload "$1" || true
}

@test "socket families: can, kcm, phonet, rxrpc, sctp" {
	request can EAFNOSUPPORT can
	request kcm EAFNOSUPPORT kcm
	request phonet EAFNOSUPPORT phonet
	request rxrpc EAFNOSUPPORT rxrpc
	request sctp ESOCKTNOSUPPORT sctp
}

@test "a device, a line discipline, a file system" {
	request tun ENODEV device
	request n_hdlc EINVAL ldisc
	request minix ENODEV filesystem
}

@test "the network: generic netlink, links, interfaces, congestion control" {
	request gtp ENOENT genl
	request dummy EOPNOTSUPP link
	request sit ENODEV netdev
	request tcp_vegas ENOENT congestion
}

@test "the name of the module is in the event" {
	unload kcm
	mark
	run -1 inside /r/deny $PROBES/modules kcm
	expect_event '.type == "denied" and .restriction == "modules" and .detail == "net-pf-41"'
}

@test "an executable of an unknown format" {
	mark
	free_everywhere $PROBES/modules binfmt
	# v6.18 does not ask any more.
	[ "$LEASTCAP_KERNEL" = 7 ] || {
		expect_event '.type == "would-deny" and .detail == "binfmt-0403"'
		expect_event '.type == "denied" and .detail == "binfmt-0403"'
	}
}

@test "crypto by a kernel thread: AF_ALG, AF_KEY, netlink of xfrm and crypto" {
	by_crypto af_alg alg
	by_crypto af_key key
	by_crypto crypto_user crypto-user
	# Docker has opened one at boot. It is started again when all are done.
	systemctl stop docker.socket docker
	by_crypto xfrm_user xfrm
}

module_file() {
	find "/lib/modules/$(uname -r)" -name "$1.ko"
}

@test "init_module and finit_module" {
	local bits call
	for call in init-module finit-module; do
		for bits in '' 32; do
			refused dummy module-load "$call: EPERM" $PROBES/modules$bits $call "$(module_file dummy)"
			loads dummy module-load $PROBES/modules$bits $call "$(module_file dummy)"
		done
	done
	unload dummy
}

@test "modprobe itself" {
	unload dummy
	mark
	run ! inside /r/deny modprobe dummy
	expect_event '.type == "denied" and .item == "module-load"'
	absent dummy
	inside /r/allow modprobe dummy
	loaded dummy
	unload dummy
}

@test "delete_module" {
	local bits cgroup
	for bits in '' 32; do
		modprobe dummy
		mark
		run -1 inside /r/deny $PROBES/modules$bits delete-module dummy
		is "delete-module: EPERM" "$output"
		expect_event '.type == "denied" and .item == "module-unload" and .policy == "r-deny"'
		loaded dummy
		for cgroup in free allow audit; do
			modprobe dummy
			run -0 inside /r/$cgroup $PROBES/modules$bits delete-module dummy
			absent dummy
		done
		expect_event '.type == "would-deny" and .item == "module-unload" and .policy == "r-audit"'
	done
}

@test "kexec: loading a kernel, and taking the crash kernel away" {
	held kexec 'kexec: EPERM' $PROBES/modules kexec
	held kexec 'kexec: EPERM' $PROBES/modules32 kexec
	held kexec 'kexec-file: EPERM' $PROBES/modules kexec-file
	held kexec 'kexec-file-unload: EPERM' $PROBES/modules kexec-file-unload
}

@test "untouched: what is loaded already, the capability for something else" {
	modprobe can_raw
	free_everywhere $PROBES/modules can
	unload can
	free_everywhere $PROBE sethostname
}

@test "the host goes on loading modules, also on behalf of the network" {
	unload kcm
	$PROBES/modules kcm
	loaded kcm
	unload kcm
}
