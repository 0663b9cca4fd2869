#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Files of policies count by themselves when they change; and one policy is bound to ten thousand cgroups in one step, to a
# hundred thousand in the long form.

load common

COUNT=10000
[ -z "${SOAK:-}" ] || COUNT=100000
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

# took WHAT COMMAND...: its time as a line for reading.
took() {
	local begin=$EPOCHREALTIME
	"${@:2}" || return
	echo "# $COUNT cgroups: $1 in $(((${EPOCHREALTIME/./} - ${begin/./}) / 1000)) ms" >&3
}

# many CAPABILITIES: the policy of all of them.
many() {
	printf 'policies:\n  - name: many\n    select: [{ cgroup: "/many/n*" }]\n    capabilities: %s\n' "$1" >/tmp/many.yaml
	leastcap apply /tmp/many.yaml >/tmp/many.said
	grep -q " $COUNT subjects\$" /tmp/many.said
}

# Kernel memory without what the kernel takes back when it needs it. The maps are charged to the first daemon's cgroup: that is gone,
# and its parent has taken over.
kept() { awk '$1 == "kernel" { n += $2 } $1 == "slab_reclaimable" { n -= $2 } END { print n }' $CG/system.slice/memory.stat; }

# on_many STATUS STATUS: how sethostname and chroot end in the first, the middle and the last of them.
on_many() {
	local each
	for each in 1 $((COUNT / 2)) $COUNT; do
		outcome "$1" inside /many/n$each $PROBE sethostname
		outcome "$2" inside /many/n$each $PROBE chroot
	done
}

# A child of the daemon answers who asks for the status: all of it, and nothing of it in the daemon.
asides() { pgrep -x leastcapd-aside | wc -l; }
has_asides() { [ "$(asides)" -eq "$1" ]; }
resident() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$(systemctl show -P MainPID leastcapd)/status"; }

# As many wait for the status as may, and get none.
all_stopped() {
	pkill -STOP -x leastcapd-aside
	has_asides 16
}
sixteen_wait() {
	local i
	WAITING=()
	for i in {1..16}; do
		api GET /v1/status --max-time 600 >/tmp/many.said.$i 3>&- &
		WAITING+=($!)
	done
	within 60 all_stopped
	pkill -STOP -x leastcapd-aside
}

meanwhile() {
	local i asking before
	before=$(resident)
	leastcap status --json >/tmp/many.json &
	asking=$!
	within 20 has_asides 1
	# Nobody else waits for that, and refusals are told.
	outcome 1 inside /many/n2 $PROBE sethostname
	denied SYS_ADMIN '.policy == "many" and .subject.binding == "/many/n2"'
	is 1 "$(leastcap list --json | jq '[.policies[] | select(.name == "many")] | length')"
	kill -0 "$asking"
	has_asides 1
	wait "$asking"
	is $COUNT "$(grep -o '"cgroup": *"/many/n[0-9]*"' /tmp/many.json | sort -u | wc -l)"
	[ "$(resident)" -lt $((before + 2048)) ]
	# One huge page would be as much, where it happens to fit.
	is 0 "$(awk '$1 == "THP_enabled:" { print $2 }' "/proc/$(systemctl show -P MainPID leastcapd)/status")"
	# Who does not wait any longer has no child.
	leastcap status --json >/tmp/many.json 2>&1 &
	asking=$!
	within 20 has_asides 1
	pkill -STOP -x leastcapd-aside
	kill "$asking"
	wait "$asking" || true
	within 20 has_asides 0
	# As many as there may be, and one more.
	sixteen_wait
	run -0 api GET /v1/status
	[[ $output == *'16 clients wait for the status already'*503 ]]
	run -1 leastcap status
	[[ $output == *'16 clients wait for the status already'* ]]
	# A child that is killed, as by a host without memory, is told, and is all that ends.
	pkill -KILL -x leastcapd-aside
	wait "${WAITING[@]}"
	for i in {1..16}; do
		is "{\"error\":\"the answer could not be made, see leastcapd's log\"} 500" "$(xargs </tmp/many.said.$i -0 printf %s | paste -sd' ')"
	done
	journalctl -u leastcapd -o cat --no-pager | grep -q 'a request was not answered: the child for it has ended before'
	# It keeps nobody from ending.
	api GET /v1/status --max-time 600 >/tmp/many.said 3>&- &
	asking=$!
	within 20 has_asides 1
	pkill -STOP -x leastcapd-aside
}

bound() { leastcap list --json | jq -c '.policies[] | select(.name == "many") | [.bindings, .revision]'; }

@test "a policy is bound to $COUNT cgroups in one step, kept over a restart, replaced, and taken off again" {
	local each memory asking=()
	mkdir $CG/many
	(cd $CG/many && seq $COUNT | sed s/^/n/ | xargs mkdir)
	on_many 0 0
	memory=$(kept)
	took applied many '[SYS_CHROOT]'
	memory=$((($(kept) - memory) / COUNT))
	echo "# $COUNT cgroups: $memory bytes of kernel memory for a binding" >&3
	[ $memory -gt 100 ]
	# Fewer than that are not enough for what else goes on there.
	[ -z "${SOAK:-}" ] || [ $memory -le 300 ]
	on_many 1 0
	for each in 1 $((COUNT / 2)) $COUNT; do
		denied SYS_ADMIN ".policy == \"many\" and .subject.binding == \"/many/n$each\""
	done
	outcome 0 inside /many $PROBE sethostname
	is "[$COUNT,1]" "$(bound)"
	each=$(systemctl show -P MainPID leastcapd)
	took "in the status" leastcap status --json >/tmp/many.json
	is $COUNT "$(grep -o '"cgroup": *"/many/n[0-9]*"' /tmp/many.json | sort -u | wc -l)"
	is $COUNT "$(grep -o '"policy": *"many"' /tmp/many.json | wc -l)"
	meanwhile
	# However long it takes, systemd's watchdog has not ended the daemon.
	is "$each" "$(systemctl show -P MainPID leastcapd)"
	# Two of them ask all the time while the daemon ends and starts.
	: >/tmp/many.on
	for each in $((COUNT / 2)) $COUNT; do
		# shellcheck disable=SC2016 # the shell there expands it
		inside /many/n$each sh -c 'while [ -e /tmp/many.on ]; do "$0" sethostname; sleep 0.1; done' $PROBE >/tmp/many.$each 2>&1 3>&- &
		asking+=($!)
	done
	mark
	took "adopted by a daemon that starts" systemctl restart leastcapd
	is "[$COUNT,1]" "$(bound)"
	has_asides 0
	rm /tmp/many.on
	wait "${asking[@]}" || true
	for each in $((COUNT / 2)) $COUNT; do
		[ "$(wc -l </tmp/many.$each)" -gt 1 ]
		is 'sethostname: EPERM' "$(sort -u /tmp/many.$each)"
	done
	# Bound anew it would have no count of before.
	[ "$(binding /many/n1 .counters.denied)" -ge 1 ]
	is "" "$(events '.type == "unbound" or (.type == "policy" and .revision != .old_revision)')"
	took replaced many '[SYS_ADMIN]'
	on_many 0 1
	is "[$COUNT,2]" "$(bound)"
	took "taken off" leastcap remove many
	on_many 0 0
	is 0 "$(leastcap status --json | jq '.bindings | length')"
}

@test "an unload of $COUNT bindings waits for nobody, and another daemon may start at once" {
	many '[SYS_CHROOT]'
	on_many 1 0
	sixteen_wait
	took unloaded leastcap unload >/tmp/many.unloaded 2>&1
	flock -n /run/leastcap/leastcapd.lock true
	is "leastcap: cannot tell what is bound, ignoring
removed: programs, maps and all bindings
nothing is enforced any more" "$(cat /tmp/many.unloaded)"
	on_many 0 0
	wait "${WAITING[@]}" || true
	has_asides 0
	# What is saved is in force again, and all is told once more.
	systemctl start leastcapd
	on_many 1 0
	leastcap unload --json >/tmp/many.json 2>/tmp/many.said
	flock -n /run/leastcap/leastcapd.lock true
	# A list of so many is not waited for.
	[ -z "${SOAK:-}" ] || COUNT=null
	is "[true,true,$COUNT]" "$(jq -c '[.unloaded, .daemon_ended, (.bindings | if . then length else . end)]' /tmp/many.json)"
	outcome 0 inside /many/n1 $PROBE sethostname
	systemctl start leastcapd
	leastcap remove many
	find $CG/many -mindepth 1 -type d -exec rmdir {} +
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
