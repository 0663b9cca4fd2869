#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Bad input: a clear message, the right exit status, and nothing changed.

load common

setup_file() {
	load common
	# Who is in it may read.
	groupadd -f leastcap
	fresh_daemon
	mkdir -p $CG/bad /tmp/bad
	policy good 'cgroup: /bad' '[SYS_CHROOT]'
}
teardown_file() { load common; stop_daemon; groupdel leastcap; rm -rf /tmp/bad; }
setup() {
	mark
	BEFORE=$(state)
}

# Everything that a request could change.
state() {
	# Not what is granted, and not when enforcement was last proven: that is what runs now.
	leastcap status --json | tr -d '\n' | sed -E 's/"granted": *\[[^]]*\]//g; s/"time": *"[^"]*"//g'
	leastcap list --json
	find /sys/fs/bpf/leastcap /var/lib/leastcap /etc/leastcap | sort
	cat /var/lib/leastcap/applied/*
}

# At the end of each test, and before what changes something: the state costs more to read than a refusal.
unchanged() {
	is "$BEFORE" "$(state)"
	is "" "$(events '.type == "policy"')"
}

# refused STATUS PATTERN COMMAND...: the status, and the message on standard error only.
refused() {
	local wanted=$1 pattern=$2 status=0
	shift 2
	"$@" >/tmp/bad/out 2>/tmp/bad/err </dev/null || status=$?
	if [ $status -ne "$wanted" ] || ! grep -qE -- "$pattern" /tmp/bad/err || [ -s /tmp/bad/out ]; then
		echo "status $status, wanted $wanted and the message '$pattern': $*"
		cat /tmp/bad/out /tmp/bad/err
		return 1
	fi
}

# wrong FILE PATTERN: check and apply refuse it alike.
wrong() {
	refused 1 "$2" leastcap check "$1"
	refused 1 "$2" leastcap apply "$1"
}

as_user() { setpriv --reuid 12345 --regid 12345 --clear-groups "$@"; }
as_member() { setpriv --reuid 12345 --regid 12345 --groups "$(getent group leastcap | cut -d: -f3)" "$@"; }

@test "a good file passes" {
	printf 'policies:\n  - name: fine\n    select: [{ cgroup: /bad/fine }]\n    capabilities: [SYS_ADMIN]\n' >/tmp/bad/f
	run -0 leastcap check /tmp/bad/f
	is "/tmp/bad/f: 1 policy: fine" "$output"
	outcome 0 inside /bad $PROBE chroot
	outcome 1 inside /bad $PROBE sethostname
	denied SYS_ADMIN '.policy == "good"'
}

@test "an unknown capability: its place and the nearest name" {
	cat >/tmp/bad/f <<-END
		policies:
		  - name: web
		    select:
		      - cgroup: /bad
		    capabilities: [CHOWN, NET_BIND_SERVISE]
	END
	wrong /tmp/bad/f '^/tmp/bad/f:5:27: error: unknown capability "NET_BIND_SERVISE"'
	wrong /tmp/bad/f 'did you mean NET_BIND_SERVICE\?'
	refused 2 "unknown capability 'SYS_ADMN', did you mean SYS_ADMIN\?" leastcap run --allow SYS_ADMN -- true
	unchanged
}

@test "a policy name twice: in a file, and in two places" {
	cat >/tmp/bad/f <<-END
		policies:
		  - name: web
		    capabilities: none
		  - name: db
		    capabilities: none
		  - name: web
		    capabilities: all
	END
	wrong /tmp/bad/f '^/tmp/bad/f:6:11: error: duplicate policy name "web"; the other one is at line 2, column 11'
	unchanged
	# One of policies.d cannot be replaced by the API.
	printf 'policies:\n  - name: file\n    capabilities: none\n' >$POLICIES/file.yaml
	api POST /v1/reload
	mark
	BEFORE=$(state)
	refused 1 "policy \"file\" is defined in $POLICIES/file.yaml" leastcap apply $POLICIES/file.yaml
	refused 1 "policy \"file\" is defined in $POLICIES/file.yaml" leastcap remove file
	unchanged
	rm $POLICIES/file.yaml
	api POST /v1/reload
}

@test "an unknown key: its place and the nearest one" {
	printf 'policies:\n  - name: web\n    capabilites: none\n' >/tmp/bad/f
	wrong /tmp/bad/f '^/tmp/bad/f:3:5: error: unknown key "capabilites" in a policy'
	wrong /tmp/bad/f 'did you mean capabilities\?'
	printf 'policies:\n  - name: web\n    capabilities: none\n    mounts: dney\n' >/tmp/bad/f
	wrong /tmp/bad/f '^/tmp/bad/f:4:13: error: mounts: unknown word "dney"'
	printf 'policy:\n  - name: web\n' >/tmp/bad/f
	wrong /tmp/bad/f '^/tmp/bad/f:1:1: error: unknown key "policy"'
	unchanged
}

@test "10 MB, binary junk, nothing, no file, a directory" {
	head -c 10000000 /dev/zero | tr '\0' '#' >/tmp/bad/f
	wrong /tmp/bad/f 'larger than'
	head -c 100000 /dev/urandom >/tmp/bad/f
	wrong /tmp/bad/f '^/tmp/bad/f:[0-9]+:[0-9]+: error: '
	head -c 5000 $PROBE >/tmp/bad/f
	wrong /tmp/bad/f '^/tmp/bad/f:1:[0-9]+: error: '
	: >/tmp/bad/f
	wrong /tmp/bad/f '^/tmp/bad/f: error: no policies'
	wrong /tmp/bad/no-such-file 'No such file or directory'
	wrong /tmp/bad 'Is a directory'
	unchanged
}

@test "a cgroup that does not exist, or is none" {
	printf 'policies:\n  - name: web\n    select: [{ cgroup: /no/such }]\n    capabilities: none\n' >/tmp/bad/f
	refused 1 'cgroup "/no/such" does not exist' leastcap apply /tmp/bad/f
	run -0 api POST '/v1/policies?file=f' --data-binary @/tmp/bad/f
	is 422 "${lines[1]}"
	is '[["f",3,24,"cgroup \"/no/such\" does not exist"]]' \
		"$(jq -c '[.errors[] | [.file, .line, .column, .message]]' <<<"${lines[0]}")"
	# Nor does a good policy go in beside it.
	printf 'policies:\n  - name: good\n    select: [{ cgroup: /bad }]\n    capabilities: all\n%s' \
		"$(tail -n +2 /tmp/bad/f)" >/tmp/bad/g
	refused 1 'cgroup "/no/such" does not exist' leastcap apply /tmp/bad/g
	unchanged
	outcome 1 inside /bad $PROBE sethostname
	BEFORE=$(state)
	printf 'policies:\n  - name: web\n    select: [{ cgroup: ../../etc }]\n    capabilities: none\n' >/tmp/bad/f
	wrong /tmp/bad/f '^/tmp/bad/f:3:[0-9]+: error: '
	printf 'policies:\n  - name: web\n    select: [{ container: { id: xyz } }]\n    capabilities: none\n' >/tmp/bad/f
	wrong /tmp/bad/f '^/tmp/bad/f:3:[0-9]+: error: '
	# The cgroup of the daemon itself: nobody could change anything any more.
	printf 'policies:\n  - name: web\n    select: [{ cgroup: /system.slice }]\n    capabilities: none\n' >/tmp/bad/f
	refused 1 'holds leastcapd itself' leastcap apply /tmp/bad/f
	printf 'policies:\n  - name: web\n    select: [{ cgroup: /system.slice }]\n    capabilities: all\n    bpf: deny\n    sockets: deny\n' >/tmp/bad/f
	refused 1 'holds leastcapd itself, .*: host-unix, bpf;' leastcap apply /tmp/bad/f
	printf 'policies:\n  - name: web\n    select: [{ cgroup: / }]\n    capabilities: none\n' >/tmp/bad/f
	wrong /tmp/bad/f '^/tmp/bad/f:3:[0-9]+: error: '
	unchanged
}

@test "wrong verbs, options and arguments: exit status 2 and the nearest word" {
	refused 2 'no verb given' leastcap
	refused 2 "unknown verb 'stauts', did you mean 'status'\?" leastcap stauts
	refused 2 "unknown verb 'frobnicate'" leastcap frobnicate
	refused 2 "unknown option '--jsno', did you mean '--json'\?" leastcap status --jsno
	refused 2 "unknown option '--foo'" leastcap --foo status
	refused 2 "unknown option '-x'" leastcap events -x
	refused 2 'check: no FILE given' leastcap check
	refused 2 'apply: no FILE given' leastcap apply
	refused 2 "unexpected argument 'b'" leastcap apply a b
	refused 2 'remove: no NAME given' leastcap remove
	refused 2 "unexpected argument 'x'" leastcap list x
	refused 2 'run: no CMD given' leastcap run
	refused 2 "option '--allow' needs an argument" leastcap run --allow
	refused 2 "option '--quiet' takes no argument" leastcap run --quiet=yes true
	refused 2 '--allow and --policy exclude each other' leastcap run --allow none --policy /tmp/bad/f true
	refused 2 "unknown option '--ring-sise', did you mean '--ring-size'\?" leastcapd --ring-sise 4096
	refused 2 '1000 is not in' leastcapd --ring-size 1000
	refused 2 '5000 is not a power of two' leastcapd --ring-size 5000
	refused 2 "'many' is not a number" leastcapd --max-bindings many
	refused 2 "unexpected argument 'now'" leastcapd now
	refused 1 'there is no policy "goood"' leastcap remove goood
	refused 1 "did you mean 'good'\?" leastcap remove goood
	refused 1 'nothing is bound' leastcap status /no/such
	refused 1 'nothing is bound' leastcap status no-such.service
	unchanged
}

@test "without root" {
	# What needs no root does without.
	printf 'policies:\n  - name: fine\n    select: [{ cgroup: /bad/fine }]\n    capabilities: none\n' >/tmp/bad/f
	run -0 as_user leastcap check --json /tmp/bad/f
	is '[true,[["fine"]]]' "$(jq -c '[.valid, [.files[] | [.policies[].name]]]' <<<"$output")"
	run -1 as_user leastcap check --json /etc/passwd
	is '[false,["/etc/passwd"]]' "$(jq -c '[.valid, [.files[].errors[].file]]' <<<"$output")"
	refused 1 'not root' as_user leastcap run --allow all -- /bin/touch /tmp/bad/ran
	[ ! -e /tmp/bad/ran ]
	refused 1 'not root' as_user leastcapd
	status=0
	as_user leastcap doctor >/tmp/bad/out 2>&1 || status=$?
	is 1 $status
	grep -qE 'fail +root +not root' /tmp/bad/out
	# In a capability-less root's hands it is the same.
	refused 1 'not root' setpriv --bounding-set -all --inh-caps -all leastcap run -- /bin/touch /tmp/bad/ran
	[ ! -e /tmp/bad/ran ]
	unchanged
}

@test "the API is for root to change, and for the group to read" {
	is 660:root:leastcap "$(stat -c %a:%U:%G /run/leastcap/leastcap.sock)"
	printf 'policies:\n  - name: good\n    select: [{ cgroup: /bad }]\n    capabilities: all\n' >/tmp/bad/f
	refused 1 'no permission' as_user leastcap status
	refused 1 'no permission' as_user leastcap apply /tmp/bad/f
	run -0 as_member leastcap status --json
	is good "$(jq -r '.bindings[0].policy' <<<"$output")"
	run -0 as_member leastcap list
	run -0 as_member leastcap events --json
	refused 1 'changing needs root' as_member leastcap apply /tmp/bad/f
	refused 1 'changing needs root' as_member leastcap remove good
	refused 1 'changing needs root' as_member leastcap unload
	is 403 "$(as_member curl -sS --unix-socket /run/leastcap/leastcap.sock -o /dev/null -w '%{http_code}' -X POST \
		http://localhost/v1/reload)"
	# Credentials are looked at, not only the file's mode.
	chmod 666 /run/leastcap/leastcap.sock
	refused 1 'reading needs root or the group' as_user leastcap status
	refused 1 'reading needs root or the group' as_user leastcap apply /tmp/bad/f
	chmod 660 /run/leastcap/leastcap.sock
	unchanged
	outcome 1 inside /bad $PROBE sethostname
}

@test "requests that are none" {
	local head
	status_of() { api "$@" | tail -n 1; }
	is 404 "$(status_of GET /)"
	is 404 "$(status_of GET /v2/status)"
	is 404 "$(status_of GET /v1/status/x)"
	is 404 "$(status_of GET '/v1/status?subject=none')"
	is 404 "$(status_of DELETE /v1/policies/none)"
	is 404 "$(status_of DELETE /v1/policies/../../etc/passwd --path-as-is)"
	is 405 "$(status_of POST /v1/status)"
	is 405 "$(status_of PUT /v1/policies)"
	is 405 "$(status_of GET /v1/policies/good)"
	is 405 "$(status_of GET /v1/unload)"
	head=$(api DELETE /v1/policies -i | tr -d '\r')
	[[ $head == *"405 Method Not Allowed"* && $head == *"Allow: GET, POST"* ]]
	is 400 "$(status_of GET '/v1/events?since=x')"
	is 400 "$(status_of GET '/v1/status?subject=%ff')"
	# What could have been meant to make less of it than it is without.
	printf 'policies:\n  - name: good\n    select: [{ cgroup: /bad }]\n    capabilities: all\n' >/tmp/bad/f
	for query in dry_run confirm shadow dry-run=1 dryrun=1 'dry_run=1&dry_run=0' Shadow=1 family '=1'; do
		is 400 "$(status_of POST "/v1/policies?file=f&$query" --data-binary @/tmp/bad/f)"
	done
	run -0 api POST '/v1/policies?file=f&dry-run=1' --data-binary @/tmp/bad/f
	[[ "$(jq -r .error <<<"${lines[0]}")" == 'unknown parameter "dry-run", did you mean dry_run?'* ]]
	is 400 "$(status_of DELETE '/v1/policies/good?shadow')"
	is 400 "$(status_of DELETE '/v1/policies/good?shdow=1')"
	is 400 "$(status_of POST '/v1/mode?policy=good&mode=audit&dry_run=1')"
	is 400 "$(status_of POST '/v1/reload?dry_run=1')"
	is 400 "$(status_of GET '/metrics?x=1')"
	is 400 "$(status_of GET '/v1/events?follow')"
	head -c 2000000 /dev/zero | tr '\0' '#' >/tmp/bad/f
	is 413 "$(status_of POST /v1/policies --data-binary @/tmp/bad/f)"
	is 413 "$(status_of POST /v1/policies -H 'Transfer-Encoding: chunked' --data-binary @/tmp/bad/f)"
	is 422 "$(status_of POST /v1/policies --data-binary '{')"
	is 422 "$(status_of POST /v1/policies --data-binary '[]')"
	is 422 "$(status_of POST /v1/policies)"
	head -c 1000 /dev/urandom >/tmp/bad/f
	is 422 "$(status_of POST /v1/policies --data-binary @/tmp/bad/f)"
	# Every error is one JSON object that says why.
	run -0 api POST /v1/policies --data-binary '{'
	jq -e '.error and (.errors | length > 0)' <<<"${lines[0]}"
	# Not HTTP at all: it goes on serving.
	head -c 10000 /dev/urandom | timeout 5 socat - UNIX-CONNECT:/run/leastcap/leastcap.sock || true
	printf 'GET /v1/status HTTP/1.1\r\n' | timeout 5 socat - UNIX-CONNECT:/run/leastcap/leastcap.sock || true
	unchanged
}

@test "a second daemon" {
	refused 1 "another leastcapd runs already, process $(systemctl show -P MainPID leastcapd)" leastcapd
	refused 1 "another leastcapd runs already" leastcapd --socket /tmp/bad/socket --state-dir /tmp/bad/state
	[ ! -e /tmp/bad/socket ]
	unchanged
	outcome 1 inside /bad $PROBE sethostname
}

@test "no daemon" {
	systemctl stop leastcapd
	printf 'policies:\n  - name: good\n    select: [{ cgroup: /bad }]\n    capabilities: all\n' >/tmp/bad/f
	run -1 leastcap apply /tmp/bad/f
	[[ $output == *"the daemon is not running"*"systemctl start leastcapd"* ]]
	run -1 leastcap remove good
	[[ $output == *"the daemon is not running"* ]]
	run -1 leastcap events
	[[ $output == *"the daemon is not running"* ]]
	run -1 as_user leastcap status
	[[ $output == *"daemon not running, and only root may read"* ]]
	outcome 1 inside /bad $PROBE sethostname
	# Something in the socket's place that is no daemon's.
	touch /run/leastcap/leastcap.sock
	run -1 leastcapd
	[[ $output == *"is not a socket"* ]]
	rm /run/leastcap/leastcap.sock
	# Nobody else's locks stop it, and a socket of a killed daemon does not either.
	systemctl start leastcapd
	outcome 1 inside /bad $PROBE sethostname
}

@test "every verb explains itself, and tells the version" {
	local verb verbs version
	verbs=$(leastcap --help | sed -nE 's/^  ([a-z]+) .*/\1/p')
	version=$(leastcap --version)
	[[ $version =~ ^leastcap\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	[ "$(wc -w <<<"$verbs")" -ge 21 ]
	for verb in $verbs; do
		leastcap "$verb" --help >/tmp/bad/out 2>/tmp/bad/err
		grep -q "^usage: leastcap $verb" /tmp/bad/out
		is "$version" "$(leastcap "$verb" --version 2>>/tmp/bad/err)"
		is '' "$(cat /tmp/bad/err)"
	done
	unchanged
}

@test "remove and unload say in JSON what they have done" {
	run -0 leastcap remove --json good
	is '["good",false]' "$(jq -c '[.removed, .shadow]' <<<"$output")"
	outcome 0 inside /bad $PROBE sethostname
	policy good 'cgroup: /bad' none
	run -0 leastcap unload --json
	is '[true,true,[["/bad","good"]]]' "$(jq -c '[.unloaded, .daemon_ended, [.bindings[] | [.cgroup, .policy]]]' <<<"$output")"
	outcome 0 inside /bad $PROBE sethostname
	run -0 leastcap unload --json
	is '[false,false]' "$(jq -c '[.unloaded, .daemon_ended]' <<<"$output")"
}
