# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# What tests/guest/run and tests/guest/image share. Sourced with $here = tests/guest.

# The roles of the kernels; lib/kernel says where each comes from.
guest_kernels=(6.1 6.12 7)

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

wrong_use() {
	printf '%s: %s\nTry "%s --help".\n' "${0##*/}" "$*" "$0" >&2
	exit 2
}

known_kernel() {
	local kernel
	for kernel in "${guest_kernels[@]}"; do
		[ "$kernel" != "$1" ] || return 0
	done
	return 1
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

# The files that define the image. run, agent and common.sh are not among them: they change nothing in it.
guest_recipe() {
	(cd "$here" && sha256sum image lib/configure lib/first-boot lib/initramfs-init lib/kernel lib/packages) |
		sha256sum | cut -c 1-16
}
