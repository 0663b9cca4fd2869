#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# leastcap show: what a subject may do in the end, and where that is written.

load common

DIR=/tmp/show

setup_file() {
	load common
	mkdir -p $CG/c/below $CG/free $DIR
	fresh_daemon
}
teardown_file() {
	load common
	stop_daemon
	rm -rf $DIR
	remove_cgroups c/below c free
}
teardown() {
	drop below lists
	rm -f "$POLICIES"/*.yaml
	api POST /v1/reload
}

# form NAME CGROUP CAPABILITIES [MODE] [MORE]: the policy file $DIR/NAME.yaml.
form() {
	printf 'policies:\n  - name: %s\n    select:\n      - cgroup: %s\n    mode: %s\n    capabilities: %s\n%s' \
		"$1" "$2" "${4:-enforce}" "$3" "${5:+    $5$'\n'}" >$DIR/"$1".yaml
}

@test "show says what holds in the end, and where it is written" {
	local answer
	form c /c '[SYS_CHROOT, SYS_ADMIN, CHOWN]' enforce 'mounts: deny'
	cp $DIR/c.yaml "$POLICIES/c.yaml"
	api POST /v1/reload
	form below /c/below '[SYS_CHROOT, CHOWN, KILL]'
	leastcap apply $DIR/below.yaml
	answer=$(leastcap show --json /c/below)
	is '["/c","/c/below"]' "$(jq -c '[.bindings[].cgroup]' <<<"$answer")"
	is '["CHOWN","SYS_CHROOT"]' "$(jq -c '[.capabilities[].name]' <<<"$answer")"
	is "[\"c\",\"$POLICIES/c.yaml\",6]" "$(jq -c '.capabilities[0].from[0] | [.policy, .file, .line]' <<<"$answer")"
	is "[\"below\",\"$DIR/below.yaml\",6,32]" \
		"$(jq -c '.capabilities[0].from[1] | [.policy, .file, .line, .column]' <<<"$answer")"
	is "[\"deny\",\"c\",7]" "$(jq -c '.rules[] | select(.rule == "mounts") | [.verdict, .from[0].policy, .from[0].line]' <<<"$answer")"
	is allow "$(jq -r '.rules[] | select(.rule == "bpf") | .verdict' <<<"$answer")"
	run -0 leastcap show /c/below
	[[ $output == *"SYS_CHROOT"*"c.yaml:6:"* ]]
	run -1 leastcap show /nowhere
	run -0 leastcap show /free
	[[ $output == *"it is free"* ]]
}

@test "entries of lists are shown, each with its place" {
	cat >$POLICIES/lists.yaml <<-END
		policies:
		  - name: lists
		    select: [{ cgroup: /c }]
		    capabilities: all
		    sockets:
		      host-unix: { default: deny, allow: [/run/a.sock, "@b"] }
		      connect: { default: allow, deny: [10.0.0.0/8, "127.0.0.1:2375"] }
		    filesystems: { deny: [debugfs], read-only: [proc, sysfs] }
	END
	api POST /v1/reload
	run -0 leastcap show /c
	echo "$output" | grep -Ex " +allow +/run/a.sock +lists \($POLICIES/lists.yaml:6:43\)"
	echo "$output" | grep -Ex " +allow +@b +lists \($POLICIES/lists.yaml:6:56\)"
	echo "$output" | grep -Ex " +deny +\(all others\) +lists \($POLICIES/lists.yaml:6:7\)"
	echo "$output" | grep -Ex " +deny +10.0.0.0/8 +lists \($POLICIES/lists.yaml:7:41\)"
	echo "$output" | grep -Ex " +deny +127.0.0.1/32:2375 +lists \($POLICIES/lists.yaml:7:53\)"
	echo "$output" | grep -Ex " +read-only +sysfs +lists \($POLICIES/lists.yaml:8:55\)"
	is '["debugfs"]' "$(leastcap show --json /c | jq -c '.rules[] | select(.rule == "filesystems") | .from[0].written.deny')"
	is null "$(leastcap show --json /c | jq -c .container)"
}

# place_of CAPABILITY: what show says of where it comes from.
place_of() { leastcap show /c | sed -n "s/^  $1 *//p"; }

@test "capabilities are shown with their places: in lists, by bases and defaults, and all the same after a restart" {
	local place
	mkdir -p $POLICIES/common
	printf 'bases:\n  web: [CHOWN]\n' >$POLICIES/common/bases.yaml
	cat >$POLICIES/c.yaml <<-END
		include: [common/bases.yaml]
		policies:
		  - name: c
		    select: [{ cgroup: /c }]
		    capabilities: { base: web, add: [KILL] }
	END
	api POST /v1/reload
	is "c ($POLICIES/c.yaml:5:27) base web ($POLICIES/common/bases.yaml:2:3)" "$(place_of CHOWN)"
	is "c ($POLICIES/c.yaml:5:38)" "$(place_of KILL)"
	cat >$POLICIES/c.yaml <<-END
		defaults:
		  capabilities: { base: restricted }
		policies: [{ name: c, select: [{ cgroup: /c }] }]
	END
	api POST /v1/reload
	is "c ($POLICIES/c.yaml:2:25) base restricted" "$(place_of NET_BIND_SERVICE)"
	rm -r $POLICIES/c.yaml $POLICIES/common
	api POST /v1/reload
	# What was applied is in that file, and then where the daemon has saved it.
	form below /c '[KILL,'$'\n''      CHOWN]'
	leastcap apply $DIR/below.yaml
	is "below ($DIR/below.yaml:7:7)" "$(place_of CHOWN)"
	systemctl restart leastcapd
	place=$(place_of CHOWN)
	[[ $place =~ ^below\ \(/var/lib/leastcap/applied/below.yaml:([0-9]+):([0-9]+)\)$ ]]
	is '"CHOWN"' "$(sed -n "${BASH_REMATCH[1]}p" /var/lib/leastcap/applied/below.yaml | cut -c "${BASH_REMATCH[2]}-" | tr -d ,)"
	# As a shadow, and promoted.
	leastcap remove below
	form below /c '[SETUID]'
	leastcap apply --shadow $DIR/below.yaml
	systemctl restart leastcapd
	leastcap promote below
	[[ $(place_of SETUID) == "below (/var/lib/leastcap/applied/below.yaml:"* ]]
}

is_several() { leastcap show shown 2>&1 | grep -F '"shown" is the name of several containers'; }

@test "a container is shown by its name, if it is one's alone" {
	probe_image
	docker run -d --name shown probe sleep 600
	leastcap apply - <<-'END'
		policies: [{ name: below, select: [{ container: { name: shown } }], capabilities: all }]
	END
	eventually 20 eval '[ "$(leastcap show --json "$(docker inspect -f "{{.Id}}" shown)" | jq -r .container.name)" = shown ]'
	run -0 leastcap show "$(docker inspect -f '{{.Id}}' shown)"
	[[ $output == *$'\ncontainer   shown, image probe'* ]]
	is shown "$(binding "$(docker_cgroup shown)" .name)"
	run -0 leastcap status
	echo "$output" | grep -Ex ' +container +shown'
	is "$(docker_cgroup shown)" "$(leastcap show --json shown | jq -r .cgroup)"
	# A name that is nobody's alone, as the daemon has it, and as bundles have it.
	podman run -d --name shown --network none busybox sleep 600
	eventually 20 is_several
	run -1 leastcap suggest shown
	[[ $output == *"'shown' is the name of several containers, or the beginning of their ids"* ]]
	docker rm -f shown
	eventually 20 eval '[[ $(leastcap show --json shown | jq -r .cgroup) == *libpod-* ]]'
	podman rm -f -t 0 shown
}
