#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# sockets: host-unix. Connecting and sending to AF_UNIX sockets of others, with every capability whitelisted. Whose a
# socket is says the cgroup in which it was made.

load restriction

UNIX=$PROBES/unix
U=/tmp/unix

setup_file() {
	load restriction
	restriction_setup sockets '{ host-unix: { default: allow, deny: [/nowhere] } }' '{ host-unix: audit }' \
		'{ host-unix: deny }'
	cp "$LEASTCAP_BUILD"/tests/guest/probes/{unix,unix32} $PROBES/
	mkdir -p $U $CG/r/{other,later,list,but,deny/sub,nest/in}
	all_kinds host ''
	all_kinds other /r/other
	all_kinds own /r/deny
	all_kinds sub /r/deny/sub
	all_kinds audit /r/audit
	serve free /r/free dgram $U/free-dgram
	serve allow /r/allow dgram $U/allow-dgram
}
teardown_file() {
	local pid
	while read -r pid; do kill "$pid" || true; done <$U/pids
	stop_daemon
}
setup() { mark; }
teardown() {
	[ ! -e /tmp/more.yaml ] || drop list but later in out any
	rm -f /tmp/more.yaml
}

# serve NAME CGROUP [TYPE NAME]...: sockets that are made in the cgroup. What happens to them is in $U/log-NAME.
serve() {
	local log=$U/log-$1 cgroup=$2
	shift 2
	inside "$cgroup" $UNIX serve "$log" "$@" >$U/pid
	cat $U/pid >>$U/pids
}

# all_kinds NAME CGROUP: a path and an abstract name of each type.
all_kinds() {
	local type sockets=()
	for type in stream dgram seqpacket; do sockets+=($type "$U/$1-$type" $type "@$U/$1-$type"); done
	serve "$1" "$2" "${sockets[@]}"
}

# logged NAME TEXT: such a line is in the log of that server.
logged() { eventually 20 grep -Fqx -- "$2" "$U/log-$1"; }

# table WORD PREFIX...: what the probe's matrix prints if all these are allowed (ok), or refused (EPERM).
# Without a connection, the kernel sends to no stream and no seqpacket socket, whose ever it is.
table() {
	local word=$1 prefix type name
	shift
	for prefix; do
		for type in stream dgram seqpacket; do
			for name in "$prefix-$type" "@$prefix-$type"; do
				case $type in
				stream) set -- EOPNOTSUPP ;;
				dgram) set -- "$word" ;;
				seqpacket) set -- ENOTCONN ;;
				esac
				printf '%s %s\n' "$name" "connect: $word" "$name" "sendto: $1" \
					"$name" "sendmsg: $1" "$name" "sendmmsg: $1"
			done
		done
	done
}

# each_refusal PREFIX...: the names in the events of a whole matrix that is refused.
each_refusal() {
	local prefix name
	for prefix; do
		for name in "$prefix" "@$prefix"; do
			printf '%s\n' "$name"-{stream,dgram,dgram,dgram,dgram,seqpacket}
		done
	done
}

# events_are TYPE POLICY NAME...: since the mark these events and no others, in any order; the names are the listeners'.
events_are() {
	local type=$1 policy=$2 wanted got i
	shift 2
	wanted=$(printf '%s\n' "$@" | sort | uniq -c)
	for i in $(seq 30); do
		got=$(events ".type == \"$type\" and .policy == \"$policy\" and .restriction == \"sockets\" and
			.item == \"host-unix\" and .subject.binding == \"/${policy/-//}\"" |
			jq -r .detail | sort | uniq -c)
		[ "$wanted" != "$got" ] || break
		sleep 0.2
	done
	is "$wanted" "$got"
}

# matrix_held PROBE FOREIGN... -- OWN...: the whole matrix in each of the four cgroups. Own are those of /r/deny.
matrix_held() {
	local probe=$1 foreign=() own free
	shift
	while [ "$1" != -- ]; do
		foreign+=("$1")
		shift
	done
	shift
	own=("$@")
	free=$(table ok "${foreign[@]}" "${own[@]}")
	for cgroup in free allow; do
		mark
		run -0 inside /r/$cgroup "$probe" matrix "${foreign[@]}" "${own[@]}"
		is "$free" "${output%$'\n'*}"
	done
	is 0 "$(events '.item == "host-unix"' | wc -l)"
	mark
	run -0 inside /r/audit "$probe" matrix "${foreign[@]}" "${own[@]}"
	is "$free" "${output%$'\n'*}"
	events_are would-deny r-audit $(each_refusal "${foreign[@]}" "${own[@]}")
	mark
	run -1 inside /r/deny "$probe" matrix "${foreign[@]}" "${own[@]}"
	is "$(
		table EPERM "${foreign[@]}"
		table ok "${own[@]}"
	)" "${output%$'\n'*}"
	events_are denied r-deny $(each_refusal "${foreign[@]}")
}

# sockets_policy NAME CGROUP RULE: one more policy, e.g. sockets_policy list /r/list '{ default: deny, allow: [/run/x] }'
sockets_policy() {
	printf 'policies:\n  - name: %s\n    select:\n      - cgroup: %s\n    capabilities: all\n    sockets: { host-unix: %s }\n' \
		"$1" "$2" "$3" >/tmp/more.yaml
	leastcap apply /tmp/more.yaml
}

# ---- who made the listener ----

@test "every type, path and abstract, connect and send: of the host and another cgroup, not of one's own and below" {
	matrix_held $UNIX $U/host $U/other -- $U/own $U/sub
}

@test "the same by socketcall, for 32-bit callers" {
	matrix_held ${UNIX}32 $U/host -- $U/own
}

@test "the subject's own are nobody else's under audit either" {
	run -0 inside /r/audit $UNIX matrix $U/audit
	is "$(table ok $U/audit)" "${output%$'\n'*}"
	run -1 inside /r/deny $UNIX connect stream $U/audit-stream
	expect_event ".type == \"denied\" and .detail == \"$U/audit-stream\""
	is 0 "$(events '.type == "would-deny"' | wc -l)"
}

@test "in a network namespace that is shared with another cgroup" {
	run -0 unshare --net $PROBE join-exec $CG/r/other $UNIX serve $U/log-net \
		stream @$U/net-stream dgram @$U/net-dgram seqpacket @$U/net-seqpacket \
		stream $U/net-stream dgram $U/net-dgram seqpacket $U/net-seqpacket
	local pid=$output
	echo "$pid" >>$U/pids
	# Abstract names are the network namespace's own: from outside nobody finds them.
	outcome 3 inside /r/free $UNIX connect stream @$U/net-stream
	outcome 3 inside /r/deny $UNIX connect stream @$U/net-stream
	inside() {
		local cgroup=$1
		shift
		nsenter --net="/proc/$pid/ns/net" $PROBE join-exec "$CG$cgroup" "$@"
	}
	all_kinds pod /r/deny/sub
	matrix_held $UNIX $U/net -- $U/pod
}

@test "a bind mount, a new name, links, another root: the listener is the same" {
	local paths
	serve first '' stream $U/first
	mkdir $U/root
	touch $U/bound $U/root/bound
	mount --bind $U/first $U/bound
	mount --bind $U/first $U/root/bound
	ln $U/first $U/hard
	mv $U/first $U/renamed
	ln -s renamed $U/soft
	paths=($U/bound $U/hard $U/renamed $U/soft /proc/self/root$U/renamed)
	held host-unix "$(printf '%s connect: EPERM\n' "${paths[@]}")" $UNIX connect stream "${paths[@]}"
	events_are denied r-deny $U/first $U/first $U/first $U/first $U/first
	cp $UNIX $U/root/unix
	held host-unix '/bound connect: EPERM' /usr/sbin/chroot $U/root /unix connect stream /bound
	events_are denied r-deny $U/first
	umount $U/bound $U/root/bound
}

@test "of a process that has moved since: where the socket was made counts" {
	serve in '' stream $U/moved-in
	cat $U/pid >$CG/r/deny/cgroup.procs
	serve out /r/deny stream $U/moved-out
	cat $U/pid >$CG/cgroup.procs
	held host-unix "$U/moved-in connect: EPERM"$'\n'"$U/moved-out connect: ok" \
		$UNIX connect stream $U/moved-in $U/moved-out
}

@test "a client that has left takes the rule along" {
	outcome 0 inside /r/free $PROBE join-exec $CG/r/other $UNIX connect stream $U/other-stream $U/own-stream
	run -1 inside /r/deny $PROBE join-exec $CG/r/other $UNIX connect stream $U/other-stream $U/own-stream
	is "$U/other-stream connect: EPERM"$'\n'"$U/own-stream connect: ok" "$output"
	expect_event ".type == \"denied\" and .detail == \"$U/other-stream\" and .subject.cgroup == \"/r/other\" and
		.subject.binding == \"/r/deny\""
}

@test "a socket that PID 1 listens on is the host's" {
	local bus=/run/dbus/system_bus_socket
	held host-unix "$bus connect: EPERM" $UNIX connect stream $bus
	events_are denied r-deny $bus
}

@test "nested policies: each is asked about its own subtree" {
	all_kinds nest /r/nest
	all_kinds in /r/nest/in
	local to=($U/in-stream $U/nest-stream $U/host-stream $U/other-stream)
	for cgroup in /r/nest /r/nest/in; do outcome 0 inside $cgroup $UNIX connect stream "${to[@]}"; done
	sockets_policy out /r/nest "{ default: deny, allow: [$U/host-stream] }"
	for cgroup in /r/nest /r/nest/in; do
		mark
		run -1 inside $cgroup $UNIX connect stream "${to[@]}"
		is "${to[3]} connect: EPERM" "$(grep -v ok <<<"$output")"
		expect_event ".type == \"denied\" and .policy == \"out\" and .detail == \"${to[3]}\""
	done
	# The child allows what the parent refuses: refused by the parent.
	sockets_policy in /r/nest/in "{ default: deny, allow: [$U/host-stream, $U/other-stream] }"
	mark
	run -1 inside /r/nest/in $UNIX connect stream "${to[@]}"
	is "$(printf '%s connect: EPERM\n' ${to[1]} ${to[3]})" "$(grep -v ok <<<"$output")"
	expect_event ".type == \"denied\" and .policy == \"in\" and .detail == \"${to[1]}\" and .subject.binding == \"/r/nest/in\""
	expect_event ".type == \"denied\" and .policy == \"out\" and .detail == \"${to[3]}\" and .subject.binding == \"/r/nest\""
	run -1 inside /r/nest $UNIX connect stream "${to[@]}"
	is "${to[3]} connect: EPERM" "$(grep -v ok <<<"$output")"
}

# ---- names ----

@test "lists: by the whole name that the listener has bound" {
	local long named others all
	long=$(printf '%*s' $((108 - ${#U} - 1)) '' | tr ' ' l)
	named=($U/named @named $U/$long "@$U/${long:0:-1}" @padded@)
	others=($U/named2 $U/name @named2 @name $U/${long:0:-1} "@$U/${long:0:-2}" @inner@nul)
	all=("${named[@]}" "${others[@]}" $U/relative $U/@path)
	# Bound to a path that is not absolute.
	cd $U
	serve named '' $(printf 'stream %s ' "${named[@]}" "${others[@]}" relative =@path)
	local names="$U/named, \"@named\", $U/$long, \"@$U/${long:0:-1}\", \"@padded\", \"@inner\", $U/relative, \"@path\""
	outcome 0 inside /r/list $UNIX connect stream "${all[@]}"
	sockets_policy list /r/list "{ default: deny, allow: [$names] }"
	sockets_policy but /r/but "{ default: allow, deny: [$names] }"
	run -1 inside /r/list $UNIX connect stream "${all[@]}"
	is "$(
		printf '%s connect: ok\n' "${named[@]}"
		printf '%s connect: EPERM\n' "${others[@]}" $U/relative $U/@path
	)" "$output"
	expect_event ".type == \"denied\" and .policy == \"list\" and .detail == \"@path\""
	is "$(printf '%s\n' "${others[@]}" relative @path | sort)" "$(events '.type == "denied" and .policy == "list"' | jq -r .detail | sort)"
	mark
	run -1 inside /r/but $UNIX connect stream "${all[@]}"
	is "$(
		printf '%s connect: EPERM\n' "${named[@]}"
		printf '%s connect: ok\n' "${others[@]}" $U/relative $U/@path
	)" "$output"
	expect_event ".type == \"denied\" and .policy == \"but\" and .detail == \"@padded@\""
	is "$(printf '%s\n' "${named[@]}" | sort)" "$(events '.type == "denied" and .policy == "but"' | jq -r .detail | sort)"
}

@test "lists: datagrams; one's own listener with a name that is denied" {
	serve mine /r/but stream $U/mine
	sockets_policy list /r/list "{ default: deny, allow: [$U/host-dgram] }"
	sockets_policy but /r/but "{ default: allow, deny: [\"@$U/host-dgram\", $U/mine] }"
	outcome 0 inside /r/list $UNIX sendto dgram $U/host-dgram
	run -1 inside /r/list $UNIX sendto dgram @$U/host-dgram
	is "@$U/host-dgram sendto: EPERM" "$output"
	outcome 0 inside /r/but $UNIX sendto dgram $U/host-dgram
	outcome 1 inside /r/but $UNIX sendto dgram @$U/host-dgram
	expect_event ".type == \"denied\" and .policy == \"but\" and .detail == \"@$U/host-dgram\""
	outcome 0 inside /r/but $UNIX connect stream $U/mine
}

# ---- other ways there ----

@test "io_uring: inline, in a worker, a message" {
	held host-unix 'connect: EPERM' $UNIX uring connect stream $U/host-stream
	held host-unix 'worker: EPERM' $UNIX uring worker stream $U/host-stream
	held host-unix 'worker: EPERM' $UNIX uring worker dgram $U/host-dgram
	held host-unix 'send: EPERM' $UNIX uring send dgram $U/host-dgram
	held host-unix 'connect: EPERM' ${UNIX}32 uring connect stream $U/host-stream
	free_everywhere $UNIX uring worker stream $U/own-stream
}

@test "a socket that the host has passed in: connecting it, and every datagram" {
	local what to
	inside() {
		local cgroup=$1
		shift
		$UNIX pass $what $to $PROBE join-exec "$CG$cgroup" "$@"
	}
	what=fresh-stream to=$U/host-stream
	held host-unix 'connect: EPERM' $UNIX take connect $U/host-stream
	what=fresh-dgram
	held host-unix 'sendto: EPERM' $UNIX take sendto $U/host-dgram
	what=dgram to=$U/host-dgram
	held host-unix 'send: EPERM' $UNIX take send
	events_are denied r-deny $U/host-dgram
	# It has no name, and can be sent to all the same: the other end of a pair that has been let go.
	what=half
	held host-unix 'send: EPERM' $UNIX take send
	events_are denied r-deny '(no name)'
	# A connection that there is already is not the rule's.
	what=stream to=$U/host-stream
	free_everywhere $UNIX take send
}

@test "connected before the policy: every datagram is judged, a stream goes on" {
	inside /r/later $UNIX held dgram $U/host-dgram $U/go >$U/dgram 3>&- &
	local dgram=$! stream
	inside /r/later $UNIX held stream $U/host-stream $U/go >$U/stream 3>&- &
	stream=$!
	eventually 20 grep -q connected $U/dgram
	eventually 20 grep -q connected $U/stream
	sockets_policy later /r/later deny
	touch $U/go
	outcome 1 wait $dgram
	outcome 0 wait $stream
	is $'connected\nsend: EPERM' "$(<$U/dgram)"
	is $'connected\nsend: ok' "$(<$U/stream)"
	expect_event ".type == \"denied\" and .policy == \"later\" and .detail == \"$U/host-dgram\""
}

@test "io_uring with a personality that is not current's credentials any more" {
	outcome 0 inside /r/free $UNIX uring personality stream $U/host-stream
	outcome 0 $UNIX uring personality stream $U/host-stream
	run -1 inside /r/deny $UNIX uring personality stream $U/host-stream
	is 'personality: EPERM' "$output"
	expect_event '.type == "denied" and .policy == "r-deny" and .item == "io_uring-credentials"'
}

# ---- what goes on working ----

@test "answers to a client of the host, connected or not" {
	local server client how
	for server in $U/free-dgram $U/allow-dgram $U/own-dgram @$U/own-dgram; do
		for how in connected bound; do
			for client in $U/client @$U/client; do
				run -0 $UNIX ask $server $client $how
				is 'ask: ok' "$output"
			done
		done
	done
	logged own "$U/own-dgram: answer: ok"
	is 0 "$(events '.item == "host-unix"' | wc -l)"
}

@test "answers only, and only by the one who was asked" {
	local host=$U/host-dgram name
	serve asked /r/deny dgram $U/asked dgram $U/unasked
	# Before it is asked.
	for name in free-dgram allow-dgram asked; do $UNIX tell $U/$name $host; done
	logged free "$U/free-dgram to $host: tell: ok"
	logged allow "$U/allow-dgram to $host: tell: ok"
	logged asked "$U/asked to $host: tell: EPERM"
	events_are denied r-deny $host
	# The host's socket sends there, which is answered; more answers may follow.
	$UNIX tell $host $U/asked
	logged asked "$U/asked: answer: ok"
	$UNIX tell $U/asked $host
	logged asked "$U/asked to $host: tell: ok"
	mark
	$UNIX tell $U/unasked $host
	logged asked "$U/unasked to $host: tell: EPERM"
	$UNIX tell $U/asked @$host
	logged asked "$U/asked to @$host: tell: EPERM"
	events_are denied r-deny $host @$host
}

@test "socketpairs" {
	free_everywhere $UNIX pair stream dgram seqpacket
	free_everywhere ${UNIX}32 pair stream dgram seqpacket
	# One end stays with the host.
	inside() {
		local cgroup=$1
		shift
		$UNIX inherit $PROBE join-exec "$CG$cgroup" "$@"
	}
	free_everywhere $UNIX pair dgram
}

# What syslog() has written to the journal.
journal() {
	journalctl --sync
	journalctl -q -b -o cat -t probe
}

@test "syslog() where the policy allows the journal's socket" {
	local log=/run/systemd/journal/dev-log cgroup
	sockets_policy list /r/list "{ default: deny, allow: [$log] }"
	for cgroup in free allow list deny; do outcome 0 inside /r/$cgroup $UNIX log "from $cgroup"; done
	is $'from free\nfrom allow\nfrom list' "$(journal)"
	expect_event ".type == \"denied\" and .policy == \"r-deny\" and .item == \"host-unix\" and .detail == \"$log\""
}

@test "sd_notify where the policy allows it" {
	service lc-notify.service <<-'END'
		[Service]
		Type=notify
		NotifyAccess=all
		ExecStart=/bin/sh -c 'systemd-notify --ready && exec sleep 1000'
	END
	systemctl start lc-notify
	systemctl stop lc-notify
	for rule in deny '{ default: deny, allow: [/run/systemd/notify] }'; do
		printf 'policies:\n  - name: list\n    select:\n      - unit: lc-notify.service\n    capabilities: all\n    sockets: { host-unix: %s }\n' \
			"$rule" >/tmp/more.yaml
		leastcap apply /tmp/more.yaml
		if [ "$rule" = deny ]; then
			outcome 1 systemctl start lc-notify
			expect_event '.type == "denied" and .policy == "list" and .detail == "/run/systemd/notify"'
		else
			outcome 0 systemctl start lc-notify
		fi
	done
	forget_services lc-notify.service
}

@test "names are resolved: by files, DNS, and a name service that the policy allows" {
	local nscd=/var/run/nscd/socket
	cat >$U/dns.py <<-'END'
		import os, socket
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.bind(("127.0.0.1", 53))
		if os.fork():
		    os._exit(0)
		while True:
		    q, client = s.recvfrom(512)
		    s.sendto(q[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + q[12:q.index(b"\0", 12) + 5] +
		        b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\xc0\0\2\7", client)
	END
	python3 $U/dns.py 3>&-
	echo 'nameserver 127.0.0.1' >/etc/resolv.conf
	# getaddrinfo() asks for addresses of IPv4 where there is one besides 127.0.0.1.
	ip address add 192.0.2.1/32 dev lo
	free_everywhere /usr/bin/getent ahostsv4 host.test
	[[ $output == "192.0.2.7 "* ]]
	free_everywhere /usr/bin/getent ahostsv4 localhost
	ip address del 192.0.2.1/32 dev lo
	free_everywhere /usr/bin/getent passwd root

	mkdir -p /var/run/nscd
	serve nscd '' stream $nscd
	sockets_policy list /r/list "{ default: deny, allow: [$nscd] }"
	mark
	free_everywhere /usr/bin/getent passwd root
	expect_event ".type == \"denied\" and .policy == \"r-deny\" and .detail == \"$nscd\""
	: >$U/log-nscd
	run -0 inside /r/list /usr/bin/getent passwd root
	logged nscd "$nscd: accepted"
	is 0 "$(events '.type == "denied" and .policy == "list"' | wc -l)"
	rm $nscd
}

# ---- real Docker ----

# any_container RULE: a policy for every container.
any_container() {
	printf 'policies:\n  - name: any\n    select:\n      - any: container\n    capabilities: all\n    sockets: { host-unix: %s }\n' \
		"$1" >/tmp/more.yaml
	leastcap apply /tmp/more.yaml
}

@test "a container with docker.sock mounted under another name" {
	local run=(docker run --rm --privileged --network none -v /run/docker.sock:/x.sock -v $UNIX:/unix busybox
		/unix connect stream /x.sock)
	run -0 "${run[@]}"
	is '/x.sock connect: ok' "$output"
	any_container '{ default: deny, allow: [/run/docker.sock] }'
	run -0 "${run[@]}"
	is '/x.sock connect: ok' "$output"
	any_container deny
	run -1 "${run[@]}"
	is '/x.sock connect: EPERM' "$output"
	expect_event '.type == "denied" and .policy == "any" and .item == "host-unix" and .detail == "/run/docker.sock" and
		(.subject.cgroup | startswith("/system.slice/docker-"))'
}

@test "two containers that share a network namespace" {
	local client=(docker run --rm --network container:server -v $UNIX:/unix busybox /unix connect stream @app)
	docker run -d --name server --network none -v $UNIX:/unix busybox /unix serve - stream @app
	run -0 "${client[@]}"
	is '@app connect: ok' "$output"
	any_container '{ default: deny, allow: ["@app"] }'
	run -0 "${client[@]}"
	any_container deny
	run -1 "${client[@]}"
	is '@app connect: EPERM' "$output"
	expect_event '.type == "denied" and .policy == "any" and .item == "host-unix" and .detail == "@app"'
	outcome 0 docker exec server /unix connect stream @app
	docker rm -f server
}
