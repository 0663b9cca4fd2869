#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# Which subjects a policy is for: containers by what their runtime knows of them, pods, units and cgroups by patterns.
# Many containers at once: crowd.bats.

load common

setup_file() {
	load common
	# An emulated guest may take longer than the default to set a container up.
	fresh_daemon --entering-limit 600
	# Debian has it listen from the start: what is known of a container of Podman would depend on how soon its API is up.
	systemctl stop podman.socket podman.service
	probe_image
	leastcap apply <<-'END' -
		policies:
		  - name: by-name
		    select: [ { container: { name: "web-?" } } ]
		    capabilities: [SYS_CHROOT]
		  - name: by-label
		    select: [ { container: { label: { tier: "w*", side: "[!b]*" } } } ]
		    capabilities: [CHOWN]
		  - name: by-image
		    select: [ { container: { image: "busybox", runtime: podman } } ]
		    capabilities: [SETUID]
		  - name: by-pod
		    select: [ { pod: { namespace: shop, name: "cart-*", container: app } } ]
		    capabilities: [KILL]
		  - name: by-unit
		    select: [ { unit: "pattern-*.service" } ]
		    capabilities: [CHOWN]
		  - name: by-template
		    select: [ { unit: "instance@.service" } ]
		    capabilities: [CHOWN]
		  - name: by-cgroup
		    select: [ { cgroup: "/pattern/a*/leaf-[0-9]" } ]
		    capabilities: none
		  - name: everyone
		    select: [ { any: container } ]
		    capabilities: all
	END
}
teardown_file() {
	pkill -CONT dockerd
	docker ps -aq | xargs -r docker rm -f >/dev/null
	podman rm -f -t 0 sock late before-p >/dev/null 2>&1 || true
	systemctl stop podman.socket podman.service
	stop_daemon
}

# policy_is SUBJECT NAME
policy_is() {
	[ "$(binding "$1" .policy)" = "$2" ]
}

start() {
	docker run -d --network none --cap-add ALL --security-opt seccomp=unconfined "$@" probe sleep 1000
}

@test "a container by its name" {
	local id
	id=$(start --name web-1)
	within 10 policy_is "$id" by-name
	is "[\"$id\",\"by-name\"]" "$(leastcap show --json web-1 | jq -c '[.container.id, .bindings[-1].policy]')"
	run -0 docker exec web-1 probe chroot
	mark
	run -1 docker exec web-1 probe chown
	denied CHOWN ".subject.container == \"$id\" and .policy == \"by-name\""
	# Another name: not by-name.
	id=$(start --name web-11)
	within 10 policy_is "$id" everyone
	run -0 docker exec web-11 probe chown
}

@test "a container by labels, all of them" {
	local id
	id=$(start --name labelled --label tier=web --label side=left)
	within 10 policy_is "$id" by-label
	run -0 docker exec "$id" probe chown
	mark
	run -1 docker exec "$id" probe chroot
	denied SYS_CHROOT ".policy == \"by-label\""
	policy_is "$(start --label tier=web)" everyone
	policy_is "$(start --label tier=web --label side=back)" everyone
}

@test "a container of Docker by its image" {
	local id
	docker tag probe image-probe:7
	id=$(docker run -d --name image-1 --network none --cap-add ALL --security-opt seccomp=unconfined image-probe:7 sleep 1000)
	# Nothing asks for that image yet.
	within 10 policy_is "$id" everyone
	outcome 0 docker exec "$id" probe chroot
	outcome 0 docker exec "$id" probe chown
	policy of-image 'container: { image: "image-probe:*", runtime: docker }' '[SYS_CHROOT]'
	is of-image "$(binding "$id" .policy)"
	outcome 0 docker exec "$id" probe chroot
	mark
	outcome 1 docker exec "$id" probe chown
	denied CHOWN ".policy == \"of-image\" and .subject.container == \"$id\" and .subject.image == \"image-probe:7\""
	# One that comes, and the same by another name of its image.
	id=$(docker run -d --name image-2 --network none image-probe:7 sleep 1000)
	within 10 policy_is "$id" of-image
	id=$(start --name image-3)
	within 10 policy_is "$id" everyone
	leastcap remove of-image
	docker rm -f image-1 image-2 image-3 >/dev/null
	docker rmi image-probe:7 >/dev/null
}

@test "the name counts more than labels, and everything more than any container" {
	local id
	id=$(start --name web-2 --label tier=web --label side=left)
	within 10 policy_is "$id" by-name
}

@test "a renamed container" {
	local id
	id=$(start --name other)
	within 10 policy_is "$id" everyone
	docker rename other web-3
	within 20 policy_is "$id" by-name
	mark
	docker rm -f web-3
	# Its last event has its name: who asks for a suggestion for that name gets what it did.
	expect_event ".type == \"gone\" and .subject.container == \"$id\" and .subject.name == \"web-3\" and
		.subject.image == \"probe\" and .policy == \"by-name\""
	is 1 "$(leastcap suggest --json web-3 | jq .ended)"
}

@test "a container of Podman by its image" {
	local id
	id=$(podman run -d --network none busybox sleep 1000)
	within 10 policy_is "$id" by-image
	podman rm -f -t 0 "$id"
}

@test "a container of Podman by its labels, over the socket of its API, and renamed" {
	local id
	policy sock 'container: { label: { by: sock }, image: busybox, runtime: podman }' '[SYS_CHROOT]'
	id=$(podman run -d --name sock --label by=sock --network none -v "$PROBES:/probes:ro" busybox sleep 1000)
	# On disk there are no labels: without its engine it is the one of that image.
	within 20 policy_is "$id" by-image
	outcome 0 systemctl start podman.socket
	within 60 policy_is "$id" sock
	is '"sock"' "$(binding "$id" '.name|tojson')"
	outcome 0 podman exec "$id" /probes/probe chroot
	mark
	outcome 1 podman exec "$id" /probes/probe chown
	denied CHOWN ".policy == \"sock\" and .subject.container == \"$id\" and .subject.name == \"sock\" and .subject.labels.by == \"sock\""
	podman rename sock web-9
	within 60 policy_is "$id" by-name
	is '"web-9"' "$(binding "$id" '.name|tojson')"
	# While nobody can be listened to: that is told afterwards.
	outcome 0 systemctl stop podman.socket podman.service
	outcome 0 podman rename web-9 late
	outcome 0 systemctl start podman.socket
	within 60 policy_is "$id" sock
	is '"late"' "$(binding "$id" '.name|tojson')"
	podman rm -f -t 0 "$id"
	leastcap remove sock
}

# kubernetes RUNTIME ID NAMESPACE POD CONTAINER: what a runtime of Kubernetes leaves on disk of a container.
kubernetes() {
	local dir
	if [ "$1" = containerd ]; then
		dir=/run/containerd/io.containerd.runtime.v2.task/k8s.io/$2
		mkdir -p "$dir"
		printf '{"annotations":{"io.kubernetes.cri.container-type":"container","io.kubernetes.cri.sandbox-namespace":"%s","io.kubernetes.cri.sandbox-name":"%s","io.kubernetes.cri.container-name":"%s"}}' \
			"$3" "$4" "$5" >"$dir/config.json"
	else
		dir=/run/containers/storage/overlay-containers/$2/userdata
		mkdir -p "$dir"
		printf '{"annotations":{"io.container.manager":"cri-o","io.kubernetes.pod.namespace":"%s","io.kubernetes.pod.name":"%s","io.kubernetes.container.name":"%s"}}' \
			"$3" "$4" "$5" >"$dir/config.json"
	fi
}

@test "a container of a pod, by namespace, name and container" {
	local pod=$CG/kubepods.slice/kubepods-pod1.slice id
	mkdir -p $pod
	for id in 1 2 3 4; do
		case $id in
		1) kubernetes containerd "$(container_id $id)" shop cart-77 app ;;
		2) kubernetes containerd "$(container_id $id)" shop cart-77 sidecar ;;
		3) kubernetes crio "$(container_id $id)" shop cart-78 app ;;
		4) kubernetes crio "$(container_id $id)" other cart-78 app ;;
		esac
	done
	mkdir "$pod/cri-containerd-$(container_id 1).scope" "$pod/cri-containerd-$(container_id 2).scope" \
		"$pod/crio-$(container_id 3).scope" "$pod/crio-$(container_id 4).scope"
	within 10 policy_is "$(container_id 1)" by-pod
	within 10 policy_is "$(container_id 3)" by-pod
	policy_is "$(container_id 2)" everyone
	policy_is "$(container_id 4)" everyone
}

# What the kubelet has made the cgroup of: from others the annotations of a pod say nothing.
@test "a container of a pod, as containerd runs it" {
	local name annotation=io.kubernetes.cri id
	bundle /var/tmp/pod /unused '[]' none
	for name in app sidecar; do
		id=$(container_id $([ $name = app ] && echo 21 || echo 22))
		ctr -n k8s.io run -d --env PATH=/bin --annotation $annotation.container-type=container \
			--annotation $annotation.sandbox-namespace=shop --annotation $annotation.sandbox-name=cart-80 \
			--annotation $annotation.container-name=$name --cgroup "/kubepods/besteffort/pod80/$id" --rootfs /var/tmp/rootfs "$id" sleep 1000
	done
	within 20 policy_is "$(container_id 21)" by-pod
	within 20 policy_is "$(container_id 22)" everyone
	is '["shop","cart-80"]' "$(binding "$(container_id 21)" '| [.namespace, .pod]')"
	mark
	outcome 1 ctr -n k8s.io task exec --exec-id b "$(container_id 21)" probe chown
	denied CHOWN ".policy == \"by-pod\" and .subject.container == \"$(container_id 21)\""
	outcome 0 ctr -n k8s.io task exec --exec-id c "$(container_id 22)" probe chown
	for name in 21 22; do
		ctr -n k8s.io task kill -s KILL "$(container_id $name)"
		within 10 ctr -n k8s.io task rm "$(container_id $name)" >/dev/null 2>&1 || true
		ctr -n k8s.io container rm "$(container_id $name)"
	done
}

@test "units by a pattern: bound from their first instruction" {
	local n
	mark
	for n in 1 2; do
		run -1 systemd-run -q --wait -p AmbientCapabilities= --unit pattern-$n.service $PROBE chroot
		denied SYS_CHROOT ".policy == \"by-unit\" and .subject.binding == \"/system.slice/pattern-$n.service\""
	done
	run -0 systemd-run -q --wait --unit pattern.service $PROBE chroot
}

# The name that Debian gives mariadb.service, ssh.service and others beside theirs.
@test "a unit by an alias, that did not run yet" {
	local unit=/etc/systemd/system/by-its-name.service
	printf '[Service]\nType=oneshot\nExecStart=%s chroot\n[Install]\nAlias=by-another.service\n' $PROBE >$unit
	outcome 0 systemctl enable -q by-its-name.service
	outcome 0 systemctl start by-its-name.service
	policy alias 'unit: by-another.service' none
	mark
	outcome 1 systemctl start by-its-name.service
	denied SYS_CHROOT '.policy == "alias" and .subject.binding == "/system.slice/by-its-name.service"'
	outcome 1 systemctl start by-another.service
	systemctl disable -q by-its-name.service
	rm $unit
	systemctl daemon-reload
	systemctl reset-failed by-its-name.service
	leastcap remove alias
}

@test "a unit by its name, in a slice that nobody knew of, and while D-Bus does not answer" {
	local path=/lc.slice/lc-custom.slice/elsewhere.service pid
	local run=(systemd-run -q --slice lc-custom.slice --unit elsewhere.service)
	run -0 "${run[@]}" --wait $PROBE chroot
	policy elsewhere 'unit: elsewhere.service' none
	mark
	run -1 "${run[@]}" --wait $PROBE chroot
	denied SYS_CHROOT ".policy == \"elsewhere\" and .subject.binding == \"$path\""
	systemctl reset-failed elsewhere.service
	"${run[@]}" $PROBE sleep 1000
	is '["elsewhere",true]' "$(binding $path '|[.policy,.born]')"
	pid=$(systemctl show -P MainPID dbus)
	kill -STOP "$pid"
	api POST /v1/reload
	is elsewhere "$(binding $path .policy)"
	# Nor at a second look, at which D-Bus is not even asked.
	api POST /v1/reload
	is elsewhere "$(binding $path .policy)"
	is elsewhere "$(binding elsewhere.service .policy)"
	kill -CONT "$pid"
	systemctl stop elsewhere.service
	leastcap remove elsewhere
}

@test "a slice, and what is in it; and a scope, by their names" {
	local slice=/held.slice/held-by.slice run=(systemd-run -q --wait --slice held-by.slice --unit in-slice.service)
	local scope=(systemd-run -q --scope --unit by-itself.scope)
	outcome 0 "${run[@]}" $PROBE chroot
	outcome 0 "${scope[@]}" $PROBE chroot
	policy slice 'unit: held-by.slice' none
	policy scope 'unit: by-itself.scope' none
	mark
	outcome 1 "${run[@]}" $PROBE chroot
	denied SYS_CHROOT ".policy == \"slice\" and .subject.binding == \"$slice\" and .subject.cgroup == \"$slice/in-slice.service\""
	outcome 1 "${scope[@]}" $PROBE chroot
	denied SYS_CHROOT '.policy == "scope" and .subject.binding == "/system.slice/by-itself.scope"'
	# Neither the slice above nor another scope is meant.
	outcome 0 systemd-run -q --wait --slice held.slice --unit above.service $PROBE chroot
	outcome 0 systemd-run -q --scope --unit not-itself.scope $PROBE chroot
	systemctl reset-failed in-slice.service
	drop slice scope
}

# user_unit NAME: starts a unit of a user's, which takes a capability of its own user namespace.
user_unit() {
	local dir=~tester/.config/systemd/user
	install -d -o tester -g tester ~tester/.config ~tester/.config/systemd $dir
	printf '[Service]\nType=oneshot\nExecStart=%s userns chroot\n' $PROBE >"$dir/$1"
	runuser -u tester -- env XDG_RUNTIME_DIR=/run/user/"$(id -u tester)" systemctl --user start "$1"
}

@test "a unit of a user's own manager, by the user's number" {
	local id
	id=$(id -u tester)
	loginctl enable-linger tester
	within 30 user_unit mine-1.service
	policy user "unit: { user: \"$id\", name: \"mine-*.service\" }" none
	mark
	run -1 user_unit mine-2.service
	denied SYS_CHROOT ".policy == \"user\" and
		.subject.binding == \"/user.slice/user-$id.slice/user@$id.service/app.slice/mine-2.service\""
	outcome 0 user_unit other.service
	# Another's is another.
	policy user 'unit: { user: "4242", name: "mine-*.service" }' none
	outcome 0 user_unit mine-3.service
	leastcap remove user
	loginctl disable-linger tester
}

@test "instances of a template" {
	local slice=/system.slice/system-instance.slice
	printf '[Service]\nType=oneshot\nExecStart=%s chroot\n' $PROBE >/run/systemd/system/instance@.service
	systemctl daemon-reload
	mark
	run -1 systemctl start instance@one.service
	denied SYS_CHROOT ".policy == \"by-template\" and .subject.binding == \"$slice/instance@one.service\""
}

@test "cgroups by a pattern: those that were there, those that come, and none below" {
	mkdir -p $CG/pattern/{abc,b}
	mkdir $CG/pattern/abc/leaf-1 $CG/pattern/b/leaf-1 $CG/pattern/abc/leaf-x
	is '["by-cgroup",true]' "$(binding /pattern/abc/leaf-1 '|[.policy,.born]')"
	run -1 leastcap status /pattern/b/leaf-1
	run -1 leastcap status /pattern/abc/leaf-x
	mark
	run -1 inside /pattern/abc/leaf-1 $PROBE chroot
	denied SYS_CHROOT '.policy == "by-cgroup"'
	run -0 inside /pattern/b/leaf-1 $PROBE chroot
	# Made while nobody watches.
	systemctl stop leastcapd
	mkdir $CG/pattern/abc/leaf-2
	run -1 inside /pattern/abc/leaf-2 $PROBE chroot
	systemctl start leastcapd
	is '["by-cgroup",true]' "$(binding /pattern/abc/leaf-2 '|[.policy,.born]')"
}

@test "containers and cgroups that ran before the policy" {
	local id
	mkdir -p $CG/earlier/x1 $CG/earlier/y1
	id=$(start --name earlier --label rank=first)
	within 10 policy_is "$id" everyone
	leastcap apply <<-'END' -
		policies:
		  - name: earlier
		    select: [ { container: { label: { rank: first } } }, { cgroup: "/earlier/x?" } ]
		    capabilities: none
	END
	within 10 policy_is "$id" earlier
	policy_is /earlier/x1 earlier
	run -1 leastcap status /earlier/y1
	leastcap remove earlier
	policy_is "$id" everyone
	run -1 leastcap status /earlier/x1
	# The patterns have been replaced twice.
	mkdir $CG/pattern/abc/leaf-4
	is '["by-cgroup",true]' "$(binding /pattern/abc/leaf-4 '|[.policy,.born]')"
}

@test "containers that ran before anything of leastcap was there" {
	local file=$POLICIES/before.yaml docker podman
	outcome 0 systemctl start podman.socket
	stop_daemon
	docker=$(start --name before --label rank=before)
	podman=$(podman run -d --name before-p --label rank=before --network none -v "$PROBES:/probes:ro" busybox sleep 1000)
	outcome 0 docker exec before probe chown
	outcome 0 podman exec before-p /probes/probe chown
	cat >$file <<-'END'
		policies:
		  - name: before
		    select:
		      - container: { label: { rank: before }, runtime: docker }
		      - container: { label: { rank: before }, runtime: podman, image: "*" }
		    capabilities: [SYS_CHROOT]
	END
	systemctl start leastcapd
	within 60 policy_is "$docker" before
	within 60 policy_is "$podman" before
	mark
	outcome 1 docker exec before probe chown
	denied CHOWN ".policy == \"before\" and .subject.container == \"$docker\""
	mark
	outcome 1 podman exec before-p /probes/probe chown
	denied CHOWN ".policy == \"before\" and .subject.container == \"$podman\" and .subject.name == \"before-p\""
	# What is allowed goes on.
	outcome 0 docker exec before probe chroot
	outcome 0 podman exec before-p /probes/probe chroot
	podman rm -f -t 0 before-p
	rm $file
	api POST /v1/reload
}

@test "Docker's daemon stopped: what is known without it goes on, and nothing is given up for what is not" {
	local id pid only
	id=$(start --name web-5)
	within 10 policy_is "$id" by-name
	# Of this one the disk tells nothing that is to be trusted: only Docker knows it.
	only=$(docker inspect -f '{{.Id}}' labelled)
	chmod o+w "/var/lib/docker/containers/$only/config.v2.json"
	pid=$(systemctl show -P MainPID docker)
	kill -STOP "$pid"
	systemctl restart leastcapd
	# Names are on disk, too.
	within 10 policy_is "$id" by-name
	# What it was bound to stays, and it is told that nobody says whether it should.
	policy_is "$only" by-label
	is '["1 container keeps policy \"by-label\": no engine has said yet who that is"]' \
		"$(leastcap status --json | jq -c '[.problems[].message]')"
	api POST /v1/reload
	policy_is "$only" by-label
	mark
	run -1 inside "/system.slice/docker-$only.scope" $PROBE chroot
	denied SYS_CHROOT '.policy == "by-label"'
	mkdir $CG/pattern/abc/leaf-3
	policy_is /pattern/abc/leaf-3 by-cgroup
	run -0 leastcap list
	kill -CONT "$pid"
	run -1 docker exec web-5 probe chown
	within 40 eval '[ "$(leastcap status --json | jq -c .problems)" = "[]" ]'
	policy_is "$only" by-label
}

@test "a pattern that would hold the daemon itself binds nothing" {
	local file=/etc/leastcap/policies.d/all.yaml
	printf 'policies:\n  - name: all\n    select: [{ unit: "leastcap*.service" }]\n    capabilities: none\n' >/tmp/all.yaml
	run -1 leastcap apply /tmp/all.yaml
	[[ $output == *"holds leastcapd itself"* ]]
	cp /tmp/all.yaml $file
	systemctl reload leastcapd
	is "[[\"$file\",3]]" "$(leastcap status --json | jq -c '[.problems[] | [.file, .line]]')"
	# Its own cgroup is born anew.
	systemctl restart leastcapd
	run -1 leastcap status /system.slice/leastcapd.service
	rm $file
	systemctl reload leastcapd
}

@test "a good file that is edited into such a pattern keeps its last good form, over a restart, too" {
	local file=/etc/leastcap/policies.d/edit.yaml form
	form() { printf 'policies:\n  - name: edit\n    select: [{ unit: "%s" }]\n    capabilities: none\n' "$1" >$file; }
	run -0 systemd-run -q --wait --unit edit-1.service $PROBE chroot
	form 'edit-*.service'
	systemctl reload leastcapd
	mark
	run -1 systemd-run -q --wait --unit edit-2.service $PROBE chroot
	denied SYS_CHROOT '.policy == "edit"'
	form '*.service'
	systemctl reload leastcapd
	expect_event '.type == "reload" and .action == "done" and .problems == 1 and .changes == 0'
	is "[[\"$file\",3,\"the last good form of this file stays\"]]" \
		"$(leastcap status --json | jq -c '[.problems[] | [.file, .line, .hint]]')"
	[[ $(leastcap status --json | jq -r '.problems[0].message') == *"holds leastcapd itself"* ]]
	for _ in 1 2; do
		mark
		run -1 systemd-run -q --wait --unit edit-3.service $PROBE chroot
		denied SYS_CHROOT '.policy == "edit" and .subject.binding == "/system.slice/edit-3.service"'
		systemctl reset-failed edit-3.service
		systemctl restart leastcapd
	done
	rm $file
	systemctl reload leastcapd
	run -0 systemd-run -q --wait --unit edit-4.service $PROBE chroot
	is '[]' "$(leastcap status --json | jq -c .problems)"
}

@test "without a policy for any container, and after a change that was refused" {
	local id only='policies: [{ name: only, select: [{ container: { label: { rank: only } } }], capabilities: none }]'
	fresh_daemon --entering-limit 600
	leastcap apply - <<<"$only"
	# It would be about no container any more.
	run -1 leastcap apply - <<<'policies: [{ name: only, select: [{ unit: leastcapd.service }], capabilities: none }]'
	id=$(start --name free)
	run -0 docker exec free probe chown
	policy_is "$id" "(none)"
	id=$(start --name held --label rank=only)
	within 20 policy_is "$id" only
	mark
	run -1 docker exec held probe chown
	denied CHOWN '.policy == "only"'
}
