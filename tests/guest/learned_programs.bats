#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Servers of Debian's packages: what is learned under load is enough to stop, to start and to work, and nothing of it
# can be left out. What was learned is in the output.

load common

OUT=/tmp/learned
PSQL=/usr/lib/postgresql/15/bin/psql

setup_file() {
	load common
	fresh_daemon --hold-start
	mkdir -p $OUT /run/systemd/system
	{
		echo policies:
		learning nginx 'container: { name: nginx }'
		learning redis 'container: { name: redis }'
		learning postgresql 'unit: "postgresql@15-main.service"'
		learning sshd 'unit: ssh.service'
		learning cron 'unit: cron.service'
		learning chrony 'unit: chrony.service'
	} >$OUT/all.yaml
	leastcap apply $OUT/all.yaml
	# A login is sshd's work. That it brings up a manager for the user is systemd's, and takes longer.
	ln -sf /dev/null /run/systemd/system/user@.service
	rm -f /run/nologin
	ssh-keygen -q -t ed25519 -N '' -f $OUT/key
	install -d -m 700 -o tester -g tester ~tester/.ssh
	install -m 600 -o tester -g tester $OUT/key.pub ~tester/.ssh/authorized_keys
	echo '@reboot root id -un >/var/tmp/by-root' >/etc/cron.d/learned
	echo '@reboot id -un >/var/tmp/by-tester' | crontab -u tester -
	printf 'local\nmanual\nallow\n' >/etc/chrony/conf.d/learned.conf
	systemctl daemon-reload
}
teardown_file() {
	load common
	systemctl stop postgresql@15-main ssh cron chrony
	docker rm -f nginx redis >/dev/null
	crontab -u tester -r
	rm -rf $OUT /etc/cron.d/learned /etc/chrony/conf.d/learned.conf ~tester/.ssh /run/systemd/system/user@.service
	systemctl daemon-reload
	stop_daemon
}
setup() { mark; }

# explained NAME CAPABILITY: among what was refused there, by whom, and what to write.
explained() {
	leastcap explain --json "$1" | jq -e --arg name "$1" --arg cap "$2" 'any(.event.item == $cap and
		.refused_by.policy == $name and (.changes[0].text | contains($cap)))' >/dev/null
}

# works_again NAME: it stops, starts and works.
works_again() {
	"${1}_starts"
	"${1}_works"
}

# without NAME CAPABILITY COMMAND...: of what was learned all but that; the command is refused it, and it is explained.
without() {
	local name=$1 cap=$2 revision
	shift 2
	sed "/^ *- $cap\$/d" $OUT/learned.yaml >$OUT/less.yaml
	outcome 1 cmp -s $OUT/learned.yaml $OUT/less.yaml
	mark
	leastcap apply $OUT/less.yaml
	revision=$(leastcap list --json | jq --arg name "$name" '.policies[] | select(.name == $name).revision')
	"$@" >/dev/null 2>&1 3>&- || true
	# A policy of a container that does not run is not in force, and has no revision until one does.
	[ "$revision" = 0 ] && revision='' || revision=" and .revision == $revision"
	denied "$cap" ".policy == \"$name\"$revision"
	explained "$name" "$cap"
}

# suffices NAME CAPABILITY ACT: with NAME_starts and NAME_works, which can be done again and again. Without the capability
# ACT is refused it. The long form leaves out every one that was learned, one after the other.
suffices() {
	local name=$1 cap=$2 act=$3 learned begin=$MARK
	works_again "$name"
	leastcap suggest "$name" -o $OUT/learned.yaml
	learned=$(sed -nE 's/^ {8}- ([A-Z_]+)$/\1/p' $OUT/learned.yaml | xargs)
	echo "# $name: $learned; $(sed -nE 's/^ +([a-z0-9-]+): allow.*/\1/p' $OUT/learned.yaml | xargs)" >&3
	leastcap apply $OUT/learned.yaml
	works_again "$name"
	is 'enforce 0' "$(leastcap status --json "$name" | jq -r '.bindings | (map(.counters.denied) | add) as $denied |
		map(select(.gone | not))[0] | "\(.mode) \($denied)"')"
	without "$name" "$cap" "$act"
	# Of those that ended under what was learned, too.
	MARK=$begin
	is '' "$(events ".type == \"denied\" and .policy == \"$name\" and .revision == 2")"
	[ "${SOAK:-}" ] || return 0
	for cap in $learned; do
		echo "# $name without $cap" >&3
		without "$name" "$cap" works_again "$name"
	done
	leastcap apply $OUT/learned.yaml
	works_again "$name"
}

# container NAME COMMAND...: the one that runs ends, and a new one begins.
container() {
	local name=$1
	shift
	! docker stop -t 5 "$name" 2>/dev/null || docker rm "$name"
	docker run -d --name "$name" --network host debian:guest "$@"
}

nginx_starts() { container nginx nginx -g 'daemon off;'; }
# Without a capability there may be no worker that answers, and a master that listens.
nginx_serves() {
	is 20 "$(curl -fsS --fail-early --max-time 5 'http://127.0.0.1/?[1-20]' | grep -c '<title>Welcome to nginx')"
}
nginx_reloads() { pkill -HUP -xo nginx; }
nginx_works() {
	within 20 nginx_serves
	nginx_reloads
	sleep 1
	nginx_serves
}

@test "nginx in a container: requests, new workers" {
	suffices nginx SETUID nginx_reloads
}

# As its image does it: root gives itself up.
redis_starts() {
	container redis setpriv --reuid redis --regid redis --init-groups redis-server --dir /var/lib/redis
}
redis_answers() {
	{
		printf 'SET key value\r\nGET key\r\nSAVE\r\n' >&5
		# shellcheck disable=SC2016 # a length
		is '+OK $5 value +OK' "$(timeout 5 head -n 4 <&5 | tr -d '\r' | xargs)"
	} 5<>/dev/tcp/127.0.0.1/6379
}
redis_works() { within 20 redis_answers; }

@test "redis in a container: written, read and saved" {
	suffices redis SETGID redis_starts
}

postgresql_starts() { systemctl restart postgresql@15-main; }
postgresql_stops() { systemctl stop postgresql@15-main; }
postgresql_works() {
	(
		cd /
		runuser -u postgres -- $PSQL -qX -v ON_ERROR_STOP=1 <<-END
			drop table if exists numbers;
			drop role if exists tester;
			create role tester login;
			create table numbers as select generate_series(1, 1000) as n;
			grant select on numbers to tester;
			checkpoint;
		END
		is 500500 "$(runuser -u tester -- $PSQL -tAX -d postgres -c 'select sum(n) from numbers')"
	)
}

@test "PostgreSQL, a unit: a table by its owner, read by another user" {
	suffices postgresql SETUID postgresql_stops
}

sshd_starts() { systemctl restart ssh; }
sshd_works() {
	is tester "$(ssh -i $OUT/key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR \
		-o ConnectTimeout=20 tester@127.0.0.1 id -un </dev/null)"
}

@test "sshd, a unit: a login with a key" {
	suffices sshd SYS_CHROOT sshd_works
}

# Jobs of @reboot run when cron starts for the first time; which that is, a file says.
cron_starts() {
	rm -f /run/crond.reboot /var/tmp/by-{root,tester}
	systemctl restart cron
}
cron_works() { eventually 20 grep -qx tester /var/tmp/by-tester && eventually 20 grep -qx root /var/tmp/by-root; }

@test "cron, a unit: a job of root's and one of a user's" {
	suffices cron SETGID cron_starts
}

chrony_starts() { systemctl restart chrony; }
chrony_steps() { is '200 OK' "$(chronyc makestep)"; }
# As a client of NTP 3 asks, who asks again where an answer takes longer than a second.
chrony_answers() { is 48 "$( (printf '\x1b'; head -c 47 /dev/zero) | nc -u -w 1 127.0.0.1 123 | wc -c)"; }
chrony_works() {
	chrony_steps
	runuser -u tester -- chronyc -h 127.0.0.1 tracking | grep -q '^Leap status *: Normal$'
	within 10 chrony_answers
}

@test "chrony, a unit: the clock is set, and told" {
	suffices chrony SYS_TIME chrony_steps
}
