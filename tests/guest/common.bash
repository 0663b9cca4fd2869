# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the tests in guests share. A test of a refusal has three parts: the same act succeeds before the policy
# (or outside of it), the exact errno under it, and leastcap's own event.

bats_require_minimum_version 1.5.0

PROBES=/opt/probes
PROBE=$PROBES/probe
# busybox' static ones: starting a program that has to be linked costs an emulated guest three times as much.
PATH=$PROBES/applets:$PATH
CG=/sys/fs/cgroup
POLICIES=/etc/leastcap/policies.d
LOG=/var/log/leastcap/events.jsonl

# The probes as plain files of the guest: they are bind-mounted into containers, and get modes and capabilities.
install_probes() {
	local applet
	[ -x $PROBE ] || {
		mkdir -p $PROBES
		cp "$LEASTCAP_BUILD"/tests/guest/probes/{probe,first,events} $PROBES/
		mkdir $PROBES/applets
		for applet in cat chmod chown cp head ln mkdir mv rm rmdir seq sleep tail touch wc; do
			ln -s /bin/busybox $PROBES/applets/$applet
		done
		# Debian 12's jq takes a hundred times as long to start.
		ln -s /usr/bin/gojq $PROBES/applets/jq
	}
	touch /tmp/probe-dac
	chown 5:5 /tmp/probe-dac
	chmod 0 /tmp/probe-dac
}

# What the daemon has told so far is validated on the host: see tests/guest/suite.
keep_events() {
	[ ! -f $LOG ] || $PROBES/events sample $LOG >>/var/tmp/events.kept
}

# A daemon with nothing in force, its options in $*.
fresh_daemon() {
	install_probes
	keep_events
	systemctl stop leastcapd 2>/dev/null || true
	leastcap unload >/dev/null 2>&1 || true
	rm -rf /var/lib/leastcap/* "${POLICIES:?}"/* /var/log/leastcap/*
	mkdir -p /etc/systemd/system/leastcapd.service.d
	cat >/etc/systemd/system/leastcapd.service.d/test.conf <<-END
		[Unit]
		StartLimitIntervalSec=0
		[Service]
		ExecStart=
		ExecStart=/usr/sbin/leastcapd $*
	END
	systemctl daemon-reload
	systemctl reset-failed leastcapd 2>/dev/null || true
	systemctl start leastcapd
}

stop_daemon() {
	systemctl stop leastcapd
	leastcap unload >/dev/null
	! ls /sys/fs/bpf/leastcap 2>/dev/null
}

# policy NAME SELECTOR CAPABILITIES [MODE]: applies, e.g. policy web 'cgroup: /web' '[CHOWN]'
policy() {
	local file
	file=$(mktemp --suffix=.yaml)
	cat >"$file" <<-END
		policies:
		  - name: $1
		    select:
		      - $2
		    mode: ${4:-enforce}
		    capabilities: $3
	END
	leastcap apply "$file"
	local status=$?
	rm -f "$file"
	return $status
}

# learning NAME SELECTOR: the lines of a policy that lets everything be, and has the kernel remember it.
learning() {
	printf '  - name: %s\n    select:\n      - %s\n    mode: audit\n    capabilities: none\n' "$1" "$2"
	printf '    %s: audit\n' mounts modules devices attributes filesystems namespaces bpf sockets
}

# drop NAME...: removes policies, also where there are none.
drop() {
	local name
	for name; do leastcap remove "$name" >/dev/null 2>&1 || true; done
}

# Where the log ends now: events are looked for behind it.
mark() {
	MARK=$($PROBES/events size $LOG)
}

# events FILTER: events since mark that match, one a line.
events() {
	local status=0
	$PROBES/events find $LOG "$MARK" "$1" || status=$?
	[ $status -lt 2 ]
}

# expect_event FILTER: there is such an event since mark, within some seconds: an emulated guest may be busy.
expect_event() {
	! $PROBES/events wait $LOG "$MARK" "$1" 15 >/dev/null || return 0
	echo "no event with: $1"
	echo "events since the mark:"
	tail -c "+$((MARK + 1))" "$LOG" | tail -n 20
	return 1
}

# denied CAPABILITY [MORE]: leastcap's own event of a refusal.
denied() {
	expect_event ".type == \"denied\" and .item == \"$1\"${2:+ and ($2)}"
}

# binding SUBJECT FILTER: a value of its status.
binding() {
	leastcap status --json "$1" | jq -rc ".bindings[0]$2"
}

# is WANTED GOT
is() {
	[ "$1" = "$2" ] || {
		echo "wanted: $1"
		echo "got:    $2"
		return 1
	}
}

# outcome N COMMAND...: the command ends with status N.
outcome() {
	local wanted=$1 status=0
	shift
	"$@" || status=$?
	[ "$status" -eq "$wanted" ] || {
		echo "status $status, wanted $wanted: $*"
		return 1
	}
}

# eventually SECONDS COMMAND...: the command succeeds within that time.
eventually() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -le $end ] || {
			echo "never succeeded: $*"
			"$@"
			return 1
		}
		sleep 0.1
	done
}

# api METHOD PATH [CURL-ARG...]: prints the body and, last, a line with the HTTP status.
api() {
	local method=$1 path=$2
	shift 2
	curl -sS --max-time 60 --unix-socket /run/leastcap/leastcap.sock -X "$method" -w '\n%{http_code}\n' "$@" \
		"http://localhost$path"
}

# inside CGROUP COMMAND...: executed in a cgroup, moved in from outside.
inside() {
	local cgroup=$1
	shift
	"$PROBE" join-exec "$CG$cgroup" "$@"
}

# kinds CGROUP N: so many refusals, each of SYS_ADMIN and the first of its kind, as it is by a program of its own.
kinds() {
	local dir n
	dir=$(mktemp -d)
	chmod 755 "$dir"
	for ((n = 0; n < $2; n++)); do cat $PROBES/first >"$dir/$n"; done
	chmod 755 "$dir"/*
	# shellcheck disable=SC2016 # the other shell's
	inside "$1" /bin/bash -c 'for program in "$0"/*; do "$program"; done; exit 0' "$dir"
}

# A Docker image "probe" of busybox with the probes in it.
probe_image() {
	[ -z "$(docker images -q probe)" ] || return 0
	local dir
	dir=$(mktemp -d)
	tar -C "$dir" -xf /usr/share/leastcap-guest/busybox.tar
	cp $PROBE $PROBES/first "$dir/bin/"
	tar -C "$dir" -c . | docker import - probe >/dev/null
	rm -rf "$dir"
}

# The cgroup of a Docker container.
docker_cgroup() {
	echo "/system.slice/docker-$(docker inspect -f '{{.Id}}' "$1").scope"
}

# within SECONDS COMMAND...: the command succeeds in the end.
within() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || {
			echo "not in time: $*"
			return 1
		}
		sleep 0.5
	done
}

# remove_cgroups CGROUP...: what was in one may be about to end.
remove_cgroups() {
	local cgroup
	for cgroup; do within 20 rmdir "$CG/$cgroup" 2>/dev/null; done
}

# container_id N: what runtimes call a container.
container_id() {
	printf '%064x' "$1"
}

# bundle DIR CGROUP CAPABILITIES COMMAND...: an OCI bundle of busybox and the probes, e.g.
# bundle /tmp/web "/web/$(container_id 1)" '["CAP_CHOWN"]' probe chown
bundle() {
	local dir=$1 cgroup=$2 capabilities=$3 rootfs=/var/tmp/rootfs
	shift 3
	[ -d $rootfs ] || {
		mkdir $rootfs
		tar -C $rootfs -xf /usr/share/leastcap-guest/busybox.tar
		cp $PROBE $PROBES/first $rootfs/bin/
	}
	rm -rf "$dir"
	mkdir "$dir"
	runc spec --bundle "$dir"
	jq --arg cgroup "$cgroup" --arg rootfs $rootfs --argjson capabilities "$capabilities" '
		.root.path = $rootfs | .linux.cgroupsPath = $cgroup | .process.args = $ARGS.positional |
		.process.terminal = false | .process.capabilities |= map_values($capabilities)
	' "$dir/config.json" --args -- "$@" >"$dir/new"
	mv "$dir/new" "$dir/config.json"
}

# service NAME: a unit file from stdin.
service() {
	cat >"/etc/systemd/system/$1"
	systemctl daemon-reload
}

# forget_services NAME...: none of them was ever there. Nothing to do if the first is not there.
forget_services() {
	local name
	[ -e "/etc/systemd/system/$1" ] || return 0
	for name; do
		systemctl stop "$name" 2>/dev/null || true
		systemctl reset-failed "$name" 2>/dev/null || true
		rm -f "/etc/systemd/system/$name"
	done
	systemctl daemon-reload
}
