#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# A container that works all the time, and a policy that would break it: tried out, shadowed, promoted, on trial, disarmed.
# The same of cgroups, in more detail: change.bats, confirm.bats.

load common

DIR=/tmp/trial

setup_file() {
	load common
	# An emulated guest may take longer than the default to set a container up.
	fresh_daemon --entering-limit 600
	probe_image
	# Podman tells labels over it alone.
	systemctl start podman.socket
	mkdir -p $DIR
	touch $DIR/go
	docker run -d --name trial --label trial=yes --network none --cap-add SYS_ADMIN --security-opt seccomp=unconfined \
		-v $DIR:/trial probe probe watch /trial/go sethostname >/dev/null
	form all
	leastcap apply $DIR/trial.yaml
	within 30 eval 'used trial | grep -q SYS_ADMIN'
}
teardown_file() {
	load common
	rm -f $DIR/go
	docker rm -f trial >/dev/null
	podman rm -f -t 0 trial-p >/dev/null 2>&1 || true
	systemctl stop podman.socket podman.service
	stop_daemon
	rm -rf $DIR
}
setup() { mark; }
teardown() {
	systemctl start leastcapd
	leastcap confirm >/dev/null 2>&1 || true
	leastcap rearm >/dev/null 2>&1 || true
	leastcap remove --shadow trial >/dev/null 2>&1 || true
	form all
	leastcap apply $DIR/trial.yaml
}

# form CAPABILITIES: the policy of the container, and of Podman's, by their label.
form() {
	cat >$DIR/trial.yaml <<-END
		policies:
		  - name: trial
		    select:
		      - container: { label: { trial: "yes" } }
		    capabilities: $1
	END
}
subject() { docker inspect -f '{{.Id}}' trial; }
used() { binding "$(docker inspect -f '{{.Id}}' "$1")" .capabilities.used; }
refused() { binding "$(subject)" .counters.denied; }

# Is what it does refused, now? Then the count goes on; it does not where it is allowed.
breaks() {
	local before
	before=$(refused)
	within 20 eval "[ \$(refused) -gt $before ]"
	docker inspect -f '{{.State.Running}}' trial | grep -qx true
}
works() {
	local before
	before=$(refused)
	sleep 1
	is "$before" "$(refused)"
	docker inspect -f '{{.State.Running}}' trial | grep -qx true
}

@test "a dry run says what of its work would be refused" {
	form '[CHOWN]'
	is "[\"$(docker_cgroup trial)\",true,[\"SYS_ADMIN\"]]" "$(leastcap apply --dry-run --json $DIR/trial.yaml |
		jq -c '.subjects[0] | [.cgroup, .history, .refused.capabilities]')"
	works
}

@test "a shadow reports it and breaks nothing; promoted it breaks it" {
	form '[CHOWN]'
	leastcap apply --shadow $DIR/trial.yaml
	expect_event ".type == \"would-deny\" and .shadow and .policy == \"trial\" and .item == \"SYS_ADMIN\" and .subject.container == \"$(subject)\""
	works
	leastcap promote trial
	breaks
	denied SYS_ADMIN ".policy == \"trial\" and .subject.container == \"$(subject)\""
}

@test "on trial it comes back by itself: over the daemon's death, and when the daemon is told to end" {
	form '[CHOWN]'
	leastcap apply --confirm 40s $DIR/trial.yaml
	systemctl kill -s KILL leastcapd
	breaks
	# systemd starts it again.
	within 20 systemctl is-active -q leastcapd
	[ "$(leastcap status --json | jq .confirm)" != null ]
	within 60 eval '[ "$(leastcap status --json | jq .confirm)" = null ]'
	expect_event '.type == "policy" and .action == "rolled-back" and .policy == "trial"'
	works
	leastcap apply --confirm 10m $DIR/trial.yaml
	breaks
	mark
	systemctl stop leastcapd
	works
	is rolled-back "$(events '.type == "policy"' | jq -r .action)"
	systemctl start leastcapd
	is null "$(leastcap status --json | jq .confirm)"
	works
}

@test "disarmed it works again, until that ends by itself" {
	form '[CHOWN]'
	leastcap apply $DIR/trial.yaml
	breaks
	leastcap disarm --for 30s --reason trial
	works
	expect_event '.type == "would-deny" and .item == "SYS_ADMIN"'
	within 60 eval '[ "$(leastcap status --json | jq .disarmed)" = null ]'
	breaks
}

@test "a container of Podman: shadow, promote, trial" {
	local id said
	id=$(podman run -d --name trial-p --label trial=yes --network none --cap-add SYS_ADMIN --security-opt seccomp=unconfined \
		-v $PROBES:/probes:ro -v $DIR:/trial busybox /probes/probe watch /trial/go sethostname)
	within 60 eval '[ "$(binding '"$id"' .policy)" = trial ]'
	form '[CHOWN]'
	leastcap apply --shadow $DIR/trial.yaml
	expect_event ".type == \"would-deny\" and .shadow and .subject.container == \"$id\""
	is 0 "$(binding "$id" .counters.denied)"
	leastcap promote trial
	denied SYS_ADMIN ".subject.container == \"$id\""
	form all
	leastcap apply --confirm 20s $DIR/trial.yaml
	is all "$(leastcap list --json | jq -r '.policies[] | select(.name == "trial") | .written.capabilities.allow')"
	within 60 eval '[ "$(leastcap status --json | jq .confirm)" = null ]'
	expect_event '.type == "policy" and .action == "rolled-back"'
	said=$(binding "$id" .counters.denied)
	within 20 eval '[ "$(binding '"$id"' .counters.denied)" -gt '"$said"' ]'
}
