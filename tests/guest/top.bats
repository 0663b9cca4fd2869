#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# leastcap top, driven as a person drives it: in a terminal (tmux) of 80x24, and what is on the screen is looked at.

load common

EVIL=$'evil\e[2J'

setup_file() {
	load common
	fresh_daemon
	mkdir -p $CG/top/busy/in $CG/top/heard "$CG/top/$EVIL"
	cat >$POLICIES/top.yaml <<-END
		policies:
		  - name: web
		    select:
		      - cgroup: /top/busy
		    capabilities: { allow: [SYS_CHROOT] }
		    mounts: deny
		  - name: trial
		    select:
		      - cgroup: /top/heard
		      - cgroup: "/top/evil*"
		    mode: audit
		    capabilities: none
	END
	api POST /v1/reload
	# Some refusals a second, and some that are only reported, until the file is there.
	rm -f /tmp/quiet
	printf '%s\n' 'while [ ! -e /tmp/quiet ]; do' "$PROBE sethostname; sleep 0.3" done >/tmp/loop
	for cgroup in busy/in heard; do
		inside /top/$cgroup /bin/busybox sh /tmp/loop >/dev/null 2>&1 3>&- &
	done
	inside "/top/$EVIL" /bin/busybox sleep 1000 3>&- &
	tmux -L top -f /dev/null new-session -d -x 80 -y 24 /bin/sh 3>&-
}
teardown_file() {
	load common
	touch /tmp/quiet
	tmux -L top kill-server
	echo 1 >"$CG/top/$EVIL/cgroup.kill"
	stop_daemon
}

key() {
	tmux -L top send-keys "$@"
}

resize() {
	tmux -L top resize-window -x "$1" -y "$2"
}

# has PATTERN: the screen that was looked at last has it. "^" and "$" are the ends of a line, ".*" stays within one.
has() {
	local re=${1/#^/$'\n'}
	re=${re/%\$/ *$'\n'}
	[[ $SCREEN =~ ${re//.\*/[^$'\n']*} ]]
}

look() {
	SCREEN=$'\n'$(tmux -L top capture-pane -p "$@")$'\n'
}

# until_screen WORD PATTERN...: within some seconds one screen has all of them, or none.
until_screen() {
	local word=$1 end=$((SECONDS + 20)) bad pattern
	shift
	while :; do
		look
		bad=
		for pattern; do
			if [ "$word" = has ]; then has "$pattern" || bad=$pattern; else ! has "$pattern" || bad=$pattern; fi
		done
		[ "$bad" ] || return 0
		[ $SECONDS -lt $end ] || break
		sleep 0.1
	done
	echo "the screen never $word: $bad"
	echo "$SCREEN"
	return 1
}
sees() { until_screen has "$@"; }
lacks() { until_screen lacks "$@"; }

# first PATTERN: the first row of the table.
first() {
	sees "^SUBJECT.*"$'\n'"$1"
}

@test "80x24: rates, order, a filter, a name that would clear the screen, help, a subject, a resize" {
	key 'stty -g >/tmp/before; leastcap top --delay 1s; echo ended with $?' Enter
	# What is refused most is first, and it is a rate, not a sum.
	first '/top/busy +web +enforce +[1-9][0-9]*\.[0-9] +0\.0 +[1-9]'
	sees '^/top/heard +trial +audit +0\.0 +[1-9][0-9]*\.[0-9] +0 +[1-9]' '^leastcap top .* enforcing +every 1s$' \
		'^3 subjects  denied [1-9][0-9]*, [1-9][0-9.]*/s  would deny [1-9][0-9]*, [1-9]' '^/top/evil\\x1b\[2J +trial +audit +0\.0' \
		'^q Quit  h Help  / Filter .* c Checks$'
	is 24 "$(tmux -L top capture-pane -p | wc -l)"
	# By the next column, the other way round, and by name.
	key '>'
	first /top/heard
	key r
	first '/top/(busy|evil)'
	key '<<<<'
	first /top/heard
	sees '^SUBJECT\^'
	key r
	first /top/busy
	# A text filters while it is typed.
	key /trial
	sees '^Filter: trial_' '^3 subjects \(2 shown\)'
	outcome 1 has /top/busy
	key Escape
	sees ^/top/busy
	key h
	sees 'UNUSED +\.\.\. that it has, may use, and has never used'
	# All about one.
	key x /busy Enter Enter
	sees '^/top/busy: policy web, enforce$' '^allowed +SYS_CHROOT$' '^denied +SYS_ADMIN$' '^capabilities +[1-9][0-9]* +0  deny$'
	# Larger: what did not fit is there.
	resize 132 50
	sees '^mounts +0 +0  deny$' '[0-9:]{8} denied +SYS_ADMIN in sethostname\(\) by probe\[[0-9]+\]' \
		'^ *[0-9]+ +0  busybox +all$'
	# Also of one whose name is not shown as it is.
	key Escape
	sees ^SUBJECT
	key Escape
	sees ^/top/evil
	key /evil Enter Enter
	sees '^/top/evil\\x1b\[2J: policy trial' '^ *[0-9]+ +0  busybox +all$'
	key Escape
	sees ^SUBJECT
	key Escape
	sees ^/top/busy
	key /busy Enter Enter
	sees '^/top/busy: policy web'
	key Escape
	sees '^SUBJECTv? .* UNUSED CGROUP$'
	resize 60 10
	sees '^Filter: busy '
	is 10 "$(tmux -L top capture-pane -p | wc -l)"
	outcome 1 has UNUSED
	resize 80 24
	key Escape
	sees '^q Quit .* c Checks$'
	# Paused, nothing moves.
	key ' '
	sees 'PAUSED  every 1s$'
	local before=$SCREEN
	sleep 1.5
	look
	is "$before" "$SCREEN"
	key ' '
	lacks PAUSED
	outcome 1 [ "$before" = "$SCREEN" ]
}

@test "checks are counted while that is wanted; the daemon goes and comes back; the terminal is as it was" {
	key c
	sees '^SUBJECT.* SEEN/S' '^/top/busy +web +enforce +[1-9][0-9]*\.[0-9] +[1-9]'
	bpftool prog | grep -q lc_trace
	key c
	lacks SEEN/S
	eventually 10 sh -c '! bpftool prog | grep -q lc_trace'
	systemctl stop leastcapd
	sees '^daemon not running; read from the kernel, what is bound stays bound$' \
		'^/top/busy +web +enforce +[1-9][0-9]*\.[0-9] '
	run -1 setpriv --reuid 1000 --clear-groups leastcap top --once
	[[ $output == *"the daemon is not running; only root may read the kernel's maps"* ]]
	systemctl start leastcapd
	lacks 'daemon not running'
	sees '^/top/busy +web +enforce +[1-9][0-9]*\.[0-9] '
	# One that does not answer holds up no key.
	local daemon
	daemon=$(systemctl show -P MainPID leastcapd)
	kill -STOP "$daemon"
	sees '^waiting for an answer for [0-9]+s$'
	key h
	sees '^Any key goes back'
	key xq
	sees '^ended with 0$'
	kill -CONT "$daemon"
	# What was there before, with the cursor, and with the settings of the terminal.
	sees '^[#$] stty -g'
	outcome 1 has SUBJECT
	is '1 0' "$(tmux -L top display -p '#{cursor_flag} #{alternate_on}')"
	key clear Enter 'stty -g | cmp - /tmp/before && echo the "same"' Enter
	sees 'the same$'
}

# selects NAME: a row that begins so is in reverse.
selects() {
	look -e
	has $'\e\\[([0-9]+;)*7m'"$1"
}

COLOURS=$'\e\\[([0-9]+;)*[34][0-7](;[0-9]+)*m'

@test "without colours, and with them" {
	key clear Enter 'leastcap top --delay 1s' Enter
	first '/top/busy .* [1-9][0-9]*\.[0-9] +0\.0'
	look -e
	has "$COLOURS"
	key C-c
	lacks SUBJECT
	local without
	for without in NO_COLOR=1 TERM=vt100; do
		key clear Enter "$without leastcap top --delay 1s; echo ended with \$?" Enter
		first '/top/busy .* [1-9][0-9]*\.[0-9] +0\.0'
		key Down
		look -e
		outcome 1 has "$COLOURS"
		# What is selected is marked all the same.
		eventually 20 selects /top/
		key Enter
		sees '^granted +'
		key qq
		sees '^ended with 0$'
	done
	key clear Enter 'TERM=dumb leastcap top; echo ended with $?' Enter
	sees "the terminal 'dumb' cannot be drawn on" '^ended with 1$'
}

@test "without a terminal: once, as JSON, and wrong use" {
	run -2 leastcap top
	[[ $output == *"top needs a terminal; without one: --once for a table, --json for programs"* ]]
	run -0 leastcap top --once --delay 1s --sort subject
	[[ $output == *$'\n'SUBJECT*$'\n'/top/busy*$'\n'/top/evil'\x1b[2J'*$'\n'/top/heard* ]]
	leastcap top --json --count 2 --delay 1s --filter busy >/tmp/top.jsonl
	is '2 true 1 /top/busy web true true null' "$(jq -rs '"\(length) \(.[1].enforcing) \(.[1].subjects | length) \(
		.[1].subjects[0] | "\(.cgroup) \(.policy) \(.denied > 0) \(.denied_per_second > 0) \(
		.seen_per_second)")"' /tmp/top.jsonl)"
	run -2 leastcap top --sort denid
	[[ $output == *"no column 'denid', did you mean 'denied'?"* ]]
	run -2 leastcap top --delay 0s
	run -2 leastcap top --count 0 --json
	run -2 leastcap top /top/busy
}
