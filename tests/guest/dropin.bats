#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Files of policies count by themselves when they change; and one policy is bound to ten thousand cgroups in one step.

load common

COUNT=10000
EXTRA=/etc/leastcap/extra

setup_file() {
	load common
	fresh_daemon
	mkdir -p $CG/drop $CG/drop2
}
teardown_file() { load common; stop_daemon; rm -rf $EXTRA; }
setup() {
	mark
	CHANGES=$(changes)
}
teardown() {
	mkdir -p $POLICIES
	rm -rf "${POLICIES:?}"/* "${POLICIES:?}"/..[!.]* $EXTRA
	api POST /v1/reload >/dev/null
}

# form FILE NAME CGROUP CAPABILITIES: a policy file, written where it lies.
form() {
	printf 'policies:\n  - name: %s\n    select: [{ cgroup: %s }]\n    capabilities: %s\n' "$2" "$3" "$4" >"$1"
}

# How often the daemon saw that files have changed.
changes() { journalctl -u leastcapd -o cat --no-pager | grep -c 'files of policies have changed' || true; }

# by_files ACTION NAME [MORE]: what the files brought about.
by_files() {
	expect_event ".type == \"policy\" and .action == \"$1\" and .policy == \"$2\" and .by.pid == 0 and .by.comm == \"files\"${3:+ and ($3)}"
}

problems() { leastcap status --json | jq -c '[.problems[] | [.file, .line, .column]]'; }
has_problems() { [ "$(problems)" = "$1" ]; }

@test "a file that is written, changed for the worse, replaced and removed counts by itself" {
	outcome 0 inside /drop $PROBE sethostname
	form $POLICIES/a.yaml drop /drop none
	by_files applied drop '.revision == 1'
	outcome 1 inside /drop $PROBE sethostname
	denied SYS_ADMIN '.policy == "drop"'
	# With a mistake nothing is loosened, and it is told.
	form $POLICIES/a.yaml drop /drop '[SYS_ADMN]'
	eventually 20 has_problems "[[\"$POLICIES/a.yaml\",4,20]]"
	outcome 1 inside /drop $PROBE sethostname
	# As editors do it: written beside, and put in its place.
	form $POLICIES/.a.yaml.new drop /drop '[SYS_ADMIN]'
	mv $POLICIES/.a.yaml.new $POLICIES/a.yaml
	by_files applied drop '.revision == 2'
	has_problems '[]'
	outcome 0 inside /drop $PROBE sethostname
	form $POLICIES/a.yaml drop /drop none
	by_files applied drop '.revision == 3'
	mark
	rm $POLICIES/a.yaml
	by_files removed drop
	outcome 0 inside /drop $PROBE sethostname
}

@test "what is no policy file, and a reload by hand right after a write, bring no second reload" {
	local pid
	pid=$(systemctl show -P MainPID leastcapd)
	touch $POLICIES/.a.yaml.swp $POLICIES/a.yaml~ $POLICIES/4913 $POLICIES/.#a.yaml
	rm $POLICIES/4913
	form $POLICIES/a.yaml drop /drop none
	kill -HUP "$pid"
	# The same content once more.
	cp $POLICIES/a.yaml $POLICIES/.b
	mv $POLICIES/.b $POLICIES/a.yaml
	sleep 1.5
	is 1 "$(events '.type == "policy"' | wc -l)"
	is 0 "$(events '.type == "policy" and .by.comm == "files"' | wc -l)"
	is "$CHANGES" "$(changes)"
	outcome 1 inside /drop $PROBE sethostname
}

@test "a ConfigMap is swapped as a whole" {
	mkdir $POLICIES/..1 $POLICIES/..2
	form $POLICIES/..1/a.yaml drop /drop none
	form $POLICIES/..1/b.yaml drop2 /drop2 none
	form $POLICIES/..2/a.yaml drop /drop2 none
	form $POLICIES/..2/b.yaml drop2 /drop none
	ln -s ..1 $POLICIES/..data
	ln -s ..data/a.yaml $POLICIES/a.yaml
	ln -s ..data/b.yaml $POLICIES/b.yaml
	by_files applied drop
	by_files applied drop2
	is '[["/drop","drop"],["/drop2","drop2"]]' \
		"$(leastcap status --json | jq -c '[.bindings[] | [.cgroup, .policy]] | sort')"
	CHANGES=$(changes)
	ln -s ..2 $POLICIES/..data_tmp
	mv -T $POLICIES/..data_tmp $POLICIES/..data
	within 20 eval '[ "$(changes)" != "$CHANGES" ]'
	rm -r $POLICIES/..1
	sleep 1
	is '[["/drop","drop2"],["/drop2","drop"]]' \
		"$(leastcap status --json | jq -c '[.bindings[] | [.cgroup, .policy]] | sort')"
	is $((CHANGES + 1)) "$(changes)"
}

@test "a name that leads to no file keeps what it had; one that is gone leaves nothing behind" {
	mkdir $EXTRA
	form $EXTRA/far.yaml drop /drop none
	ln -s $EXTRA/far.yaml $POLICIES/a.yaml
	by_files applied drop
	rm $EXTRA/far.yaml
	eventually 20 has_problems "[[\"$POLICIES/a.yaml\",0,0]]"
	outcome 1 inside /drop $PROBE sethostname
	denied SYS_ADMIN '.policy == "drop"'
	# What it leads to comes again.
	mark
	form $EXTRA/far.yaml drop /drop '[SYS_ADMIN]'
	by_files applied drop
	has_problems '[]'
	outcome 0 inside /drop $PROBE sethostname
	form $EXTRA/far.yaml drop /drop none
	eventually 20 outcome 1 inside /drop $PROBE sethostname
	# A folder is no file, either.
	rm $POLICIES/a.yaml
	by_files removed drop
	outcome 0 inside /drop $PROBE sethostname
	mkdir $POLICIES/a.yaml
	eventually 20 has_problems "[[\"$POLICIES/a.yaml\",0,0]]"
	rmdir $POLICIES/a.yaml
	# What was removed does not come back with a mistake.
	echo 'policies: none' >$POLICIES/a.yaml
	eventually 20 has_problems "[[\"$POLICIES/a.yaml\",1,11]]"
	systemctl restart leastcapd
	is '[]' "$(leastcap list --json | jq -c '[.policies[].name]')"
	outcome 0 inside /drop $PROBE sethostname
}

@test "the folder goes, and comes again" {
	form $POLICIES/a.yaml drop /drop none
	by_files applied drop
	mark
	rm -r $POLICIES
	by_files removed drop
	outcome 0 inside /drop $PROBE sethostname
	mark
	mkdir $POLICIES
	form $POLICIES/a.yaml drop /drop none
	by_files applied drop
	outcome 1 inside /drop $PROBE sethostname
}

@test "what a file includes belongs to it, and is watched" {
	mkdir -p $POLICIES/common
	cat >$POLICIES/a.yaml <<-END
		include: [common/bases.yaml, "$EXTRA/*.yaml"]
		policies:
		  - name: drop
		    select: [{ cgroup: /drop }]
		    capabilities: { base: web }
	END
	eventually 20 has_problems "[[\"$POLICIES/a.yaml\",1,11]]"
	run -1 leastcap check $POLICIES/a.yaml
	[[ $output == "$POLICIES/a.yaml:1:11: error: include: $POLICIES/common/bases.yaml cannot be read: No such file or directory"* ]]
	echo 'bases: { web: [CHOWN] }' >$POLICIES/common/bases.yaml
	by_files applied drop
	outcome 1 inside /drop $PROBE sethostname
	# A folder that comes, with a policy of its own.
	mkdir $EXTRA
	form $EXTRA/b.yaml drop2 /drop2 none
	by_files applied drop2
	outcome 1 inside /drop2 $PROBE sethostname
	is "[\"drop2\",\"$EXTRA/b.yaml\"]" "$(leastcap show --json /drop2 | jq -c '.bindings[0] | [.policy, .file]')"
	# The base changes, and with it the policy.
	mark
	echo 'bases: { web: [CHOWN, SYS_ADMIN] }' >$POLICIES/common/bases.yaml
	by_files applied drop '.old_revision != null'
	outcome 0 inside /drop $PROBE sethostname
	# A mistake in one is told in its place, and changes nothing.
	echo 'bases: { web: [CHWON] }' >$POLICIES/common/bases.yaml
	eventually 20 has_problems "[[\"$POLICIES/common/bases.yaml\",1,16]]"
	outcome 0 inside /drop $PROBE sethostname
	outcome 1 inside /drop2 $PROBE sethostname
}

@test "a policy is bound to $COUNT cgroups in one step, and taken off again" {
	local begin end each
	mkdir $CG/many
	(cd $CG/many && seq $COUNT | sed s/^/n/ | xargs mkdir)
	printf 'policies:\n  - name: many\n    select: [{ cgroup: "/many/n*" }]\n    capabilities: [SYS_CHROOT]\n' >/tmp/many.yaml
	outcome 0 inside /many/n1 $PROBE sethostname
	begin=$(date +%s%N)
	run -0 leastcap apply /tmp/many.yaml
	end=$(date +%s%N)
	echo "# $COUNT bindings applied in $(((end - begin) / 1000000)) ms" >&3
	[[ $output == *" $COUNT subjects" ]]
	for each in 1 $((COUNT / 2)) $COUNT; do
		outcome 1 inside /many/n$each $PROBE sethostname
		outcome 0 inside /many/n$each $PROBE chroot
		denied SYS_ADMIN ".policy == \"many\" and .subject.binding == \"/many/n$each\""
	done
	outcome 0 inside /many $PROBE sethostname
	is $COUNT "$(leastcap list --json | jq '.policies[] | select(.name == "many") | .bindings')"
	if [ -n "${SOAK:-}" ]; then
		begin=$(date +%s%N)
		leastcap status --json >/tmp/many.json
		echo "# status of them in $((($(date +%s%N) - begin) / 1000000)) ms" >&3
		is $COUNT "$(grep -o '"cgroup": *"/many/n[0-9]*"' /tmp/many.json | sort -u | wc -l)"
		is $COUNT "$(grep -o '"policy": *"many"' /tmp/many.json | wc -l)"
	fi
	begin=$(date +%s%N)
	leastcap remove many
	echo "# taken off in $((($(date +%s%N) - begin) / 1000000)) ms" >&3
	for each in 1 $((COUNT / 2)) $COUNT; do
		outcome 0 inside /many/n$each $PROBE sethostname
	done
	is 0 "$(leastcap status --json | jq '.bindings | length')"
	(cd $CG/many && seq $COUNT | sed s/^/n/ | xargs rmdir)
	rmdir $CG/many
	rm /tmp/many.*
}

@test "with --watch=no only a reload counts" {
	sed -i 's,^ExecStart=/usr/sbin/leastcapd.*,& --watch=no,' /etc/systemd/system/leastcapd.service.d/test.conf
	systemctl daemon-reload
	systemctl restart leastcapd
	form $POLICIES/a.yaml drop /drop none
	sleep 1
	is "" "$(events '.type == "policy"')"
	outcome 0 inside /drop $PROBE sethostname
	api POST /v1/reload
	outcome 1 inside /drop $PROBE sethostname
	run -2 leastcapd --watch=maybe
	[[ $output == *"--watch: 'maybe' is neither yes nor no"* ]]
}
