#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# append: lsm=landlock,lockdown,yama,integrity,apparmor,bpf
# Booted with AppArmor, as Debian is: leastcap says who refuses, and it is so.

load ../common

setup_file() {
	load ../common
	fresh_daemon --sample-interval 0
	mkdir -p $CG/t
	profile enforce 'audit deny capability sys_chroot,' 'audit deny /dac r,'
}
teardown_file() { load ../common; stop_daemon; }
teardown() {
	drop t held mounts
	docker rm -f held >/dev/null 2>&1 || true
}

# profile MODE [RULE...]: everything but what the rules deny. What is denied is denied in complain mode, too.
profile() {
	apparmor_parser --replace --skip-cache <<-END
		profile held flags=(attach_disconnected, mediate_deleted, $1) {
		  capability, file, network, mount, umount, pivot_root, signal, ptrace, unix, dbus,
		  ${*:2}
		}
	END
}

# by_profile COMMAND...: in the cgroup /t and under the profile.
by_profile() { inside /t /usr/bin/aa-exec -p held -- "$@"; }

# verdicts: of chroot() by the probe, under the profile and without it.
verdicts() {
	leastcap trace --json --cap SYS_CHROOT /t >/tmp/trace 3>&- &
	within 60 grep -q started /tmp/trace
	by_profile $PROBE chroot >/dev/null || true
	inside /t $PROBE chroot >/dev/null || true
	kill -INT $!
	wait $!
	jq -r 'select(.syscall == "chroot").verdict' /tmp/trace | xargs
}

@test "a capability that AppArmor refuses: trace says that another module does; leastcap's events know nothing of it" {
	[[ $(cat /sys/kernel/security/lsm) == *apparmor,bpf ]]
	outcome 0 inside /t $PROBE chroot
	outcome 1 by_profile $PROBE chroot
	is 'refused allowed' "$(verdicts)"
	# It is asked first: what leastcap would refuse as well is not leastcap's refusal.
	policy t 'cgroup: /t' '[CHOWN]'
	mark
	outcome 1 by_profile $PROBE chroot
	outcome 1 inside /t $PROBE chroot
	denied SYS_CHROOT
	is 1 "$(events '.item == "SYS_CHROOT"' | wc -l)"
	is 'denied denied' "$(verdicts)"
	# In the policy's list it is still AppArmor's.
	policy t 'cgroup: /t' '[CHOWN, SYS_CHROOT]'
	is 'refused allowed' "$(verdicts)"
	drop t
	outcome 1 by_profile $PROBE chroot
}

# told COMMAND: that the profile has refused the file.
told() { bash -c "$1" | grep 'profile="held" name="/dac"'; }

@test "explain says that AppArmor holds a container, too: without the policy it still refuses, and says so where explain says" {
	local hint
	probe_image
	docker run -d --name held --security-opt apparmor=held probe sh -c ': >/dac; chown 5:5 /dac; chmod 0 /dac; n=0
		while sleep 0.2; do [ ! -e /go$((n + 1)) ] || { n=$((n + 1)); true </dac && echo "through $n"; }; done'
	policy held 'container: { name: held }' '[CHOWN]'
	mark
	docker exec held touch /go1
	denied DAC_OVERRIDE '.subject.name == "held"'
	leastcap explain --json >/tmp/explanation
	is 'AppArmor held (enforce) true' "$(jq -r '.process.confinement | "\(.by) \(.label) \(.enforces)"' /tmp/explanation)"
	hint=$(jq -r '.hints[] | select(contains("AppArmor confines"))' /tmp/explanation)
	[[ $hint == *"what leastcap allows it may still refuse"* ]]
	# What it names finds nothing yet.
	is '' "$(told "${hint##*: }")"
	drop held
	docker exec held touch /go2
	within 20 eval '[ "$(told "${hint##*: }")" ]'
	is '' "$(docker logs held)"
	# In complain mode it refuses nothing, and that is not said of it.
	profile complain
	docker exec held touch /go3
	within 20 eval 'docker logs held | grep -qx "through 3"'
	policy held 'container: { name: held }' '[CHOWN]'
	mark
	docker exec held touch /go4
	denied DAC_OVERRIDE '.subject.name == "held"'
	is 'held (complain) false 0' "$(leastcap explain --json | jq -r '(.process.confinement | "\(.label) \(.enforces) ") +
		"\([.hints[] | select(contains("AppArmor"))] | length)"')"
	drop held
}

# mounting OPTION...: what a container with SYS_ADMIN hears.
mounting() { docker run --rm --name held --cap-add SYS_ADMIN "$@" probe mount -t tmpfs none /mnt 2>&1; }

# What busybox says where the errno is EPERM, leastcap's; AppArmor's is EACCES.
@test "Docker's own profile refuses mounts before leastcap is asked, and without leastcap" {
	probe_image
	cat >/tmp/mounts.yaml <<-END
		policies:
		  - name: mounts
		    select: [any: container]
		    capabilities: all
		    mounts: deny
	END
	[[ $(mounting) == *'Permission denied' ]]
	is '' "$(mounting --security-opt apparmor=unconfined)"
	leastcap apply /tmp/mounts.yaml
	mark
	[[ $(mounting) == *'Permission denied' ]]
	[[ $(mounting --security-opt apparmor=unconfined) == *'(are you root?)' ]]
	expect_event '.type == "denied" and .item == "mount" and .policy == "mounts"'
	is 1 "$(events '.type == "denied" and .restriction == "mounts"' | wc -l)"
	drop mounts
}
