#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Who reads what leastcap tells, the real ones: auditd and ausearch. And what a daemon tells that was away.

load common

AUDIT='ausearch --input-logs -m TRUSTED_APP -x /usr/sbin/leastcapd'

setup_file() {
	load common
	install_probes
	mkdir -p $CG/reader
	auditctl -e 0
	fresh_daemon --audit
}
teardown_file() {
	load common
	stop_daemon
	systemctl stop auditd
}
setup() { mark; }
teardown() { drop reader; }

audit() { leastcap status --json | jq -rc "[.sinks[] | select(.sink == \"audit\")][0]$1"; }
in_audit() { $AUDIT -sv no --format raw | grep -F "$1"; }
audit_is() { is "$1" "$(audit "$2")"; }

@test "ausearch finds the refusals, with names that forge nothing, also those from before auditd ran" {
	local program=$'/tmp/a\' op="x"\nq'
	cp $PROBE "$program"
	outcome 0 inside /reader "$program" sethostname
	outcome 0 inside /reader "$program" chroot
	policy reader 'cgroup: /reader' none
	outcome 1 inside /reader $PROBE sethostname
	eventually 10 audit_is "auditing is off: start auditd, or run auditctl -e 1" .failing
	leastcap status | grep -E '^sink +audit kernel: auditing is off.*, 0 events lost, 2 wait'
	systemctl start auditd
	expect_event '.type == "sink" and .sink == "audit" and .losses.full == 0'
	eventually 10 audit_is '[null,0]' ' | [.failing, .queued]'
	outcome 1 inside /reader "$program" chroot
	denied SYS_CHROOT
	eventually 10 audit_is 4 .written
	eventually 20 in_audit 'item="SYS_CHROOT"'
	run -0 $AUDIT -sv no --format raw
	is 2 "${#lines[@]}"
	[[ ${lines[0]} == *"msg='op=\"denied\" seq=2 restriction=\"capabilities\" item=\"SYS_ADMIN\" call=\"sethostname\" opid="* ]]
	[[ ${lines[1]} == *" ocomm=6127206F703D2278225C78306171 "*"cgroup=\"/reader\" "*"res=failed'"* ]]
	# As people are shown it.
	$AUDIT -sv no -i | grep -F "ocomm=a' op=\"x\"\\x0aq "
	rm "$program"
}

main_pid() { systemctl show -P MainPID leastcapd; }
restarted() { [ "$(main_pid)" != "$1" ] && systemctl is-active -q leastcapd; }

@test "what is refused while no daemon runs is reported by the next one" {
	local pid
	policy reader 'cgroup: /reader' none
	systemctl stop leastcapd
	mark
	run -1 inside /reader $PROBE loop 2000 sethostname
	is "allowed 0 refused 2000 other 0" "$output"
	systemctl start leastcapd
	expect_event '.type == "meanwhile" and .denied == 2000 and .would_deny == 0 and .bindings == 1'
	is '[["/reader",2000]]' "$(events '.type == "meanwhile"' | jq -c '[.subjects[] | [.cgroup, .denied]]')"
	is '[2000,["SYS_ADMIN"]]' "$(binding /reader ' | [.counters.denied, .capabilities.denied]')"
	[ "$(journalctl -q -o cat | grep -c 'while no daemon ran, 2000 refused and 0 reported')" -ge 1 ]
	# Killed, and nothing more refused: nothing is told.
	mark
	pid=$(main_pid)
	kill -KILL "$pid"
	eventually 30 restarted "$pid"
	outcome 1 inside /reader $PROBE chroot
	denied SYS_CHROOT
	is "" "$(events '.type == "meanwhile"')"
}
