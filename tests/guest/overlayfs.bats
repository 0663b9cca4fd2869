#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# overlayfs acts with its mounter's credentials: below the empty whitelist it works as it does without one.

load common

setup_file() {
	load common
	fresh_daemon
	overlay_image
}
teardown_file() { load common; stop_daemon; }
setup() { mark; }
teardown() {
	drop any
	docker rm -f free held >/dev/null 2>&1 || true
}

# An image "overlay": /home/user of uid 1000 and /home/root with the same files, and scripts.
overlay_image() {
	local dir home
	dir=$(mktemp -d)
	tar -C "$dir" -xf /usr/share/leastcap-guest/busybox.tar
	cp $PROBE "$dir/bin/"
	for home in "$dir"/home/{user,root}; do
		mkdir -p "$home"/{dir/below,tree/below,later}
		(cd "$home" && for file in own append dir/{a,b,below/c} tree/{a,below/b} gone name mode link cut later/{a,b}; do
			echo "lower $file" >$file
		done)
		chmod 600 "$home"/*
		chmod 700 "$home"/{dir,tree,later}
	done
	chown -R 1000:1000 "$dir/home/user"
	cat >"$dir/bin/change" <<-'END'
		#!/bin/sh
		exec 2>&1
		cd "$1" || exit
		cat own
		echo more >>append && cat append
		rm -r dir && mkdir dir && ls -A dir && echo new >dir/new
		rm gone && ls gone
		mv name renamed
		mv tree moved
		chmod 640 mode
		ln link hard
		ln -s own soft
		mkfifo fifo
		: >cut
		touch -t 200001010000 own
		mkdir -m 700 fresh && echo fresh >fresh/file && rm -r fresh
		echo "last: $?"
	END
	cat >"$dir/bin/show" <<-'END'
		#!/bin/sh
		exec 2>&1
		cd "$1" || exit
		ls gone
		find . | sort | while read -r file; do
			stat -c '%n %A %u:%g %h' "$file"
			[ ! -f "$file" ] || cat "$file"
		done
		stat -c %Y own
		echo "in dir: $(ls -A dir)"
	END
	chmod 755 "$dir"/bin/{change,show}
	tar -C "$dir" -c . | docker import - overlay >/dev/null
	rm -rf "$dir"
}

# The whole of it in container $1, the output in /tmp/$1.*
life() {
	docker run -d --name "$1" --network none -u 1000 overlay probe sleep 1000 >/dev/null
	docker exec "$1" sh -c 'change /home/user; echo; show /home/user' >"/tmp/$1.user"
	docker exec -u 0 "$1" sh -c 'change /home/root; echo; show /home/root' >"/tmp/$1.root"
	docker exec -u 0 "$1" cat /home/user/own >"/tmp/$1.root-reads" 2>&1 || true
	BEFORE_RESTART=$(binding "$(docker inspect -f '{{.Id}}' "$1")" .capabilities 2>/dev/null || true)
	docker restart -t 0 "$1" >/dev/null
	docker exec "$1" show /home/user >"/tmp/$1.user-restarted"
	docker exec -u 0 "$1" show /home/root >"/tmp/$1.root-restarted"
}

@test "a user and root live on an overlay below the empty whitelist as they do without" {
	local what id upper
	life free
	# The control: what it looks like when it works.
	grep -qx 'lower own' /tmp/free.user
	grep -qx 'last: 0' /tmp/free.user
	grep -qx 'last: 0' /tmp/free.root
	is 'in dir: new' "$(tail -n 1 /tmp/free.user-restarted)"
	is 'lower own' "$(cat /tmp/free.root-reads)"
	policy any 'any: container' none
	life held
	for what in user root; do
		diff /tmp/free.$what /tmp/held.$what
		diff <(sed '1,/^$/d' /tmp/held.$what) /tmp/held.$what-restarted
	done
	# Somebody else's file needs a capability, of root too.
	grep -q 'Permission denied' /tmp/held.root-reads
	denied DAC_OVERRIDE '.process.comm == "cat" and .process.uid == 0'
	# That was all that anybody asked for and was granted by Docker; nothing of what overlayfs did for them.
	is '[[],["DAC_OVERRIDE"],[]]' "$(jq -c '[.used, .denied, .would_deny]' <<<"$BEFORE_RESTART")"
	# It did need capabilities: trusted.* attributes and whiteouts are not for everybody.
	upper=$(docker inspect -f '{{.GraphDriver.Data.UpperDir}}' held)
	is y "$(getfattr --only-values -n trusted.overlay.opaque "$upper/home/user/dir")"
	is 'character special file 0 0' "$(stat -c '%F %t %T' "$upper/home/user/gone")"
	id=$(docker inspect -f '{{.Id}}' held)
	is '[]' "$(binding "$id" .capabilities.used)"
	is 0 "$(binding "$id" .counters.denied)"
	# Nor is it learned where everything is allowed.
	policy any 'any: container' all
	outcome 0 docker exec held sh -c 'cd /home/user/later && echo more >>a && rm b && cd .. && rm -r later && mkdir later'
	is y "$(getfattr --only-values -n trusted.overlay.opaque "$upper/home/user/later")"
	is '[]' "$(binding "$id" .capabilities.used)"
	# And what is not overlayfs' is.
	outcome 0 docker exec -u 0 held cat /home/user/own
	is '["DAC_OVERRIDE"]' "$(binding "$id" .capabilities.used)"
}
