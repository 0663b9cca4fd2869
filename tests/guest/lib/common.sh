# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# What tests/guest/run and tests/guest/image share. Sourced.

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

# guest_recipe FOLDER: the hash of the files that define the image. run, agent and common.sh are not among them: they change nothing in it.
guest_recipe() {
	(cd "$1" && sha256sum image lib/configure lib/first-boot lib/initramfs-init lib/kernel lib/packages) |
		sha256sum | cut -c 1-16
}
