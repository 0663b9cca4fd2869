#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# leastcap suggest and learn: what was used and nothing else; it holds when it is applied; other tools take it.

load common

OUT=/tmp/suggested

setup_file() {
	load common
	fresh_daemon
	mkdir -p $CG/s $CG/r/1 $CG/r/2 $CG/u $CG/o $CG/quiet
	# For the last test: it takes a minute until it says anything.
	leastcap learn /quiet >/tmp/quiet.yaml 2>/tmp/quiet.errors 3>&- &
	echo $! >/tmp/quiet.pid
}
teardown_file() {
	load common
	kill -9 "$(cat /tmp/quiet.pid)" 2>/dev/null || true
	stop_daemon
}
setup() { mark; }
teardown() {
	[ -z "${LEARNER:-}" ] || kill -9 "$LEARNER" 2>/dev/null || true
	[ -z "${LISTENER:-}" ] || kill "$LISTENER" 2>/dev/null || true
	LEARNER='' LISTENER=''
	drop learned replicas any none service
	docker rm -f app asks >/dev/null 2>&1 || true
	[ ! -e /tmp/pod.yaml ] || podman pod rm -f -t 0 suggested
	rm -f /tmp/pod.yaml
	forget_services lc-suggested.service
	rm -rf /etc/systemd/system/lc-suggested.service.d
}

# audit NAME SELECTOR: learning is in force.
audit() {
	{
		echo policies:
		learning "$1" "$2"
	} >/tmp/audit.yaml
	leastcap apply /tmp/audit.yaml
}

some_acts() {
	outcome 0 inside /s $PROBE chown
	outcome 0 inside /s $PROBE mount
}

# suggested FILTER: of the answer in $OUT.
suggested() {
	jq -rc "$1" $OUT
}

# apply_without SED-SCRIPT: what is suggested, and one thing less.
apply_without() {
	sed "$1" /tmp/learned.yaml >/tmp/less.yaml
	outcome 1 cmp -s /tmp/learned.yaml /tmp/less.yaml
	leastcap apply /tmp/less.yaml
}

@test "two capabilities and a mount: just those; applied nothing is refused, and with one less it is" {
	audit learned 'cgroup: /s'
	some_acts
	leastcap suggest --json learned >$OUT
	is '["CHOWN","SYS_ADMIN"]' "$(suggested .capabilities.allow)"
	is '["attributes","mounts"] ["bpf","devices","modules","namespaces"]' "$(suggested '
		"\([.rules | to_entries[] | select(.value == "allow") | .key] | sort | tojson) \([.rules | to_entries[] |
		select(.value == "deny" and (.key | IN("host-unix", "connect", "families", "filesystems") | not)) | .key] |
		sort | tojson)"')"
	is unknown "$(suggested .rules.connect)"
	is '[{"cgroup":"/s"}] learned masks' "$(suggested '"\(.select) \(.name) \(.source)"')"
	# By the cgroup it is the same, and so is what a file gets.
	is '["CHOWN","SYS_ADMIN"]' "$(leastcap suggest --json /s | jq -c .capabilities.allow)"
	leastcap suggest learned -o /tmp/learned.yaml
	outcome 0 leastcap check /tmp/learned.yaml
	grep -qx 'policies:' /tmp/learned.yaml
	grep -q '^# .*"/s"\|^# What "learned" has used' /tmp/learned.yaml
	# What is no file stays what it is.
	leastcap suggest learned -o /dev/null
	[ -c /dev/null ]
	is "$(leastcap suggest -q learned)" "$(leastcap suggest -q learned -o -)"
	leastcap apply /tmp/learned.yaml
	is enforce "$(binding /s .mode)"
	some_acts
	is 0 "$(binding /s .counters.denied)"
	outcome 1 inside /s $PROBE chroot
	denied SYS_CHROOT
	# What was refused is not used, unless that is wanted.
	is '["CHOWN","SYS_ADMIN"] ["SYS_CHROOT"]' \
		"$(leastcap suggest --json learned | jq -r '.capabilities | "\(.allow) \(.denied)"')"
	is '["CHOWN","SYS_CHROOT","SYS_ADMIN"]' \
		"$(leastcap suggest --json --include-denied learned | jq -c .capabilities.allow)"
	apply_without '/- CHOWN$/d'
	outcome 1 inside /s $PROBE chown
	denied CHOWN
	apply_without '/- SYS_ADMIN$/d'
	outcome 1 inside /s $PROBE mount
	apply_without 's/mounts: allow/mounts: deny/'
	outcome 1 inside /s $PROBE mount
	expect_event '.type == "denied" and .restriction == "mounts"'
	apply_without 's/attributes: allow/attributes: deny/'
	outcome 1 inside /s $PROBE chown
	expect_event '.type == "denied" and .restriction == "attributes"'
}

@test "replicas, those that have ended too, over a restart of the daemon, and without it" {
	audit replicas 'cgroup: /r/*'
	outcome 0 inside /r/1 $PROBE chown
	outcome 0 inside /r/2 $PROBE chroot
	rmdir $CG/r/1
	expect_event '.type == "gone" and .subject.binding == "/r/1" and .rules.would_deny == ["attributes"]'
	systemctl stop leastcapd
	leastcap suggest --json replicas >$OUT 2>/tmp/errors
	systemctl start leastcapd
	grep -q 'read from the kernel' /tmp/errors
	is '["CHOWN","SYS_CHROOT"] [{"cgroup":"/r/2"}]' "$(suggested '"\(.capabilities.allow) \(.select)"')"
	# This daemon has not seen the end of the first one.
	leastcap suggest --json replicas >$OUT
	is '["CHOWN","SYS_CHROOT"] 1 1' "$(suggested '"\(.capabilities.allow) \(.ended) \(.bindings | length)"')"
	is 'allow [{"cgroup":"/r/*"}]' "$(suggested '"\(.rules.attributes) \(.select)"')"
	# One of them.
	is '["SYS_CHROOT"]' "$(leastcap suggest --json /r/2 | jq -c .capabilities.allow)"
	mkdir $CG/r/1
}

@test "what was seen outlives its policy, an unload, and the system" {
	audit outlived 'cgroup: /o'
	outcome 0 inside /o $PROBE chown
	leastcap remove outlived
	expect_event '.type == "unbound" and .subject.binding == "/o" and .capabilities.would_deny == ["CHOWN"]'
	is '["CHOWN"]' "$(leastcap suggest --json outlived | jq -c .capabilities.allow)"
	audit outlived 'cgroup: /o'
	outcome 0 inside /o $PROBE chroot
	# At once: what is still ending is waited for.
	leastcap unload
	systemctl start leastcapd
	is '["CHOWN","SYS_CHROOT"]' "$(leastcap suggest --json outlived | jq -c .capabilities.allow)"
	# A restart tells nothing: the kernel has it. What systemd says while it goes down is another matter.
	outcome 0 inside /o $PROBE sethostname
	mark
	systemctl restart leastcapd
	is '' "$(events '.type == "unbound"')"
	mkdir -p /run/systemd/system/shutdown.target.d
	printf '[Unit]\nRefuseManualStart=no\n' >/run/systemd/system/shutdown.target.d/test.conf
	systemctl daemon-reload
	systemctl start --job-mode=ignore-dependencies shutdown.target
	is stopping "$(systemctl is-system-running || true)"
	systemctl stop leastcapd
	systemctl stop shutdown.target
	rm -r /run/systemd/system/shutdown.target.d
	expect_event '.type == "unbound" and .subject.binding == "/o" and .capabilities.would_deny == ["SYS_ADMIN"]'
	systemctl start leastcapd
	drop outlived
}

@test "docker run takes it, docker-compose, and podman kube play; quadlet's keys" {
	local flags
	probe_image
	audit any 'any: container'
	docker run -d --name app --label com.docker.compose.service=shop probe sh -c 'probe chroot; probe rawsocket; echo done; exec probe sleep 1000'
	within 10 sh -c 'docker logs app | grep -qx done'
	flags=$(leastcap suggest -q --format docker app)
	is '--cap-drop ALL --cap-add NET_RAW --cap-add SYS_CHROOT' "$flags"
	is '{"container":{"name":"app"}} app' "$(leastcap suggest --json app | jq -r '"\(.select[0]) \(.name)"')"
	# Beside the user's own file: all of it, and nothing else.
	leastcap suggest --format compose app -o /tmp/suggested.yaml
	printf 'services: {shop: {image: probe}}\n' >/tmp/compose.yaml
	docker-compose -f /tmp/compose.yaml -f /tmp/suggested.yaml config >/tmp/composed.yaml
	is "$(printf '%s\n' services: '  shop:' '    cap_add:' '    - NET_RAW' '    - SYS_CHROOT' '    cap_drop:' '    - ALL' \
		'    image: probe')" "$(grep -v '^version:' /tmp/composed.yaml)"
	# This Podman has no generator for it: the keys that podman-systemd.unit(5) has.
	is "$(printf '%s\n' '[Container]' DropCapability=all AddCapability=CAP_NET_RAW AddCapability=CAP_SYS_CHROOT)" \
		"$(leastcap suggest -q --format quadlet app)"
	leastcap suggest --format kubernetes app -o /tmp/context.yaml
	drop any
	run -1 docker run --rm $flags probe sh -c 'probe chroot && probe rawsocket && probe chown'
	is "$(printf '%s\n' 'chroot: ok' 'rawsocket: ok' 'chown: EPERM')" "$output"
	# Pods have a container of their own that does nothing.
	podman import -c 'ENTRYPOINT ["sleep", "1000"]' /usr/share/leastcap-guest/busybox.tar pause:latest
	printf '[engine]\ninfra_image = "localhost/pause:latest"\n' >/tmp/containers.conf
	export CONTAINERS_CONF=/tmp/containers.conf
	cat >/tmp/pod.yaml <<-END
		apiVersion: v1
		kind: Pod
		metadata:
		  name: suggested
		spec:
		  hostNetwork: true
		  restartPolicy: Never
		  containers:
		  - name: app
		    image: busybox
		    imagePullPolicy: Never
		    command: [/bin/sh, -c, "exec >/probes/said; /probes/probe chroot && /probes/probe chown"]
		    volumeMounts: [{name: probes, mountPath: /probes}]
		$(sed 's/^/    /' /tmp/context.yaml)
		  volumes:
		  - name: probes
		    hostPath: {path: $PROBES}
	END
	rm -f $PROBES/said
	podman kube play /tmp/pod.yaml
	within 20 grep -q chown $PROBES/said
	is "$(printf '%s\n' 'chroot: ok' 'chown: EPERM')" "$(cat $PROBES/said)"
}

@test "an image's label: Podman leaves the rest away, leastcap permits nothing by it" {
	local label run=(podman run --rm --network none -v "$PROBES:/probes:ro")
	probe_image
	audit any 'any: container'
	docker run -d --name asks probe sh -c 'probe chroot; echo done; exec probe sleep 1000'
	within 10 sh -c 'docker logs asks | grep -qx done'
	label=$(leastcap suggest -q --format label asks)
	is 'LABEL io.containers.capabilities="SYS_CHROOT"' "$label"
	drop any
	podman import /usr/share/leastcap-guest/busybox.tar unlabelled:latest
	podman import -c "$label" /usr/share/leastcap-guest/busybox.tar labelled:latest
	run -0 "${run[@]}" unlabelled /bin/sh -c '/probes/probe chroot && /probes/probe chown'
	run -1 "${run[@]}" labelled /bin/sh -c '/probes/probe chroot && /probes/probe chown'
	is "$(printf '%s\n' 'chroot: ok' 'chown: EPERM')" "$output"
	policy none 'any: container' none
	mark
	run -1 "${run[@]}" labelled /probes/probe chroot
	is "chroot: EPERM" "$output"
	denied SYS_CHROOT '.policy == "none"'
	drop none
}

@test "systemd takes it, for root and for a user" {
	local dropin=/etc/systemd/system/lc-suggested.service.d
	audit service 'unit: lc-suggested.service'
	service lc-suggested.service <<-END
		[Service]
		Type=oneshot
		ExecStart=$PROBE chroot
		ExecStart=$PROBE bind80
	END
	outcome 0 systemctl start lc-suggested
	expect_event '.type == "gone" and .subject.unit == "lc-suggested.service" and .rules.enforced == [] and
		.capabilities.would_deny == ["NET_BIND_SERVICE","SYS_CHROOT"]'
	is true "$(events '.type == "gone"' | jq '.rules.audited | contains(["mounts", "modules", "namespaces"])')"
	mkdir -p $dropin
	# It runs no more: what it has used is in the audit trail.
	leastcap suggest --format systemd lc-suggested.service -o $dropin/leastcap.conf
	# Also that nobody did what was watched.
	leastcap suggest --json lc-suggested.service >$OUT
	is '[{"unit":"lc-suggested.service"}] service' "$(suggested '"\(.select) \(.name)"')"
	is 'deny deny deny' "$(suggested '.rules | "\(.mounts) \(.modules) \(.namespaces)"')"
	drop service
	run -0 systemd-analyze verify /etc/systemd/system/lc-suggested.service
	[[ $output != *lc-suggested* ]]
	systemctl daemon-reload
	is 'cap_net_bind_service cap_sys_chroot' "$(systemctl show -P CapabilityBoundingSet lc-suggested)"
	outcome 0 systemctl start lc-suggested
	printf '[Service]\nUser=nobody\n' >$dropin/user.conf
	systemctl daemon-reload
	outcome 0 systemctl start lc-suggested
	printf '[Service]\nExecStart=%s chown\n' $PROBE >$dropin/user.conf
	systemctl daemon-reload
	outcome 1 systemctl start lc-suggested
}

# learn OPTION...: until learned(), JSON into $OUT. When this returns, every check is seen.
learn() {
	leastcap learn --json "$@" >$OUT 2>/tmp/learn.errors 3>&- &
	LEARNER=$!
	within 60 grep -q watching /tmp/learn.errors
}

# learned [STATUS]: with which it ends.
learned() {
	kill -INT "$LEARNER"
	outcome "${1:-0}" wait "$LEARNER"
	LEARNER=
}

@test "learn: without a policy, who, how often, when and where from" {
	learn /u
	outcome 0 inside /u $PROBE loop 25 chown
	sleep 2
	outcome 0 inside /u $PROBE chown
	outcome 1 inside /u $PROBE as 1000 $PROBE chroot
	outcome 0 inside /s $PROBE sethostname
	sleep 1
	learned
	grep -q 'no policy binds it' /tmp/learn.errors
	grep -q "CHOWN: 'probe', fchown(), for " /tmp/learn.errors
	# `as` uses two to become somebody else.
	is 'trace ["CHOWN","SETGID","SETUID"] ["SYS_CHROOT"]' \
		"$(suggested '"\(.source) \(.capabilities.allow) \(.capabilities.missing)"')"
	is 'unknown' "$(suggested '[.rules[]] | unique | join(" ")')"
	is '[{"cgroup":"/u"}]' "$(suggested .select)"
	# The owner and the group are two checks.
	is 'probe fchown 52 true true' "$(suggested '.evidence[] | select(.capability == "CHOWN") |
		"\(.comm) \(.syscall) \(.count) \(.first < .last) \(.function | test("chown|chgrp|setattr"))"')"
	suggested .text >/tmp/learned.yaml
	outcome 0 leastcap check /tmp/learned.yaml
	grep -qE '^ +# CHOWN: 52 times allowed, 20[0-9: -]+ to 20[0-9: -]+ UTC, by "probe" in fchown\(\), for .*\(\)$' /tmp/learned.yaml
}

@test "learn: beside the masks, a cgroup that comes meanwhile, an end by itself, a terminal" {
	audit replicas 'cgroup: /r/*'
	outcome 0 inside /r/1 $PROBE chroot
	learn replicas
	within 20 grep -q 'used before: SYS_CHROOT' /tmp/learn.errors
	mkdir $CG/r/3
	outcome 0 inside /r/3 $PROBE chown
	sleep 8
	outcome 0 inside /r/3 $PROBE rawsocket
	learned
	is 'masks ["CHOWN","NET_RAW","SYS_CHROOT"]' "$(suggested '"\(.source) \(.capabilities.allow)"')"
	is probe "$(suggested '.evidence[] | select(.capability == "NET_RAW") | .comm')"
	rmdir $CG/r/3
	TERM=dumb script -qec 'leastcap learn --for 3s -o /tmp/ended.yaml replicas' /dev/null >/tmp/terminal </dev/null
	outcome 0 leastcap check /tmp/ended.yaml
	grep -qE '1 capability; nothing new for [12]s' /tmp/terminal
}

@test "learn: a file that cannot be is told before; what was watched is never lost" {
	run -1 leastcap learn --for 1h -o /no/such/place /u
	[[ $output == *"cannot write /no/such/place"* && $output != *watching* ]]
	mkdir /tmp/taken
	learn -o /tmp/taken/away /u
	outcome 0 inside /u $PROBE chown
	sleep 1
	rmdir /tmp/taken
	learned 1
	grep -q 'cannot write /tmp/taken/away' /tmp/learn.errors
	is '["CHOWN"] false' "$(suggested '"\(.capabilities.allow) \(.incomplete)"')"
	# Who answers is no daemon.
	systemd-socket-activate -a --inetd -l /tmp/nobody.sock echo no 3>&- &
	LISTENER=$!
	within 10 test -S /tmp/nobody.sock
	LEASTCAP_SOCKET=/tmp/nobody.sock learn /u
	outcome 0 inside /u $PROBE chroot
	sleep 1
	learned 1
	is 'trace ["SYS_CHROOT"] true' "$(suggested '"\(.source) \(.capabilities.allow) \(.incomplete)"')"
	suggested .text | grep -q 'could be read: it may have used more'
	# Its terminal is closed: the shell and the kernel both say so.
	learn -o /tmp/hung /u
	outcome 0 inside /u $PROBE chown
	sleep 1
	kill -HUP "$LEARNER"
	kill -HUP "$LEARNER"
	outcome 0 wait "$LEARNER"
	LEARNER=
	is '["CHOWN"] false' "$(jq -rc '"\(.capabilities.allow) \(.incomplete)"' /tmp/hung)"
}

@test "a cgroup with a name that cannot be shown, by what is shown as well; what has ended below it; a slash at the end" {
	local name=$'/odd-\e[2J' who
	mkdir -p "$CG$name/1" "$CG$name/2"
	audit any 'cgroup: "/odd-*/*"'
	outcome 0 inside "$name/1" $PROBE chroot
	outcome 0 inside "$name/2" $PROBE chown
	within 20 rmdir "$CG$name/2"
	expect_event '.type == "gone"'
	for who in "$name" "$name/" '/odd-\x1b[2J'; do
		is '["CHOWN","SYS_CHROOT"] 1' "$(leastcap suggest --json "$who" | jq -rc '"\(.capabilities.allow) \(.ended)"')"
	done
	is '["SYS_CHROOT"]' "$(leastcap suggest --json "$name/1/" | jq -c .capabilities.allow)"
	learn '/odd-\x1b[2J'
	outcome 0 inside "$name/1" $PROBE rawsocket
	sleep 1
	learned
	is '["CHOWN","NET_RAW","SYS_CHROOT"]' "$(suggested .capabilities.allow)"
	within 20 rmdir "$CG$name/1" "$CG$name"
}

@test "wrong use, and what is not known" {
	run -1 leastcap suggest /u
	[[ $output == *"no policy binds '/u'"*"leastcap learn /u"* ]]
	run -1 leastcap suggest nobody-is-called-so
	[[ $output == *"no cgroup, unit, container or policy 'nobody-is-called-so'"* ]]
	# A service as it is shown, and a slip in that.
	run -1 leastcap suggest leastcapd
	[[ $output == *"no policy binds 'leastcapd'"* ]]
	run -1 leastcap suggest leastcpad
	[[ $output == *"policy 'leastcpad', did you mean 'leastcapd'?"* ]]
	run -1 leastcap learn --for 1s nobody-is-called-so
	policy unheard-of 'container: { name: never-runs }' '[CHOWN]' audit
	run -1 leastcap suggest unheard-of
	[[ $output == *"the policy 'unheard-of' holds nothing now, and nothing was recorded of it"* ]]
	run -1 leastcap learn --for 1s unheard-of
	[[ $output == *"the policy 'unheard-of' holds nothing now"* ]]
	drop unheard-of
	run -2 leastcap suggest --format quadlt /u
	[[ $output == *"did you mean 'quadlet'?"* ]]
	run -2 leastcap suggest --name a/b /u
	run -2 leastcap suggest
	run -2 leastcap learn --for 10x /u
	audit learned 'cgroup: /s'
	run -1 leastcap suggest -o /no/such/place learned
	[[ $output == *"cannot write /no/such/place"* ]]
	echo before >/tmp/kept
	run -1 leastcap suggest -o /tmp/kept /u
	is before "$(cat /tmp/kept)"
	run -1 setpriv --reuid 1000 --clear-groups --bounding-set=-all leastcap learn /u
}

@test "learn without a terminal: a plain line a minute while nothing is new" {
	within 120 grep -qE '0 capabilities; nothing new for 1m' /tmp/quiet.errors
	outcome 1 grep -q $'\r' /tmp/quiet.errors
	kill -INT "$(cat /tmp/quiet.pid)"
	within 20 outcome 1 kill -0 "$(cat /tmp/quiet.pid)"
	outcome 0 leastcap check /tmp/quiet.yaml
	grep -qx ' *capabilities: none' /tmp/quiet.yaml
}
