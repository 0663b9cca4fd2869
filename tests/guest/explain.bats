#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# leastcap explain: names the policy, its file and line; and the change that it prints, applied as printed, allows it.

load common

FILE=$POLICIES/e.yaml
A=$PROBES/addresses

setup_file() {
	load common
	groupadd -f leastcap
	fresh_daemon --sample-interval 0
	cp "$LEASTCAP_BUILD"/tests/guest/probes/addresses $PROBES/
	mkdir -p $CG/e/in $CG/api
	cat >$FILE <<-END
		policies:
		  - name: in
		    select:
		      - cgroup: /e/in
		    capabilities: { allow: [CHOWN, SYS_CHROOT] }
		    mounts: deny
		    sockets:
		      connect: { default: deny, allow: ["127.0.0.1:53"] }
	END
	api POST /v1/reload
}
teardown_file() { load common; stop_daemon; }

# explained FILTER [ARGUMENT...]: of the newest refusal, or of what is named. Starting two programs is what costs here.
explained() {
	local filter=$1
	shift
	leastcap explain --json "$@" >/tmp/explanation
	jq -r "$filter" /tmp/explanation
}

# write_change N: change N of what was explained last is written where it says: in place of a key and all of its value.
write_change() {
	local change text
	mapfile -t change < <(jq -r ".changes[$1] | .line, .replaces, .text, .last_line" /tmp/explanation)
	is "${change[1]}" "$(sed -n "${change[0]}s/^ *\([a-z-]*\):.*/\1/p" $FILE)"
	text=${change[2]//&/\\&} # of sed's
	sed -i "${change[0]}s|^\( *\).*|\1$text|" $FILE
	[[ ${change[3]} == "${change[0]}" ]] || sed -i "$((change[0] + 1)),${change[3]}d" $FILE
	leastcap check $FILE
	api POST /v1/reload
}

@test "a capability: who, which call, which line; the change allows it" {
	local text
	# As `leastcap suggest` writes it.
	sed -i 's/^    capabilities:.*/    capabilities:\n      allow:\n        - CHOWN\n        - SYS_CHROOT/' $FILE
	api POST /v1/reload
	mark
	outcome 0 inside /e/in $PROBE chroot
	outcome 1 inside /e/in $PROBE sethostname
	denied SYS_ADMIN '.syscall == "sethostname"'
	is "in $FILE 5 5 true SYS_ADMIN set the host name /e/in" "$(explained '
		(.refused_by | "\(.policy) \(.file) \(.line) \(.column) \(.refuses)") +
		(.asked_for | " \(.capability) \(.act) ") + .event.subject.cgroup')"
	is '["0x0","0xffffffff"]' "$(jq -c '.event.syscall_arguments[:2]' /tmp/explanation)"
	text=$(leastcap explain)
	grep -qE '^event [0-9]+ +denied SYS_ADMIN in sethostname\(\), ' <<<"$text"
	grep -qE '^tried +to set the host name, most likely: sethostname\(name: NULL, len: -1\)$' <<<"$text"
	grep -qE "^who +probe\[[0-9]+\], uid 0" <<<"$text"
	grep -qF "$FILE:5:5" <<<"$text"
	grep -qF "in $FILE, in place of 'capabilities' in lines 5 to 8 (policy in):" <<<"$text"
	grep -qE '^ +capabilities: \{ allow: \[CHOWN, SYS_CHROOT, SYS_ADMIN\] \}$' <<<"$text"
	write_change 0
	outcome 0 inside /e/in $PROBE sethostname
	# By its number; and that it is allowed by now.
	is '0 false' "$(explained '"\(.changes | length) \(.refused_by.refuses)"' "$(jq .event.seq /tmp/explanation)")"
}

@test "a mount: what the kernel asks for besides is a change, too" {
	sed -i 's/^    capabilities:.*/    capabilities: [CHOWN, SYS_CHROOT]/' $FILE
	api POST /v1/reload
	mark
	outcome 1 inside /e/in $PROBE mount
	expect_event '.type == "denied" and .item == "mount" and .detail == "tmpfs"'
	is 'mount(type: tmpfs)' "$(explained .asked_for.call)"
	leastcap explain | grep -qxF 'tried       to mount a file system: mount(type: tmpfs)'
	is "mounts $FILE 6 5 mounts: allow; capabilities: { allow: [CHOWN, SYS_CHROOT, SYS_ADMIN] }" "$(explained '
		"\(.asked_for.rule) \(.refused_by | "\(.file) \(.line) \(.column)") " + ([.changes[].text] | join("; "))')"
	write_change 1
	# That alone is not enough.
	outcome 1 inside /e/in $PROBE mount
	write_change 0
	outcome 0 inside /e/in $PROBE mount
}

@test "an address: it alone joins the list" {
	mark
	run -1 inside /e/in $A udp 127.0.0.1 5353
	expect_event '.type == "denied" and .item == "connect" and .detail == "127.0.0.1:5353"'
	is 'connect 8 7 connect: { default: deny, allow: ["127.0.0.1:53", "127.0.0.1:5353"] }' "$(explained '
		"\(.asked_for.rule) \(.refused_by | "\(.line) \(.column)") \(.changes[0].text)"')"
	write_change 0
	run -0 inside /e/in $A udp 127.0.0.1 5353
	run -0 inside /e/in $A udp 127.0.0.1 53
	run -1 inside /e/in $A udp 127.0.0.1 5354
}

@test "a policy of the API: the whole command; one above that refuses it as well" {
	policy above 'cgroup: /e' '[CHOWN]'
	policy low 'cgroup: /api' '[CHOWN]'
	mark
	outcome 1 inside /api $PROBE chroot
	denied SYS_CHROOT
	explained 'if .refused_by.file then "it has a file" else .changes[0].command end' >/tmp/command.sh
	bash /tmp/command.sh
	outcome 0 inside /api $PROBE chroot
	outcome 1 inside /api $PROBE sethostname
	# Two policies on the way refuse it: each has a change.
	mark
	outcome 1 inside /e/in $PROBE setgroups
	denied SETGID
	is 'above in 1' "$(explained '([.changes[].policy] | sort | join(" ")) + " \(.others | length)"')"
	jq -r '.changes[] | select(.command) | .command' /tmp/explanation >/tmp/command.sh
	bash /tmp/command.sh
	write_change "$(jq '[.changes[].policy] | index("in")' /tmp/explanation)"
	outcome 0 inside /e/in $PROBE setgroups
	drop above low
	is 404 "$(api GET '/v1/policy?name=low' | tail -n 1)"
	is 400 "$(api GET /v1/policy | tail -n 1)"
	is 400 "$(api GET '/v1/policy?name=in&shadow=2' | tail -n 1)"
	is "[\"file\",\"$FILE\",5]" "$(api GET '/v1/policy?name=in' | head -n 1 | jq -c '[.source, .file, .capabilities.line]')"
}

@test "a shadow: a change of the shadow, not of what is in force" {
	policy low 'cgroup: /api' '[CHOWN, SYS_CHROOT]'
	printf 'policies:\n  - name: low\n    select: [cgroup: /api]\n    capabilities: [CHOWN]\n' >/tmp/shadow.yaml
	leastcap apply --shadow /tmp/shadow.yaml
	mark
	outcome 0 inside /api $PROBE chroot
	expect_event '.type == "would-deny" and .shadow and .item == "SYS_CHROOT"'
	explained '.[0].changes[0].command' low >/tmp/command.sh
	grep -q '^leastcap apply --shadow - ' /tmp/command.sh
	bash /tmp/command.sh
	is '["CHOWN","SYS_CHROOT"]' "$(api GET '/v1/policy?name=low&shadow=1' | head -n 1 | jq -c .written.capabilities.allow)"
	leastcap remove --shadow low
	drop low
}

@test "a subject: each kind once; one that is gone, and a daemon that is" {
	local log
	mkdir $CG/gone
	policy gone 'cgroup: /gone' none
	mark
	outcome 1 inside /gone $PROBE sethostname
	outcome 1 inside /gone $PROBE sethostname
	outcome 1 inside /gone $PROBE chroot
	denied SYS_CHROOT '.subject.cgroup == "/gone"'
	rmdir $CG/gone
	is 'SYS_CHROOT SYS_ADMIN' "$(explained '[.[].event.item] | join(" ")' /gone)"
	is 'SYS_CHROOT SYS_ADMIN' "$(explained '[.[].event.item] | join(" ")' gone)"
	run -1 leastcap explain gnoe
	[[ $output == *"did you mean 'gone'?"* ]]
	run -1 leastcap explain 999999999
	run -2 leastcap explain 0
	# The log, with what no daemon has written.
	log=/tmp/other.jsonl
	{ printf '{"type":"denied"\n\xff\xfe\n[]\n'; cat $LOG; echo '{"type":"denied","subject":[]}'; } >$log.1
	printf '\033[2J denied' >$log
	is 'SYS_CHROOT SYS_ADMIN' "$(explained '[.[].event.item] | join(" ")' --log $log gone)"
	# What cannot be explained hides nothing else.
	printf '{"type":"denied","seq":%s,"policy":"gone","restriction":"%s","item":"%s"}\n' 91 teapots pot 92 mounts pot >$log
	run -0 --separate-stderr leastcap explain --json --log $log gone
	is 'SYS_CHROOT SYS_ADMIN' "$(jq -r '[.[].event.item] | join(" ")' <<<"$output")"
	[[ $stderr == *"event 91 cannot be explained: its restriction 'teapots' is not known"* ]]
	[[ $stderr == *"event 92 cannot be explained: its item 'pot' is not known"* ]]
	run -1 --separate-stderr leastcap explain --json --log $log 92
	is '' "$output"
	run -1 --separate-stderr leastcap explain "$(jq -s 'map(select(.type == "policy"))[0].seq' $LOG)"
	[[ $stderr == *"is no refusal: it is of type 'policy'"* ]]
	run -1 leastcap explain --log /dev/zero
	run -1 leastcap explain --log /nowhere
	drop gone
	systemctl stop leastcapd
	run -0 leastcap explain gone
	[[ $output == *"The policy is not known"* ]]
	systemctl start leastcapd
}

@test "a process that is there: its sets" {
	policy low 'cgroup: /api' '[CHOWN]'
	mark
	# The probe tries and ends: nothing is said of a later process with its number.
	outcome 1 inside /api $PROBE sethostname
	denied SYS_ADMIN '.subject.cgroup == "/api"'
	is null "$(explained .process)"
	# The shell tries, and stays: a file of somebody else's, which has no mode.
	inside /api /bin/busybox sh -c 'read x </tmp/probe-dac; while :; do sleep 1; done' "it's" '$(reboot)' 2>/dev/null 3>&- &
	denied DAC_OVERRIDE '.subject.cgroup == "/api"'
	is 'DAC_OVERRIDE true true true true' "$(explained '.event.process.pid as $pid | .asked_for.capability +
		(.process | " \(.pid == $pid) \(.permitted) \(.effective) \(.bounding)")')"
	leastcap explain | grep -qE '^process +[0-9]+ is still there, has it in permitted, effective, bounding; seccomp: none$'
	# As a shell takes it.
	leastcap explain | grep -qE "^called +/bin/busybox sh -c 'read x <.* done' 'it'\\\\''s' '\\$\\(reboot\\)'\$"
	echo 1 >$CG/api/cgroup.kill
	wait
	drop low
}

# A container with a file against whose mode its shell reads, for the first time when /go1 is there, then at /go2, ...
reading_container() {
	local name=$1
	shift
	probe_image
	docker run -d --name "$name" "$@" probe sh -c 'touch /dac; chown 5:5 /dac; chmod 0 /dac; n=0
		while sleep 0.2; do [ ! -e /go$((n + 1)) ] || { n=$((n + 1)); true </dac && echo "through $n"; }; done'
}

@test "a container with Docker's seccomp filter: what leastcap refuses it has let through, and of what it refuses nothing is heard" {
	reading_container filtered
	policy filtered 'container: { name: "*filtered" }' '[CHOWN]'
	mark
	docker exec filtered touch /go1
	denied DAC_OVERRIDE '.subject.name == "filtered"'
	is 'filter true 1' "$(explained '.process.seccomp + " \(.process.effective) " +
		"\([.hints[] | select(contains("has a seccomp filter") and contains("let this call through"))] | length)"')"
	# The filter refuses sethostname(), for Docker does not grant SYS_ADMIN. No check is made, nobody else is asked.
	leastcap trace --json --cap SYS_ADMIN --all >/tmp/trace 2>/dev/null 3>&- &
	within 60 grep -q started /tmp/trace
	outcome 1 docker exec filtered probe sethostname
	docker run -d --name unfiltered --security-opt seccomp=unconfined probe sleep 1000
	outcome 1 docker exec unfiltered probe sethostname
	kill -INT $!
	wait $!
	is missing "$(jq -r 'select(.syscall == "sethostname" and .process.comm == "probe").verdict' /tmp/trace)"
	is '' "$(events '.type == "denied" and .item == "SYS_ADMIN"')"
	run -1 leastcap explain unfiltered
	[[ $output == *"no refusal of 'unfiltered' is known"*"seccomp does not tell"* ]]
	# Without the policy what it was said to let through is let through, and what it refuses is refused.
	drop filtered
	docker exec filtered touch /go2
	within 20 eval 'docker logs filtered | grep -qx "through 2"'
	is '' "$(docker logs filtered | grep -x 'through 1')"
	outcome 1 docker exec filtered probe sethostname
	docker rm -f filtered unfiltered
}

# A root with a program that a file gives NET_RAW to; and one to run.
small_root() {
	rm -rf "$1"
	mkdir -p "$1/bin"
	cp /bin/busybox $PROBE "$1/bin"
	cp $PROBE "$1/bin/raw"
	setcap cap_net_raw+ep "$1/bin/raw"
	cp -p /tmp/probe-dac "$1/dac"
}

@test "status of a subject: processes, drift, and files that give capabilities" {
	local root=/var/tmp/status-root
	mkdir -p $root/bin $root/mnt
	cp /bin/busybox $root/bin/busybox
	for name in su raw admin; do cp $PROBE $root/bin/$name; done
	chmod 4755 $root/bin/su
	setcap cap_net_raw+ep $root/bin/raw
	setcap cap_sys_admin,cap_chown+ep $root/bin/admin
	ln -s / $root/out
	ln -s /proc/1/root $root/magic
	mount -t tmpfs none $root/mnt
	cp $PROBE $root/mnt/su
	chmod 4755 $root/mnt/su
	policy low 'cgroup: /api' '[CHOWN, SYS_CHROOT, KILL]'
	inside /api /bin/busybox chroot $root /bin/busybox sleep 1000 3>&- &
	within 20 eval '[ -n "$(cat $CG/api/cgroup.procs)" ]'
	within 20 eval 'binding /api ".capabilities.used" | grep -q SYS_CHROOT'
	leastcap status --json --files /api >/tmp/status
	is 'true 0 41' "$(jq -r '.bindings[0].processes[0] | "\(.pid > 1) \(.uid) \(.permitted | length)"' /tmp/status)"
	is '["CHOWN","KILL"] 38 true false' "$(jq -r '.bindings[0] | "\(.drift.never_used) " +
		(.drift.not_allowed | "\(length) \(any(. == "SYS_ADMIN"))") + " \(.files.cut)"' /tmp/status)"
	is "$(printf '%s\n' '/bin/admin false ["CHOWN"] false' '/bin/raw false [] true' \
		'/bin/su true ["CHOWN","KILL","SYS_CHROOT"] false')" \
		"$(jq -r '.bindings[0].files.found[] | "\(.path) \(.setuid_root) \(.left) \(.harmless)"' /tmp/status)"
	leastcap status --files /api >/tmp/status
	grep -qE '^ +process +busybox\[[0-9]+\], uid 0$' /tmp/status
	grep -qE '^ +permitted, effective, bounding all$' /tmp/status
	grep -qE '^ +file +/bin/raw gives NET_RAW: harmless, none is left$' /tmp/status
	grep -qE '^ +never used +CHOWN, KILL$' /tmp/status
	run -2 leastcap status --files
	echo 1 >$CG/api/cgroup.kill
	wait
	umount $root/mnt
	rm -rf $root
	drop low
}

@test "status: what a thread behind hundreds of processes has is seen" {
	local root=/var/tmp/many-root
	small_root $root
	mkdir -p $CG/many
	policy many 'cgroup: /many' '[CHOWN, SYS_CHROOT, SETPCAP, NET_RAW]'
	inside /many /bin/busybox chroot $root /bin/probe bounded 300 3>&- &
	within 60 eval '[ "$(wc -l <$CG/many/cgroup.procs)" = 301 ]'
	leastcap status --json --files many >/tmp/status
	is '256 true 0 0 0' "$(jq -r '.bindings[0] | "\(.processes | length) \(.processes_more) \(.threads_unread) " +
		(.processes | "\(map(.bounding | length) | add) \(map(.permitted | length) | add)")' /tmp/status)"
	is '["CHOWN","NET_RAW"] /bin/raw ["NET_RAW"] false' "$(jq -r '.bindings[0] | "\(.drift.never_used) " +
		(.files.found[] | "\(.path) \(.left) \(.harmless)")' /tmp/status)"
	echo 1 >$CG/many/cgroup.kill
	wait
	within 20 eval '[ -z "$(cat $CG/many/cgroup.procs)" ]'
	run -0 --separate-stderr leastcap status --files many
	[[ $stderr == *"/many has no process now: its root is not known"* ]]
	rm -rf $root
	drop many
}

@test "a cgroup with a name that cannot be shown: its processes, its files, its refusals" {
	local root=/var/tmp/odd-root name=$'/odd-\e[2J' shown='/odd-\x1b[2J' who
	small_root $root
	mkdir -p "$CG$name"
	policy odd 'cgroup: "/odd-*"' '[CHOWN, SYS_CHROOT]'
	mark
	inside "$name" /bin/busybox chroot $root /bin/busybox sh -c 'read x </dac; while :; do sleep 1; done' 2>/dev/null 3>&- &
	denied DAC_OVERRIDE '.policy == "odd"'
	for who in odd "$name" "$shown"; do
		leastcap status --json "$who" | jq -e --arg shown "$shown" \
			'.bindings[0] | .cgroup == $shown and (.processes | length) > 0 and any(.drift.never_used[]; . == "CHOWN")'
		is "DAC_OVERRIDE true" "$(explained '.[0] | "\(.event.item) \(.process.pid == .event.process.pid)"' "$who")"
	done
	# Who may not open a cgroup by its number finds it all the same.
	setpriv --reuid 12345 --regid 12345 --groups "$(getent group leastcap | cut -d: -f3)" leastcap status --json odd |
		jq -e '.bindings[0].processes | length > 0'
	run -0 --separate-stderr leastcap status --json --files odd
	is '/bin/raw' "$(jq -r '.bindings[0].files.found[].path' <<<"$output")"
	is '' "$stderr"
	echo 1 >"$CG$name/cgroup.kill"
	wait
	rm -rf $root
	drop odd
}

@test "the report: who has what for nothing, and what to write" {
	local name=/page-$(printf '<script>&\033')
	mkdir "$CG$name"
	cat >$POLICIES/page.yaml <<-END
		policies:
		  - name: page
		    select:
		      - cgroup: "/page-*"
		    capabilities: [SYS_CHROOT, SYS_PTRACE, KILL]
		  - name: kept
		    select:
		      - cgroup: /kept
		    profile: container
	END
	mkdir $CG/kept
	api POST /v1/reload
	inside "$name" /bin/busybox chroot / /bin/busybox sleep 1000 3>&- &
	inside /kept /bin/busybox chroot / /bin/busybox sleep 1000 3>&- &
	within 20 eval 'leastcap status --json kept | jq -e ".bindings[0].capabilities.used == [\"SYS_CHROOT\"]" >/dev/null'
	within 20 eval 'leastcap status --json page | jq -e ".bindings[0].capabilities.used == [\"SYS_CHROOT\"]" >/dev/null'
	leastcap report --json >/tmp/report
	is 'used unused unused withheld' "$(jq -r '.subjects[] | select(.policy == "page") | .cells |
		"\(.SYS_CHROOT) \(.SYS_PTRACE) \(.KILL) \(.SYS_ADMIN)"' /tmp/report)"
	is 'SYS_PTRACE 3 1' "$(jq -r '.worst[0] | "\(.capability) \(.danger) \(.count)"' /tmp/report)"
	is "$POLICIES/page.yaml 5 capabilities: { allow: [SYS_CHROOT] }" \
		"$(jq -r '.tighter[] | select(.policy == "page") | .change | "\(.file) \(.line) \(.text)"' /tmp/report)"
	# The profile, which is written in line 9, is not what is replaced.
	is "6 null null capabilities: { allow: [SYS_CHROOT] }" \
		"$(jq -r '.tighter[] | select(.policy == "kept") | .change | "\(.line) \(.last_line) \(.replaces) \(.text)"' /tmp/report)"
	leastcap report | grep -qF "in $POLICIES/page.yaml, in the policy kept itself (line 6), beside"
	leastcap report | grep -qF "in $POLICIES/page.yaml, in place of 'capabilities' in line 5 (policy page)"
	leastcap report --html /tmp/report.html
	grep -qF "write in $POLICIES/page.yaml, in the policy kept itself (line 6), beside" /tmp/report.html
	grep -qF 'page-&lt;script&gt;&amp;\x1b' /tmp/report.html
	run -1 grep -iE '<script|http:|https:' /tmp/report.html
	grep -q '<td class="cell withheld"' /tmp/report.html
	is 640 "$(stat -c %a /tmp/report.html)"
	is /tmp/report.html "$(ls -d /tmp/report.html*)"
	leastcap report | grep -qE '^ +1 +SYS_PTRACE +policy page, 1 subject: could trace'
	run -1 leastcap report --html /nowhere/x
	run -2 leastcap report --json --html /tmp/x
	echo 1 >"$CG$name/cgroup.kill"
	echo 1 >$CG/kept/cgroup.kill
	wait
	rmdir $CG/kept
	rm $POLICIES/page.yaml
	api POST /v1/reload
}

@test "a log elsewhere, of a daemon that was started anew; a number that two events have; what fell quiet" {
	local n then now
	LOG=/var/log/leastcap/other.jsonl
	sed -i "s,^ExecStart=/.*,ExecStart=/usr/sbin/leastcapd --log-file $LOG --sample-interval 0 --quiet-after 1," \
		/etc/systemd/system/leastcapd.service.d/test.conf
	systemctl daemon-reload
	systemctl restart leastcapd
	mkdir -p $CG/other
	policy other 'cgroup: /other' '[CHOWN]'
	mark
	run -1 inside /other $PROBE setgroups
	run -1 inside /other $PROBE loop 20 sethostname
	denied SETGID
	eventually 20 eval '[ $(events ".item == \"SYS_ADMIN\"" | wc -l) = 20 ]'
	systemctl restart leastcapd
	# The daemon does not remember it any more.
	is SETGID "$(explained '[.[].event.item] | map(select(. == "SETGID"))[0]' /other)"
	mark
	run -1 inside /other $PROBE loop 20 chroot
	eventually 20 eval '[ $(events ".item == \"SYS_CHROOT\"" | wc -l) = 20 ]'
	n=$(events '.item == "SYS_CHROOT"' | jq -s '.[9].seq')
	now=$(events ".seq == $n" | jq -r .time)
	then=$(jq -r "select(.seq == $n) | .time" $LOG | head -n 1)
	[[ $then < $now ]]
	run -0 --separate-stderr leastcap explain --json "$n"
	is "$now SYS_CHROOT" "$(jq -r '.event | "\(.time) \(.item)"' <<<"$output")"
	[[ $stderr == *"event $n is the one of ${now:0:19} UTC, which the running daemon has told; 1 of other starts"* ]]
	run -0 --separate-stderr leastcap explain --json --log $LOG "$n"
	is "$now" "$(jq -r .event.time <<<"$output")"
	[[ $stderr == *"event $n is the one of ${now:0:19} UTC, the newest; 1 of other starts"* ]]
	leastcap sampling --interval 5s
	mark
	run -1 inside /other $PROBE loop 20 setgroups
	expect_event '.type == "quiet" and .item == "SETGID"'
	n=$(events '.type == "quiet" and .item == "SETGID"' | jq .seq)
	run -0 --separate-stderr leastcap explain --json "$n"
	is "denied SETGID $(events '.type == "denied" and .item == "SETGID"' | jq -s '.[-1].seq')" \
		"$(jq -r '.event | "\(.type) \(.item) \(.seq)"' <<<"$output")"
	[[ $stderr == *"event $n stands for 19 refusals behind event "*" of their kind"* ]]
	drop other
}
