#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# append: lsm=lockdown,yama,apparmor
# Booted without "bpf" in the list of security modules: programs would load, and never be called.

load lacking

@test "the positive control: this boot has no bpf in the list" {
	run cat /sys/kernel/security/lsm
	[[ $output != *bpf* && $output == *yama* ]]
}

@test "leastcapd ends with 1, names what is missing and the boot line that keeps the other modules" {
	run -1 leastcapd
	says '"bpf" is not among the active security modules' "lsm=$(cat /sys/kernel/security/lsm),bpf"
	nothing_loaded
}

@test "leastcap run does not run the command" {
	run -1 leastcap run -- touch /tmp/was-run
	says bpf
	[ ! -e /tmp/was-run ]
	nothing_loaded
}

@test "doctor ends with 1 and prints the boot line" {
	run -1 leastcap doctor
	says "lsm=$(cat /sys/kernel/security/lsm),bpf" update-grub
	run -1 leastcap doctor --json
	jq -e . <<<"$output"
	nothing_loaded
}
