# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# What tests/guest/run, tests/guest/image and lib/warm share. Sourced.

# lib/kernel finds the newest of each series in the archives.
guest_kernels() {
	echo 6.1 6.12 7
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

wrong_use() {
	printf '%s: %s\nTry "%s --help".\n' "${0##*/}" "$*" "$0" >&2
	exit 2
}

known_kernel() {
	[[ " $(guest_kernels) " == *" $1 "* ]] || wrong_use "no kernel $1, only $(guest_kernels)"
}

guest_cache() {
	if [ -n "${LEASTCAP_CACHE:-}" ]; then
		printf '%s\n' "$LEASTCAP_CACHE"
	elif [ "$(id -u)" = 0 ]; then
		echo /var/cache/leastcap
	else
		printf '%s\n' "${XDG_CACHE_HOME:-$HOME/.cache}/leastcap"
	fi
}

# guest_recipe FOLDER: the hash of the files that define the image.
guest_recipe() {
	(cd "$1" && sha256sum image lib/agent lib/configure lib/debian lib/first-boot lib/initramfs-init lib/kernel lib/packages \
		lib/qemu lib/warm-up) | sha256sum | cut -c 1-16
}

# /dev/kvm can be there and hang every guest; with the processor's own module beside it it works.
kvm_works() {
	[ -w /dev/kvm ] && { [ -d /sys/module/kvm_intel ] || [ -d /sys/module/kvm_amd ]; }
}

# guest_qemu IMAGE: sets "command" to the QEMU that is kept with the image, or the host's.
guest_qemu() {
	command=(qemu-system-x86_64)
	[ ! -x "$1/qemu/qemu-system-x86_64" ] || command=("$1/qemu/qemu-system-x86_64" -L "$1/qemu/firmware")
}

# In qemu's option lists a comma is written twice.
comma() {
	printf '%s' "${1//,/,,}"
}

# guest_devices PAYLOAD TREE BUILD SCRIPT: adds to the array "command" what every guest has. A kept state fits a guest
# only if both have the same devices in the same order.
guest_devices() {
	local tag
	# shellcheck disable=SC2054 # the commas are qemu's
	command+=(-nodefaults -no-user-config -display none -no-reboot -nic none -device virtio-rng-pci
		-device virtio-blk-pci,drive=disk)
	for tag in payload tree build script; do
		command+=(-fsdev "local,id=$tag,path=$(comma "$1"),security_model=none,readonly=on,multidevs=remap")
		command+=(-device "virtio-9p-pci,fsdev=$tag,mount_tag=$tag")
		shift
	done
}

# The script's output goes to the descriptor; the agent is talked to over standard input and output.
guest_ports() {
	# shellcheck disable=SC2054 # the commas are qemu's
	command+=(
		-device virtio-serial-pci
		-chardev "file,id=output,path=/dev/fd/$1" -device virtserialport,chardev=output,name=leastcap.output
		-chardev stdio,id=control,signal=off -device virtserialport,chardev=control,name=leastcap.control
	)
}

# guest_monitor FOLDER: sets "monitor", arguments of qemu, and the descriptors monitor_hears and monitor_says.
# shellcheck disable=SC2034 # the callers use them
guest_monitor() {
	mkfifo "$1/monitor.in" "$1/monitor.out"
	exec {monitor_hears}<>"$1/monitor.in" {monitor_says}<>"$1/monitor.out"
	monitor=(-chardev "pipe,id=monitor,path=$(comma "$1/monitor")" -mon chardev=monitor)
}

guest_parameters() {
	printf 'console=ttyS0 root=/dev/vda rw panic=-1 loglevel=5 systemd.show_status=auto'
	# AppArmor's own refusals would hide those under test: the order of Debian without it. Its package is in the guest.
	printf ' lsm=landlock,lockdown,yama,integrity,bpf'
}

# Emulated, the HPET is a thousand times slower than the time stamp counter, which the kernel would not trust; the rest
# takes some more of the time away.
guest_fast_parameters() {
	printf ' tsc=reliable no5lvl init_on_alloc=0 rcupdate.rcu_expedited=1 mitigations=off'
}
