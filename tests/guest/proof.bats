#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# The daemon proves enforcement: what is in use, again and again. What is broken behind its back is noticed, and told everywhere.

load common

PINS='/sys/fs/bpf/leastcap/v*/build-*'
ALL='capabilities mounts modules host-unix connect families devices attributes filesystems namespaces bpf'

setup_file() {
	load common
	mkdir -p $CG/pr
	fresh_daemon --prove-every 2 --sample-interval 0
}
teardown_file() {
	load common
	sysctl -q user.max_user_namespaces=10000
	stop_daemon
	[ ! -e $CG/leastcap.canary ]
}
setup() { mark; }

proof() { leastcap status --json | jq -rc ".proof$1"; }
proven() { proof '.restrictions | map(select(.outcome == "proven").name) | join(" ")'; }
unproven() { proof '.restrictions | map(select(.outcome != "proven") | "\(.name) \(.outcome): \(.reason)") | join(", ")'; }
proven_is() { [ "$(proven)" = "$1" ] && [ "$(proof .proven)" = true ]; }
unproven_is() { [ "$(unproven)" = "$1" ] && [ "$(proof .proven)" = false ]; }
status_text() { systemctl show -P StatusText leastcapd; }
status_has() { [[ $(status_text) == *"$1"* ]]; }
metrics() { curl -sS --max-time 30 --unix-socket /run/leastcap/leastcap.sock http://localhost/metrics; }
later_than() { [[ $(proof .time) > $1 ]]; }

# armed 0|1: with 0 all programs are attached, and refuse nothing.
armed() {
	# shellcheck disable=SC2086
	bpftool map update pinned $PINS/armed key 0 0 0 0 value "$1" 0 0 0
}

@test "what is in use is proven, at the start and again, and it leaves no trace" {
	local time link='link_*'
	within 15 proven_is capabilities
	is 2 "$(proof .every)"
	status_has '0 problems, proven'
	# No program is attached for the proof.
	run -2 ls $PINS/link_lc_mount
	time=$(proof .time)
	within 10 later_than "$time"

	cat >/tmp/proof.yaml <<-END
		policies:
		  - name: pr
		    select: [cgroup: /pr]
		    capabilities: none
		    mounts: deny
		    modules: deny
		    devices: audit
		    attributes: deny
		    namespaces: deny
		    bpf: deny
		    sockets:
		      host-unix: { default: allow, deny: [/run/proof.sock] }
		      connect: { default: allow, deny: [192.0.2.77] }
		      families: { deny: [vsock] }
		    filesystems: { deny: [debugfs] }
	END
	leastcap apply /tmp/proof.yaml
	within 20 proven_is "$ALL"
	link=$(ls $PINS)
	[[ $(leastcap status) == *"proof       proven at "*": $ALL"* ]]
	time=$(proof .time)
	within 10 later_than "$time"
	is "$link" "$(ls $PINS)"

	# The same act is possible outside, and refused where a policy says so: once, and all else is zero.
	outcome 0 $PROBE sethostname
	outcome 1 inside /pr $PROBE sethostname
	denied SYS_ADMIN '.subject.binding == "/pr"'
	metrics >/tmp/metrics
	is 11 "$(grep -c '^leastcap_enforcement_proven{.*} 1$' /tmp/metrics)"
	is 11 "$(grep -c '^leastcap_enforcement_proof_timestamp_seconds{.*} [0-9]\{10\}$' /tmp/metrics)"
	grep -x 'leastcap_enforcement_proven{restriction="sockets",rule="host-unix"} 1' /tmp/metrics
	is 'leastcap_refusals_total{restriction="capabilities",verdict="denied"} 1' "$(grep '^leastcap_refusals_total' /tmp/metrics | grep -v ' 0$')"
	is 1 "$(grep -c '^leastcap_binding_refusals_total' /tmp/metrics)"
	grep -x 'leastcap_bindings 1' /tmp/metrics
	is '["/pr"]' "$(leastcap status --json | jq -c '[.bindings[].cgroup]')"
	run -1 grep -E 'canary|leastcapd-proof' $LOG
	run -1 grep '"type":"proof"' $LOG
	is '' "$(cat $CG/leastcap.canary/cgroup.procs)"
	run ! ls /run/leastcap/proof-*

	leastcap remove pr
	within 15 proven_is capabilities
}

@test "programs that are attached and refuse nothing are noticed, and what works again is, too" {
	outcome 0 inside /pr $PROBE sethostname
	policy pr 'cgroup: /pr' none
	outcome 1 inside /pr $PROBE sethostname
	within 10 proven_is capabilities
	mark
	armed 0
	outcome 0 inside /pr $PROBE sethostname
	expect_event '.type == "proof" and .action == "failed" and (.unproven | length) == 1 and .reason == "capabilities: it was allowed"'
	# All that leastcap itself can see is in order.
	is true "$(leastcap status --json | jq .enforcing)"
	is 'capabilities failed: it was allowed' "$(unproven)"
	within 20 status_has ', NOT PROVEN: capabilities'
	[[ $(leastcap status) == *"ENFORCEMENT IS NOT PROVEN"*"capabilities: it was allowed"* ]]
	metrics | grep -x 'leastcap_enforcement_proven{restriction="capabilities",rule=""} 0'
	journalctl -u leastcapd -o cat | grep 'ENFORCEMENT IS NOT PROVEN, capabilities: it was allowed'
	[[ $(journalctl -q -n 1 -o json MESSAGE_ID=5c3de1a94f0b4c7786d2b3e07f6a1994 | jq -r '.PRIORITY + .MESSAGE') == \
		'2proof failed: capabilities: it was allowed' ]]
	armed 1
	expect_event '.type == "proof" and .action == "recovered" and .unproven == [] and .reason == null'
	# Told once, not every time.
	is 1 "$(events '.type == "proof" and .action == "failed"' | wc -l)"
	outcome 1 inside /pr $PROBE sethostname
	within 20 status_has ', proven'

	# While it is disarmed everything is allowed, and that is no failure.
	mark
	leastcap disarm --for 60s --reason test
	local time
	time=$(proof .time)
	sleep 5
	is "$time" "$(proof .time)"
	leastcap rearm
	within 10 later_than "$time"
	is true "$(proof .proven)"
	is '' "$(events '.type == "proof"')"
}

@test "one program that is detached is noticed, and no other restriction is blamed" {
	leastcap apply /tmp/proof.yaml
	within 20 proven_is "$ALL"
	mark
	is true "$(leastcap status --json | jq .enforcing)"
	rm $PINS/link_lc_mknod
	# That a link is no more leastcap sees by itself, too.
	is false "$(leastcap status --json | jq .enforcing)"
	expect_event '.type == "proof" and .action == "failed" and .reason == "devices: it was allowed"'
	is 'devices failed: it was allowed' "$(unproven)"
	is "${ALL/devices /}" "$(proven)"
	metrics >/tmp/metrics
	is 'leastcap_enforcement_proven{restriction="devices",rule="devices"} 0' "$(grep '^leastcap_enforcement_proven.* 0$' /tmp/metrics)"
	within 20 status_has ', NOT PROVEN: devices'

	# What cannot be tried is told, and is another thing.
	sysctl -q user.max_user_namespaces=0
	expect_event '.type == "proof" and (.unproven | length) == 2 and (.reason | startswith("devices: it was allowed; namespaces: it cannot be tried"))'
	[[ $(unproven) == *'namespaces untried: it cannot be tried on this host: outside of the canary it ended with ENOSPC, not EFAULT' ]]
}

@test "with --on-unproven=exit the daemon ends, also for a capability; what cannot be tried is no reason; wrong use" {
	local before
	sed -i 's,^ExecStart=/.*,ExecStart=/usr/sbin/leastcapd --prove-every 2 --on-unproven exit,' /etc/systemd/system/leastcapd.service.d/test.conf
	systemctl daemon-reload
	# A start attaches what is missing. The limit of user namespaces is 0 yet.
	systemctl restart leastcapd
	mark
	eventually 15 eval '[[ $(unproven) == "namespaces untried: "* ]]'
	before=$(systemctl show -P InvocationID leastcapd)
	sysctl -q user.max_user_namespaces=10000
	within 15 proven_is "$ALL"
	is "$before" "$(systemctl show -P InvocationID leastcapd)"

	outcome 1 inside /pr $PROBE sethostname
	rm $PINS/link_lc_capable
	outcome 0 inside /pr $PROBE sethostname
	eventually 20 eval '[ "$(systemctl show -P NRestarts leastcapd)" -ge 1 ]'
	journalctl -u leastcapd -o cat | grep -x 'ending, as --on-unproven=exit asks for; what is bound stays bound'
	journalctl -u leastcapd -o cat | grep 'Main process exited, code=exited, status=1/FAILURE'
	expect_event '.type == "proof" and .action == "failed" and (.reason | startswith("capabilities: it was allowed"))'
	# The next start has attached it again. To verify all programs takes an emulated kernel 7 a minute.
	within 180 proven_is "$ALL"
	outcome 1 inside /pr $PROBE sethostname

	run -2 leastcapd --on-unproven exi
	[[ $output == *"--on-unproven: 'exi' is neither go-on nor exit, did you mean exit"* ]]
	run -2 leastcapd --prove-every 86401
	[[ $output == *'--prove-every: 86401 is not in 0 to 86400'* ]]
}
