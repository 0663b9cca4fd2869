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

# What a build does, without a compiler, which the guest has not: jobs that take turns by a FIFO as make's do, results by a
# socket, scratch files that are removed, an installation, folders of the image that are removed, made anew and moved.
BUILD='
	set -e
	umask 022
	mkdir -p /src/out /src/tmp && cd /src
	for n in 1 2 3 4; do echo "int f$n;" >f$n.c; done
	mkfifo jobs && exec 3<>jobs && printf ab >&3
	for n in 1 2 3 4; do
		(head -c 1 <&3 >tmp/$n; sed s/int/long/ f$n.c >tmp/f$n.o; mv tmp/f$n.o out/; cat tmp/$n >&3) &
	done
	wait
	nc -lU socket >received & server=$!
	until [ -S socket ]; do sleep 0.1; done
	cat out/* | nc -NU socket
	wait $server
	install -m 640 received /usr/local/lib/parts
	rm -r tmp jobs socket
	rm -r /usr/share/base-files && mkdir /usr/share/base-files && ls -A /usr/share/base-files
	mv /etc/skel /src/skel && mkdir /etc/skel && cp -a /src/skel/.profile /etc/skel/.new
	cat /usr/local/lib/parts
	stat -c "%a %n" /usr/local/lib/parts
	ls -A /usr/share/base-files /etc/skel | sort
'

@test "a build in a Debian container" {
	local made=$'long f1;\nlong f2;\nlong f3;\nlong f4;\n640 /usr/local/lib/parts\n\n.new\n/etc/skel:\n/usr/share/base-files:'
	both debian sh -c "$BUILD"
	is "$made" "$output"
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

# What each prohibition, and a capability that Docker does not give, refuses: the item of the event, what the act says then,
# and the act.
acts=(
	"mount;mount: EPERM;probe mount"
	"character-device;char: EPERM;attributes char /tmp/null"
	"mode;chmod: EPERM;attributes chmod /etc/passwd 600"
	"write;write: EPERM;files write /proc/sys/kernel/core_pattern core"
	"user-namespace;unshare: EPERM;namespaces unshare"
	"bpf-call;map: EPERM;bpf map"
	"module-request;genl: ENOENT;modules genl"
	"family;family: EPERM;addresses family 40 1"
	"host-unix;/docker.sock connect: EPERM;unix connect stream /docker.sock"
	"SYS_TIME;settime: EPERM;probe settime"
)

# All acts in one container, and AF_ALG, which two prohibitions refuse.
privileged() {
	docker run --rm --privileged --network none -v "$PROBES:/probes:ro" -v /run/docker.sock:/docker.sock \
		-e PATH=/probes:/bin busybox sh -c "$(printf '%s\n' "${acts[@]##*;}" 'modules alg')"
}

@test "each prohibition refuses, in a privileged container" {
	local act said free='' held='' probe
	for probe in addresses attributes bpf files modules namespaces unix; do
		cp "$LEASTCAP_BUILD/tests/guest/probes/$probe" $PROBES/
	done
	for act in "${acts[@]}" ';alg: EPERM;'; do
		said=${act#*;} said=${said%;*}
		held+=$said$'\n'
		free+="${said%: *}: ok"$'\n'
	done
	# Else 6.1 asks for a capability before it calls the hook of bpf().
	echo 0 >/proc/sys/kernel/unprivileged_bpf_disabled
	# The pattern that is written is the one that is there.
	echo core >/proc/sys/kernel/core_pattern
	run -0 privileged
	is "$free" "$output"$'\n'
	rmmod gtp
	profile
	run -1 privileged
	is "$held" "$output"$'\n'
	for act in "${acts[@]}"; do
		expect_event ".type == \"denied\" and .item == \"${act%%;*}\" and .policy == \"any\""
	done
}
