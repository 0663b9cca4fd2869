#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Many containers that come and go at once, of every runtime, while the daemon is killed, restarted and replaced: none is
# ever seen with another's policy.

load common

COUNT=4
[ -z "${SOAK:-}" ] || COUNT=200
AT_ONCE=4
UP=/tmp/crowd

setup_file() {
	load common
	# So many entrypoints take an emulated guest longer to set up than the default allows.
	fresh_daemon --entering-limit 600 --hold-start --hold-limit 60000
	probe_image
	mkdir -p $UP/this
	cp /usr/bin/leastcap /usr/sbin/leastcapd $UP/this/
	ln -sfn "$LEASTCAP_BUILD/next" $UP/next
	cat >$POLICIES/crowd.yaml <<-END
		policies:
		  - name: any
		    select: [any: container]
		    capabilities: none
		  - name: left
		    select: [container: { label: { side: left } }]
		    capabilities: [CHOWN]
		  - name: right
		    select: [container: { label: { side: right } }]
		    capabilities: [SYS_CHROOT]
		  - name: init
		    select: [container: { name: "init-*" }]
		    capabilities: [SETUID]
		  - name: id
		    select: [container: { id: "$(container_id 7)" }]
		    capabilities: [CHOWN]
	END
	api POST /v1/reload >/dev/null
}
teardown_file() {
	load common
	docker ps -aq | xargs -r docker rm -f >/dev/null
	rm -f $POLICIES/crowd.yaml
	stop_daemon
	install_build this
}
setup() { mark; }

install_build() {
	cp $UP/"$1"/leastcapd /usr/sbin/leastcapd.new
	mv /usr/sbin/leastcapd.new /usr/sbin/leastcapd
}

# What a container says of itself with its first instructions.
ASK='probe chown; probe chroot; probe setuid; true'
LEFT='chown: ok chroot: EPERM setuid: EPERM '
RIGHT='chown: EPERM chroot: ok setuid: EPERM '
INIT='chown: EPERM chroot: EPERM setuid: ok '

side() { [ $(($1 % 2)) = 0 ] && echo left || echo right; }

come() {
	docker run -d --name "crowd-$1" --label "side=$(side "$1")" --network none probe sh -c "$ASK; exec sleep 10000" \
		>"$UP/id.$1"
}

says() { docker logs "crowd-$1" | tr '\n' ' '; }
has_said() { [ "$(docker logs "crowd-$1" | wc -l)" = 3 ]; }

# crowd FUNCTION: for each of COUNT containers, some of which come while others go.
crowd() {
	local first n last coming going=()
	for ((first = 1; first <= COUNT; first += AT_ONCE)); do
		last=$((first + AT_ONCE - 1 < COUNT ? first + AT_ONCE - 1 : COUNT)) coming=()
		for ((n = first; n <= last; n++)); do
			come "$n" 3>&- &
			coming+=($!)
		done
		wait "${coming[@]}" ${going[@]+"${going[@]}"}
		going=()
		for ((n = first; n <= last; n++)); do
			within 60 has_said "$n"
			"$1" "$n"
		done
		for ((n = first; n <= last; n++)); do
			docker rm -f "crowd-$n" >/dev/null 3>&- &
			going+=($!)
		done
	done
	wait "${going[@]}"
}

# nobody_elses POLICY: every refusal was by the policy of its container, or by that one.
nobody_elses() {
	local allowed=$1 n
	for ((n = 1; n <= COUNT; n++)); do
		printf '%s %s\n' "$(cat "$UP/id.$n")" "$(side "$n")"
	done >$UP/sides
	events '.type == "denied"' | jq -r '"\(.subject.container) \(.policy)"' | sort -u >$UP/denied
	awk -v allowed="$allowed" 'NR == FNR { side[$1] = $2; next } $2 != side[$1] && $2 != allowed { print; wrong = 1 }
		END { exit wrong }' $UP/sides $UP/denied
}

exact() {
	case $(side "$1") in
	left) is "$LEFT" "$(says "$1")" ;;
	right) is "$RIGHT" "$(says "$1")" ;;
	esac
}

@test "many containers at once: each is held by its own policy from the first instruction" {
	crowd exact
	nobody_elses none
	is "$COUNT" "$(awk '{ print $1 }' $UP/denied | sort -u | wc -l)"
	is 0 "$(leastcap status --json | jq .losses.hold)"
}

# Where nobody could hold it, it is covered by the policy for any container until its own comes. Never by another's.
safe() {
	local said
	said=$(says "$1")
	case $(side "$1") in
	left) [[ $said =~ ^'chown: '(ok|EPERM)' chroot: EPERM setuid: EPERM '$ ]] ;;
	right) [[ $said =~ ^'chown: EPERM chroot: '(ok|EPERM)' setuid: EPERM '$ ]] ;;
	esac || {
		echo "crowd-$1, $(side "$1"): $said"
		return 1
	}
	within 60 own_policy "$1"
}

own_policy() { [ "$(leastcap status --json "$(cat "$UP/id.$1")" 2>/dev/null | jq -r '.bindings[0].policy')" = "$(side "$1")" ]; }

# Killed, restarted, replaced by a newer build and by the older one, until the file is gone.
disturb() {
	local n=0 build=this
	while [ -e $UP/disturb ]; do
		n=$((n + 1))
		case $((n % 3)) in
		0) systemctl kill -s KILL leastcapd ;;
		1) systemctl restart leastcapd ;;
		2)
			[ $build = next ] && build=this || build=next
			install_build $build
			systemctl restart leastcapd
			;;
		esac
		echo $n >$UP/disturbed
		sleep $((n % 4 + 3))
	done
}

@test "the same while the daemon is killed, restarted and replaced" {
	touch $UP/disturb
	disturb >/dev/null 2>&1 3>&- &
	local disturber=$!
	crowd safe
	# Each way at least once.
	within 120 eval '[ "$(cat $UP/disturbed)" -ge 3 ]'
	rm $UP/disturb
	wait $disturber
	echo "# the daemon was disturbed $(cat $UP/disturbed) times while $COUNT containers came and went" >&3
	within 60 systemctl is-active -q leastcapd
	nobody_elses any
	install_build this
	systemctl restart leastcapd
}

@test "containers that live for a moment, by their name" {
	local n
	for n in 1 2 3; do
		is "$INIT" "$(docker run --rm --name "init-$n" --network none probe sh -c "$ASK" | tr '\n' ' ')"
	done
	is '["init"]' "$(events '.type == "denied"' | jq -sc 'map(.policy) | unique')"
	# The same with nobody to tell who it is: the policy for any container.
	systemctl stop leastcapd
	is 'chown: EPERM chroot: EPERM setuid: EPERM ' \
		"$(docker run --rm --name init-4 --network none probe sh -c "$ASK" | tr '\n' ' ')"
	systemctl start leastcapd
}

@test "crun, Podman and containerd: their containers are held until their own policy is bound, too" {
	is "$LEFT" "$(docker run --rm --runtime crun --label side=left --network none probe sh -c "$ASK" | tr '\n' ' ')"
	is "$INIT" "$(podman run --rm --name init-5 --network none -v "$PROBES:/probes:ro" -e PATH=/probes:/bin busybox \
		sh -c "$ASK" | tr '\n' ' ')"
	bundle /var/tmp/crowd /unused '[]' none
	is "$LEFT" "$(ctr run --rm --env PATH=/bin --rootfs /var/tmp/rootfs "$(container_id 7)" sh -c "$ASK" | tr '\n' ' ')"
}

# Nobody makes them wait for their own policy: until it comes the one for any container is theirs, from their birth on.
@test "containers that live for a moment, and nothing is held: none is ever without a policy" {
	local n run=(docker run --rm --network none --cap-add SYS_ADMIN --security-opt seccomp=unconfined)
	sed -i 's/ --hold-start --hold-limit [0-9]*//' /etc/systemd/system/leastcapd.service.d/test.conf
	systemctl daemon-reload
	systemctl restart leastcapd
	is false "$(leastcap status --json | jq .hold.on)"
	mark
	for ((n = 1; n <= COUNT + 2; n++)); do
		outcome 1 "${run[@]}" --name "moment-$n" --label "side=$(side "$n")" probe first
	done
	is "$((COUNT + 2))" "$(events '.type == "denied" and .item == "SYS_ADMIN"' | jq -r .subject.container | sort -u | wc -l)"
	is '[]' "$(events '.type == "denied"' | jq -sc '[.[].policy] | unique - ["any", "left", "right"]')"
	# Without leastcap it is allowed to all.
	stop_daemon
	outcome 0 "${run[@]}" --name moment-0 --label side=left probe first
	systemctl start leastcapd
}
