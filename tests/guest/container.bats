#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The profile `container`: Docker's capabilities and all eight prohibitions. What ordinary images do goes on working,
# and each prohibition refuses something.

load common

setup_file() {
	load common
	fresh_daemon
	probe_image
}
teardown_file() {
	load common
	docker rm -f web db free >/dev/null 2>&1 || true
	stop_daemon
}
setup() { mark; }
teardown() {
	drop any
	docker rm -f web db >/dev/null 2>&1 || true
}

profile() {
	printf 'policies:\n  - name: any\n    select:\n      - any: container\n    profile: container\n' >/tmp/profile.yaml
	leastcap apply /tmp/profile.yaml
}

# both COMMAND...: succeeds without a policy and under the profile, and prints the same.
both() {
	local free
	run -0 "$@"
	free=$output
	profile
	run -0 "$@"
	is "$free" "$output"
}

busybox() { docker run --rm --network none busybox "$@"; }
debian() { docker run --rm --network none debian:guest "$@"; }

@test "files, pipes, sockets, links, a build" {
	both busybox sh -c '
		set -e
		cd /tmp
		echo a >a && echo b >>a && cat a && : >a && cp a b && mv b c && ln a d && ln -s a e && rm a c d e
		mkfifo f && (echo through >f &) && cat f && rm f
		mkdir -p x/y && chmod 700 x && touch -t 200001010000 x/y && chown 1:1 x && tar -cf t x && rm -r x && tar -xf t
		stat -c "%a %u %n" x && stat -c "%a %u %n %Y" x/y
		rm /etc/passwd && echo new >/etc/passwd && cat /etc/passwd
	'
}

@test "in a Debian container: FIFOs, unix sockets, a write to a setuid file, truncation" {
	both debian sh -c '
		set -e
		cd /tmp
		mkfifo pipe && (cat pipe >piped &) && echo through >pipe
		nc -lU socket >received & server=$!
		until [ -S socket ]; do sleep 0.1; done
		echo hello | nc -NU socket
		wait $server
		cat piped received
		setuid=$(find /usr -perm -4000 -type f | sort | head -n 1)
		echo appended >>"$setuid"
		stat -c %A "$setuid" && tail -c 9 "$setuid"
		truncate -s 5 /etc/passwd && stat -c %s /etc/passwd
	'
	# Docker gives FSETID, so the bit stays.
	is $'through\nhello\n-rwsr-xr-x\nappended\n5' "$output"
}

@test "a package is installed in a Debian container" {
	both debian sh -c 'apt-get -qq install -y /packages/hello_*.deb >/tmp/out 2>&1 || { cat /tmp/out; exit 1; }
		hello && dpkg -s hello | grep ^Status'
	[[ $output == *"install ok installed"* ]]
}

answers() {
	docker exec web sh -c 'printf "GET / HTTP/1.0\r\n\r\n" | nc -N 127.0.0.1 80' | grep -q 'Welcome to nginx'
}

@test "nginx serves" {
	docker run -d --name web --network none debian:guest nginx -g 'daemon off;'
	within 60 answers
	docker rm -f web
	profile
	docker run -d --name web --network none debian:guest nginx -g 'daemon off;'
	within 60 answers
	is 0 "$(binding "$(docker inspect -f '{{.Id}}' web)" .counters.denied)"
}

stores() {
	[ "$(docker exec db redis-cli get key)" = value ]
}

@test "redis serves" {
	docker run -d --name db --network none debian:guest redis-server --save '' --dir /tmp
	within 60 docker exec db redis-cli set key value
	stores
	docker rm -f db
	profile
	docker run -d --name db --network none debian:guest redis-server --save '' --dir /tmp
	within 60 docker exec db redis-cli set key value
	stores
	outcome 0 docker exec db redis-cli bgsave
	is 0 "$(binding "$(docker inspect -f '{{.Id}}' db)" .counters.denied)"
}

# What each prohibition refuses: the item of the event, and the act.
acts=(
	"mount mount -t tmpfs x /mnt"
	"character-device mknod /tmp/null c 1 3"
	"mode chmod 600 /etc/passwd"
	"write cat /proc/sys/kernel/core_pattern >/tmp/was && cat /tmp/was >/proc/sys/kernel/core_pattern"
	"user-namespace unshare -U true"
)
privileged() { docker run --rm --privileged --network none busybox sh -c "$1"; }

@test "each prohibition refuses, in a privileged container" {
	local act
	for act in "${acts[@]}"; do
		outcome 0 privileged "${act#* }"
	done
	profile
	for act in "${acts[@]}"; do
		mark
		run privileged "${act#* }"
		[ "$status" -ne 0 ]
		expect_event ".type == \"denied\" and .item == \"${act%% *}\" and .policy == \"any\""
	done
}
