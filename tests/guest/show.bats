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
	rmdir $CG/c/below $CG/c $CG/free
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
	is '["below","api"]' "$(jq -c '.capabilities[0].from[1] | [.policy, .file]' <<<"$answer")"
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
	echo "$output" | grep -Ex " +allow +/run/a.sock +lists \($POLICIES/lists.yaml:6:7\)"
	echo "$output" | grep -Ex " +allow +@b +lists \($POLICIES/lists.yaml:6:7\)"
	echo "$output" | grep -Ex ' +deny +\(all others\) +lists'
	echo "$output" | grep -Ex " +deny +10.0.0.0/8 +lists \($POLICIES/lists.yaml:7:7\)"
	echo "$output" | grep -Ex " +deny +127.0.0.1/32:2375 +lists \($POLICIES/lists.yaml:7:7\)"
	echo "$output" | grep -Ex " +read-only +sysfs +lists \($POLICIES/lists.yaml:8:5\)"
	is '["debugfs"]' "$(leastcap show --json /c | jq -c '.rules[] | select(.rule == "filesystems") | .from[0].written.deny')"
	is null "$(leastcap show --json /c | jq -c .container)"
}

@test "a container is shown by its name" {
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
	docker rm -f shown
}
