#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The daemon is stopped, killed, replaced by a newer build: there is no moment without enforcement, and nothing is
# counted twice.

load common

PINS=/sys/fs/bpf/leastcap
UP=/tmp/up

setup_file() {
	load common
	mkdir -p $CG/up $CG/other $CG/boxes $UP/this /etc/systemd/system/leastcapd.service.d
	cp /usr/bin/leastcap /usr/sbin/leastcapd $UP/this/
	ln -sfn "$LEASTCAP_BUILD/next" $UP/next
	ln -sfn "$LEASTCAP_BUILD/other" $UP/other
	# Dead is dead: the tests start it again.
	printf '[Service]\nRestart=no\n' >/etc/systemd/system/leastcapd.service.d/dead.conf
	fresh_daemon
}
teardown_file() {
	load common
	stop_daemon
	install_build this
	rm -rf /etc/systemd/system/leastcapd.service.d/{dead,watchdog}.conf $UP
	systemctl daemon-reload
}
setup() { mark; }
teardown() {
	rm -f $UP/spin
	systemctl start leastcapd
	drop up other any late
	install_build this
}

# Puts the programs of a build in the place of those that are there, as a package does.
install_build() {
	local program
	for program in bin/leastcap sbin/leastcapd; do
		cp $UP/"$1/${program#*/}" /usr/$program.new
		mv /usr/$program.new /usr/$program
	done
}

kill_daemon() {
	systemctl kill -s KILL leastcapd
	eventually 10 dead
}

dead() { [ "$(systemctl is-active leastcapd)" != active ]; }

# Two processes in /up that ask for SYS_ADMIN without a pause, until spun.
spin() {
	touch $UP/spin
	inside /up $PROBE watch $UP/spin sethostname >$UP/1 &
	SPIN1=$!
	inside /up $PROBE watch $UP/spin sethostname >$UP/2 &
	SPIN2=$!
}

# spun [MORE]: ends them: not one was allowed, and the daemon's counter has all, each once, and as many as came from others.
spun() {
	local refused
	rm $UP/spin
	wait $SPIN1 $SPIN2
	is "sethostname=allowed 0" "$(awk '$1 ~ /allowed/ { n += $2 } END { print "sethostname=allowed", n + 0 }' $UP/1 $UP/2)"
	refused=$(awk '$1 ~ /refused/ { n += $2 } END { print n }' $UP/1 $UP/2)
	[ "$refused" -gt 1000 ]
	is "$((refused + ${1:-0}))" "$(binding /up .counters.denied)"
}

builds() { ls $PINS/v* | grep build-; }

@test "killed and started again: never a moment without enforcement, no refusal counted twice" {
	outcome 0 inside /up $PROBE sethostname
	policy up 'cgroup: /up' none
	spin
	expect_event '.type == "denied" and .subject.binding == "/up"'
	kill_daemon
	sleep 0.5
	systemctl start leastcapd
	kill_daemon
	systemctl start leastcapd
	mark
	denied SYS_ADMIN '.policy == "up"'
	spun
	is 1 "$(binding /up .revision)"
}

restarted() { [ "$(systemctl show -P NRestarts leastcapd)" = 1 ] && systemctl is-active leastcapd; }

@test "a daemon that stands still is ended by systemd's watchdog and started again: the same" {
	local drop_in=/etc/systemd/system/leastcapd.service.d/watchdog.conf
	outcome 0 inside /up $PROBE sethostname
	policy up 'cgroup: /up' none
	# It sorts behind dead.conf.
	printf '[Service]\nRestart=on-failure\nRestartSec=1\nWatchdogSec=8\n' >$drop_in
	systemctl daemon-reload
	systemctl restart leastcapd
	spin
	systemctl kill --kill-who main -s STOP leastcapd
	# Nobody reads what is reported, and it is refused all the same.
	outcome 1 inside /up $PROBE sethostname
	eventually 60 restarted
	journalctl --since -2min -u leastcapd -o cat | grep -q 'Watchdog timeout'
	mark
	denied SYS_ADMIN '.policy == "up"'
	rm $drop_in
	systemctl daemon-reload
	spun 1
}

@test "a newer build takes over, and the older one again: the same" {
	local this next
	outcome 0 inside /up $PROBE sethostname
	policy up 'cgroup: /up' none
	this=$(builds)
	is "build-$(leastcap status --json | jq -r .build)" "$this"
	spin
	install_build next
	systemctl restart leastcapd
	next=$(builds)
	[ "$next" != "$this" ]
	is 1 "$(builds | wc -l)"
	is "build-$(leastcap status --json | jq -r .build)" "$next"
	is true "$(leastcap status --json | jq .enforcing)"
	mark
	denied SYS_ADMIN '.policy == "up"'
	# The older one, and killed in between.
	kill_daemon
	install_build this
	systemctl start leastcapd
	is "$this" "$(builds)"
	spun
	is 1 "$(binding /up .revision)"
}

@test "a build with another layout of its maps takes over: the old set holds until the new one does" {
	local own
	own=$(ls -d $PINS/v*)
	outcome 0 inside /up $PROBE sethostname
	policy up 'cgroup: /up' none
	touch $UP/spin
	inside /up $PROBE watch $UP/spin sethostname >$UP/1 &
	SPIN1=$!
	kill_daemon
	install_build other
	# A command without a daemon comes and goes, and leaves alone what another version holds.
	outcome 0 leastcap run --allow all -- $PROBE sethostname
	is "$own" "$(ls -d $PINS/v*)"
	outcome 1 inside /up $PROBE sethostname
	systemctl start leastcapd
	is "$PINS/v9999" "$(ls -d $PINS/v*)"
	is true "$(leastcap status --json | jq .enforcing)"
	mark
	denied SYS_ADMIN '.policy == "up"'
	rm $UP/spin
	wait $SPIN1
	is 0 "$(awk '$1 ~ /allowed/ { n += $2 } END { print n + 0 }' $UP/1)"
	install_build this
	systemctl restart leastcapd
	is "$own" "$(ls -d $PINS/v*)"
	outcome 1 inside /up $PROBE sethostname
}

@test "what a build has learned and counted is there after the take-over" {
	policy up 'cgroup: /up' $'[SYS_CHROOT]\n    mounts: deny'
	outcome 1 inside /up $PROBE loop 100 sethostname
	outcome 1 inside /up $PROBE loop 30 mount
	outcome 0 inside /up $PROBE loop 100 chroot
	outcome 0 inside /up $PROBE loop 100 listxattr
	install_build next
	systemctl restart leastcapd
	is '[130,0,100]' "$(binding /up '.counters | [.denied, .would_deny, .probe_denied]')"
	is '[100,30]' "$(binding /up '.restrictions | [.capabilities.denied, .mounts.denied]')"
	is '[["SYS_CHROOT"],["SYS_ADMIN"],["SYS_ADMIN"]]' "$(binding /up '.capabilities | [.used, .denied, .probed]')"
	# And it goes on.
	outcome 1 inside /up $PROBE loop 10 sethostname
	outcome 1 inside /up $PROBE mount
	is '[110,31]' "$(binding /up '.restrictions | [.capabilities.denied, .mounts.denied]')"
}

@test "killed in the middle of taking over, again and again" {
	local builds=(next this) i pid took start
	policy up 'cgroup: /up' none
	spin
	# How long it takes whole: the moments to kill are spread over that.
	start=$EPOCHREALTIME
	install_build next
	systemctl restart leastcapd
	took=$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')
	echo "a take-over took $took s"
	systemctl stop leastcapd
	for i in 1 2 3 4 5 6 7 8 9 10; do
		$UP/${builds[i % 2]}/leastcapd >>$UP/log 2>&1 &
		pid=$!
		sleep "$(awk -v t="$took" -v i="$i" 'BEGIN { srand(); print t * (i - 1 + rand()) / 10 }')"
		kill -KILL $pid
		wait $pid || true
		builds
	done
	cat $UP/log
	systemctl start leastcapd
	is 1 "$(builds | wc -l)"
	is "build-$(leastcap status --json | jq -r .build)" "$(builds)"
	is true "$(leastcap status --json | jq .enforcing)"
	spun
	# Of the other builds no program is left: as many as one build has.
	is "$(ls $PINS/v*/build-*/{prog,call}_* | wc -l)" "$(bpftool -j prog | jq '[.[] | select(.name // "" | startswith("lc_"))] | length')"
}

@test "a container born while the daemon is dead is covered, and one that ends then is told of" {
	local id scope short
	id=$(printf '%064d' 7)
	scope=/system.slice/docker-$id.scope
	short=$(printf '%064d' 8)
	mkdir $CG$scope
	outcome 0 inside $scope $PROBE sethostname
	rmdir $CG$scope
	policy any 'any: container' none
	kill_daemon
	mkdir $CG$scope
	outcome 1 inside $scope $PROBE sethostname
	mkdir "$CG/boxes/$short"
	outcome 1 inside "/boxes/$short" $PROBE loop 3 sethostname
	rmdir "$CG/boxes/$short"
	systemctl start leastcapd
	is '[true,1,"any"]' "$(binding $scope '| [.born, .counters.denied, .policy]')"
	# The ring buffer kept what happened meanwhile.
	expect_event ".type == \"born\" and .subject.container == \"$id\""
	denied SYS_ADMIN ".subject.container == \"$id\""
	# Its ledger was still there when its end was told, and is not any more.
	expect_event ".type == \"gone\" and .subject.container == \"$short\" and .policy == \"any\" and
		.counters.denied == 3 and .capabilities.denied == [\"SYS_ADMIN\"]"
	run -1 leastcap status "$short"
	outcome 1 inside $scope $PROBE sethostname
	rmdir $CG$scope
}

@test "a unit started while the daemon is dead is covered" {
	outcome 0 systemd-run --quiet --wait --unit late.service $PROBE sethostname
	policy late 'unit: late.service' none
	kill_daemon
	outcome 1 systemd-run --quiet --wait --unit late.service $PROBE sethostname
	systemctl reset-failed late.service || true
	systemctl start leastcapd
	denied SYS_ADMIN '.policy == "late" and .subject.cgroup == "/system.slice/late.service"'
}

@test "SIGTERM leaves enforcement in place" {
	outcome 0 inside /up $PROBE sethostname
	policy up 'cgroup: /up' none
	systemctl stop leastcapd
	[ ! -e /run/leastcap/leastcap.sock ]
	outcome 1 inside /up $PROBE sethostname
	# Without a daemon the state is read from the kernel.
	is '["SYS_ADMIN"]' "$(binding /up .capabilities.denied)"
	systemctl start leastcapd
	denied SYS_ADMIN '.policy == "up"'
}

@test "unload removes everything" {
	policy up 'cgroup: /up' none
	outcome 1 inside /up $PROBE sethostname
	leastcap unload
	outcome 0 inside /up $PROBE sethostname
	[ ! -e $PINS ]
	eventually 10 dead
	is 0 "$(bpftool -j prog | jq '[.[] | select(.name // "" | startswith("lc_"))] | length')"
	# What was applied is applied again by the next start, until it is removed.
	systemctl start leastcapd
	outcome 1 inside /up $PROBE sethostname
	drop up
	systemctl restart leastcapd
	outcome 0 inside /up $PROBE sethostname
	# Without a daemon the same.
	policy up 'cgroup: /up' none
	systemctl stop leastcapd
	outcome 1 inside /up $PROBE sethostname
	leastcap unload
	outcome 0 inside /up $PROBE sethostname
	[ ! -e $PINS ]
}

# file NAME POLICY SELECTOR CAPABILITIES: a file of policies.d
file() {
	printf 'policies:\n  - name: %s\n    select:\n      - %s\n    capabilities: %s\n' "$2" "$3" "$4" >"$POLICIES/$1.yaml"
}

revisions() { leastcap list --json | jq -c '[.policies[] | [.name, .revision, .bindings]] | sort'; }
problems() { leastcap status --json | jq -c '[.problems[] | [.file, .line, .column]]'; }

@test "reloading files that have not changed changes nothing" {
	local before
	file a up 'cgroup: /up' none
	policy other 'cgroup: /other' '[SYS_ADMIN]'
	systemctl kill -s HUP leastcapd
	expect_event '.type == "policy" and .action == "applied" and .policy == "up"'
	outcome 1 inside /up $PROBE sethostname
	before=$(leastcap status --json | jq -c '[.bindings, .problems]')
	is '[["other",1,1],["up",1,1]]' "$(revisions)"
	mark
	systemctl kill -s HUP leastcapd
	is '{"reloaded":true}200' "$(api POST /v1/reload | tr -d '\n')"
	systemctl restart leastcapd
	is "$before" "$(leastcap status --json | jq -c '[.bindings, .problems]')"
	is '[["other",1,1],["up",1,1]]' "$(revisions)"
	# A change is one.
	file a up 'cgroup: /up' '[SYS_ADMIN]'
	systemctl kill -s HUP leastcapd
	expect_event '.type == "policy" and .action == "applied" and .policy == "up" and .revision == 2'
	outcome 0 inside /up $PROBE sethostname
	rm $POLICIES/a.yaml
	api POST /v1/reload
}

@test "applied policies survive a restart, a kill, and unload" {
	policy up 'cgroup: /up' none
	policy up 'cgroup: /up' '[SYS_CHROOT]'
	systemctl restart leastcapd
	is '[["up",2,1]]' "$(revisions)"
	kill_daemon
	systemctl start leastcapd
	is '[["up",2,1]]' "$(revisions)"
	outcome 1 inside /up $PROBE sethostname
	outcome 0 inside /up $PROBE chroot
	leastcap unload
	eventually 10 dead
	systemctl start leastcapd
	is '[["up",2,1]]' "$(revisions)"
	outcome 1 inside /up $PROBE sethostname
	outcome 0 inside /up $PROBE chroot
	# What was removed stays away.
	leastcap remove up
	systemctl restart leastcapd
	is '[]' "$(revisions)"
}

@test "a revision that was somebody's is never another content's, also when the daemon is killed at once" {
	policy up 'cgroup: /up' none
	policy up 'cgroup: /up' '[SYS_CHROOT]'
	# Who knows it now is the daemon alone.
	policy up 'container: {name: nobody}' '[SYS_CHROOT]'
	kill_daemon
	systemctl start leastcapd
	policy up 'cgroup: /up' '[SYS_ADMIN]'
	is '[["up",3,1]]' "$(revisions)"
	outcome 0 inside /up $PROBE sethostname
}

@test "a bad file keeps its last good form, through a restart too; the good files go on; a removed one goes" {
	file a up 'cgroup: /up' none
	file b other 'cgroup: /other' none
	api POST /v1/reload
	outcome 1 inside /up $PROBE sethostname
	outcome 1 inside /other $PROBE sethostname
	# One gets worse, the other changes: each for itself.
	file a up 'cgroup: /up' '[SYS_ADMN]'
	file b other 'cgroup: /other' '[SYS_ADMIN]'
	api POST /v1/reload
	is "[[\"$POLICIES/a.yaml\",5,20]]" "$(problems)"
	outcome 1 inside /up $PROBE sethostname
	outcome 0 inside /other $PROBE sethostname
	is '[["other",2,1],["up",1,1]]' "$(revisions)"
	# A daemon that never saw the good form.
	kill_daemon
	systemctl start leastcapd
	is "[[\"$POLICIES/a.yaml\",5,20]]" "$(problems)"
	outcome 1 inside /up $PROBE sethostname
	outcome 0 inside /other $PROBE sethostname
	# The same with nothing left in the kernel either.
	leastcap unload
	eventually 10 dead
	systemctl start leastcapd
	outcome 1 inside /up $PROBE sethostname
	outcome 0 inside /other $PROBE sethostname
	# It is mended: the problem goes. It is removed: its policies go.
	file a up 'cgroup: /up' '[SYS_ADMIN]'
	api POST /v1/reload
	is '[]' "$(problems)"
	outcome 0 inside /up $PROBE sethostname
	file a up 'cgroup: /up' none
	api POST /v1/reload
	outcome 1 inside /up $PROBE sethostname
	rm $POLICIES/a.yaml
	api POST /v1/reload
	outcome 0 inside /up $PROBE sethostname
	is '[["other",2,1]]' "$(revisions)"
	rm $POLICIES/b.yaml
	api POST /v1/reload
	is '[]' "$(revisions)"
}
