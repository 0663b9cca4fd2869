#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Several policies select one subject: the most exact has it; a tie is refused before anything changes, and where it only shows
# on a subject it goes by name, and is told.

load common

DIR=/tmp/ties

setup_file() {
	load common
	mkdir -p $CG/ties/web-web $DIR
	fresh_daemon
}
teardown_file() {
	load common
	stop_daemon
	rm -rf $DIR
	forget_services tie-a.service
	rmdir $CG/ties/web-web $CG/ties
}
setup() { mark; }
teardown() {
	drop one two
	rm -f "$POLICIES"/*.yaml
	api POST /v1/reload
}

# form FILE NAME SELECTOR CAPABILITIES
form() {
	printf 'policies:\n  - name: %s\n    select: [%s]\n    capabilities: %s\n' "$2" "$3" "$4" >"$1"
}
owner() { leastcap status --json "$1" | jq -r '.bindings[0].policy'; }
problems() { leastcap status --json | jq -c '[.problems[] | [.file, .line, .column]]'; }
metric() { api GET /metrics | sed -n 's/^leastcap_tied_subjects //p'; }

@test "the more exact pattern has the subject, whatever comes first" {
	form $POLICIES/a.yaml wide 'cgroup: "/ties/web-*"' none
	form $POLICIES/b.yaml exact 'cgroup: "/ties/web-w*"' all
	api POST /v1/reload
	is exact "$(owner /ties/web-web)"
	outcome 0 inside /ties/web-web $PROBE sethostname
	form $POLICIES/c.yaml name 'cgroup: "/ties/web-web"' none
	api POST /v1/reload
	is name "$(owner /ties/web-web)"
	outcome 1 inside /ties/web-web $PROBE sethostname
	denied SYS_ADMIN '.policy == "name"'
}

@test "a tie of files is an error of check, and a reload with it changes nothing" {
	form $POLICIES/a.yaml one 'cgroup: "/ties/web-*"' none
	form $DIR/b.yaml two 'cgroup: "/ties/*-web"' all
	run -0 leastcap check $DIR/b.yaml
	run -1 leastcap check $POLICIES/a.yaml $DIR/b.yaml
	[[ $output == *"$DIR/b.yaml:3:22: error: policies \"one\" and \"two\" both select what fits "*"; the first is at $POLICIES/a.yaml:3:22"* ]]
	api POST /v1/reload
	outcome 1 inside /ties/web-web $PROBE sethostname
	cp $DIR/b.yaml $POLICIES/b.yaml
	form $POLICIES/c.yaml third 'cgroup: /ties' all
	is 409 "$(api POST /v1/reload | tail -n 1)"
	is "[[\"$POLICIES/b.yaml\",3,22]]" "$(problems)"
	is '["one"]' "$(leastcap list --json | jq -c '[.policies[].name]')"
	outcome 1 inside /ties/web-web $PROBE sethostname
	# Written more exactly it is taken, and all that waited with it.
	form $POLICIES/b.yaml two 'cgroup: "/ties/web*-web"' all
	api POST /v1/reload
	is '[]' "$(problems)"
	is two "$(owner /ties/web-web)"
	outcome 0 inside /ties/web-web $PROBE sethostname
	is third "$(owner /ties)"
}

@test "a name in two files is an error of check, and the daemon leaves out the later file" {
	form $POLICIES/a.yaml one 'cgroup: /ties' none
	form $POLICIES/b.yaml one 'cgroup: /ties/web-web' all
	run -0 leastcap check $POLICIES/a.yaml
	run -0 leastcap check $POLICIES/b.yaml
	run -1 leastcap check $POLICIES/a.yaml $POLICIES/b.yaml
	[[ $output == *"$POLICIES/b.yaml:2:11: error: policy \"one\" is defined at $POLICIES/a.yaml:2:11 already; this file is left out"* ]]
	api POST /v1/reload
	is "[[\"$POLICIES/b.yaml\",2,11]]" "$(problems)"
	outcome 1 inside /ties/web-web $PROBE sethostname
}

@test "a daemon that starts with a tie goes by name, and says so" {
	form $POLICIES/a.yaml two 'cgroup: "/ties/web-*"' all
	form $POLICIES/b.yaml one 'cgroup: "/ties/*-web"' none
	systemctl stop leastcapd
	leastcap unload >/dev/null
	systemctl start leastcapd
	is one "$(owner /ties/web-web)"
	outcome 1 inside /ties/web-web $PROBE sethostname
	denied SYS_ADMIN '.policy == "one"'
	leastcap status --json | jq -e --arg file $POLICIES/b.yaml '.problems[] | select(.file == $file and .line == 3)'
}

@test "apply, --dry-run and promote refuse a tie, with both places" {
	form $POLICIES/a.yaml one 'cgroup: "/ties/web-*"' none
	api POST /v1/reload
	form $DIR/b.yaml two 'cgroup: "/ties/*-web"' all
	run -1 leastcap apply $DIR/b.yaml
	[[ $output == *"$DIR/b.yaml:3:22: error: policies "*"policy \"one\" is at $POLICIES/a.yaml:3:22"* ]]
	is '["one"]' "$(leastcap list --json | jq -c '[.policies[].name]')"
	run -1 leastcap apply --dry-run $DIR/b.yaml
	[[ $output == *"policy \"one\" is at $POLICIES/a.yaml:3:22"* ]]
	# A shadow takes nobody's subject before it is promoted.
	leastcap apply --shadow $DIR/b.yaml
	run -1 leastcap promote two
	[[ $output == *"error: policies "*"policy \"one\" is at $POLICIES/a.yaml:3:22"* ]]
	is '[true]' "$(leastcap list --json | jq -c '[.policies[] | select(.name == "two") | .mode_by == "shadow"]')"
	leastcap remove --shadow two
	[ ! -e /var/lib/leastcap/applied/two.yaml ]
	is one "$(owner /ties/web-web)"
	outcome 1 inside /ties/web-web $PROBE sethostname
}

@test "a tie that only shows on a subject goes by name: log, status, event and metric" {
	service tie-a.service <<-END
		[Service]
		ExecStart=/bin/sleep infinity
		[Install]
		Alias=tie-b.service
	END
	systemctl enable --now tie-a.service
	is 0 "$(metric)"
	# Two names of one unit: that is known to systemd alone.
	form $POLICIES/a.yaml two 'unit: tie-a.service' all
	form $POLICIES/b.yaml one 'unit: tie-b.service' none
	api POST /v1/reload
	is one "$(owner /system.slice/tie-a.service)"
	outcome 1 inside /system.slice/tie-a.service $PROBE sethostname
	denied SYS_ADMIN '.policy == "one"'
	expect_event '.type == "policy" and .action == "tied" and .policy == "two" and .winner == "one" and .cgroup == "/system.slice/tie-a.service" and .subjects == 1'
	is "[[\"$POLICIES/a.yaml\",3,20]]" "$(problems)"
	is 1 "$(metric)"
	journalctl -u leastcapd -n 50 | grep -F "$POLICIES/a.yaml:3:20: policy \"two\" selects a subject that is there as exactly as policy \"one\" (at $POLICIES/b.yaml:3:20), which has it by its name"
	# Once.
	mark
	api POST /v1/reload
	is '' "$(events '.action == "tied"')"
	# Applying such a policy is refused.
	rm $POLICIES/b.yaml
	api POST /v1/reload
	is two "$(owner /system.slice/tie-a.service)"
	is 0 "$(metric)"
	run -1 policy one 'unit: tie-b.service' none
	[[ $output == *"as exactly as policy \"two\" (at $POLICIES/a.yaml:3:20)"* ]]
	is two "$(owner /system.slice/tie-a.service)"
	systemctl disable --now tie-a.service
}
