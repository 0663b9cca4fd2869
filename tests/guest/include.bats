#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# A policy file that includes others is applied: the caller reads them, and what is wrong is told where it is written.

load common

DIR=/tmp/include

setup_file() {
	load common
	mkdir -p $CG/inc $CG/inc2
	fresh_daemon
}
teardown_file() {
	load common
	stop_daemon
	rm -rf $DIR
	remove_cgroups inc inc2
}
setup() {
	mark
	mkdir -p $DIR/s $DIR/teams
	cat >$DIR/a.yaml <<-END
		include: [s/bases.yaml, "teams/*.yaml"]
		policies:
		  - name: a
		    select: [{ cgroup: /inc }]
		    capabilities: { base: web }
	END
	echo 'bases: { web: [SYS_CHROOT] }' >$DIR/s/bases.yaml
	form b /inc2 none
}
teardown() {
	drop a b other
	rm -rf $DIR
}

# form NAME CGROUP CAPABILITIES: the policy file of a team.
form() {
	printf 'policies:\n  - name: %s\n    select: [{ cgroup: %s }]\n    capabilities: %s\n' "$1" "$2" "$3" >$DIR/teams/"$1".yaml
}
names() { leastcap list --json | jq -c '[.policies[].name] | sort'; }
refuses() { outcome 1 inside "$1" $PROBE sethostname; }
allows() { outcome 0 inside "$1" $PROBE sethostname; }

@test "apply, tried out, as a shadow and for good, takes what a file includes" {
	local answer
	answer=$(leastcap apply --dry-run --json $DIR/a.yaml)
	is '[["a","new"],["b","new"]]' "$(jq -c '[.policies[] | [.name, .change]] | sort' <<<"$answer")"
	is '["/inc","/inc2"]' "$(jq -c '[.subjects[].cgroup] | sort' <<<"$answer")"
	is '[]' "$(names)"
	leastcap apply --shadow $DIR/a.yaml
	allows /inc
	allows /inc2
	expect_event '.type == "would-deny" and .shadow and .policy == "a" and .item == "SYS_ADMIN"'
	expect_event '.type == "would-deny" and .shadow and .policy == "b" and .item == "SYS_ADMIN"'
	leastcap remove --shadow a
	leastcap remove --shadow b
	mark
	# By a path that is the caller's.
	(cd $DIR/s && leastcap apply ../a.yaml)
	refuses /inc
	denied SYS_ADMIN '.policy == "a"'
	refuses /inc2
	denied SYS_ADMIN '.policy == "b"'
	outcome 0 inside /inc $PROBE chroot
	is '["../a.yaml",5,27,"../s/bases.yaml",1,10]' "$(leastcap show --json /inc |
		jq -c '.capabilities[0].from[0] | [.file, .line, .column, .base.file, .base.line, .base.column]')"
	is '"../teams/b.yaml"' "$(leastcap show --json /inc2 | jq '.bindings[0].file')"
	# It stays as it was read.
	rm -r $DIR/s $DIR/teams
	api POST /v1/reload
	systemctl restart leastcapd
	refuses /inc
	refuses /inc2
	# A pattern that nothing fits is no mistake.
	sed -i '1s/.*/include: ["teams\/*.yaml"]/; s/base: web/base: all/' $DIR/a.yaml
	leastcap apply $DIR/a.yaml
	allows /inc
}

# wrong MESSAGE...: the file is refused with these, by check too.
wrong() {
	local message verb
	for verb in check apply; do
		run -1 leastcap $verb $DIR/a.yaml
		for message; do
			[[ $output == *"$message"* ]] || {
				printf '%s: wanted %s\ngot %s\n' "$verb" "$message" "$output"
				return 1
			}
		done
	done
}
# includes ITEM: the first line of the file.
includes() { sed -i "1s|.*|include: [$1]|" $DIR/a.yaml; }

@test "what is wrong with an included file is told in its place, and nothing is changed" {
	form b /inc2 '[SYS_CHROT]'
	wrong "$DIR/teams/b.yaml:4:20: error: unknown capability \"SYS_CHROT\"" $'\n'"                     ^" 'did you mean SYS_CHROOT?'
	run -1 leastcap apply --shadow $DIR/a.yaml
	is "[\"$DIR/teams/b.yaml\",4,20]" "$(leastcap apply --dry-run --json $DIR/a.yaml 2>/dev/null | jq -c '.errors[0] | [.file, .line, .column]')"
	form b /inc2 none
	rm $DIR/s/bases.yaml
	wrong "$DIR/a.yaml:1:11: error: include: $DIR/s/bases.yaml cannot be read: No such file or directory"
	mkdir $DIR/s/bases.yaml
	wrong "$DIR/a.yaml:1:11: error: include: $DIR/s/bases.yaml cannot be read: Is a directory"
	rmdir $DIR/s/bases.yaml
	mkfifo $DIR/s/bases.yaml
	wrong "$DIR/a.yaml:1:11: error: include: $DIR/s/bases.yaml cannot be read"
	rm $DIR/s/bases.yaml
	{ echo '#'; head -c 1048576 /dev/zero | tr '\0' '#'; } >$DIR/s/bases.yaml
	wrong "$DIR/s/bases.yaml: error: larger than 1 MiB"
	printf 'include: [c.yaml]\n' >$DIR/s/bases.yaml
	printf '\ninclude: [bases.yaml]\n' >$DIR/s/c.yaml
	wrong "$DIR/s/c.yaml:2:11: error: include: a cycle: $DIR/s/bases.yaml includes this file"
	includes '../other.yaml'
	wrong "$DIR/a.yaml:1:11: error: include: \"../other.yaml\" leads out of the folder"
	includes '"s/a\\tb.yaml"'
	wrong "$DIR/a.yaml:1:11: error: include: control character in \"s/a\\x09b.yaml\""
	# Somebody else's file does not say what root reads.
	includes "$DIR/teams/b.yaml"
	chown 12345 $DIR/a.yaml
	wrong "$DIR/a.yaml:1:11: error: include: \"$DIR/teams/b.yaml\": a whole path counts only in a file of root's"
	is '[]' "$(names)"
	allows /inc
	allows /inc2
	# Put right, it holds.
	chown 0 $DIR/a.yaml
	sed -i 's/base: web/base: all/' $DIR/a.yaml
	leastcap apply $DIR/a.yaml
	allows /inc
	refuses /inc2
}

@test "what the daemon finds wrong is told in the included file" {
	form other /inc2 none
	leastcap apply $DIR/teams/other.yaml
	rm $DIR/teams/other.yaml
	run -1 leastcap apply $DIR/a.yaml
	[[ $output == *"$DIR/teams/b.yaml:3:"*": error: policies "*"policy \"other\" is at $DIR/teams/other.yaml:3:"* ]]
	is '["other"]' "$(names)"
	allows /inc
	leastcap remove other
	leastcap apply $DIR/a.yaml
	refuses /inc
	# Text alone has no folder, and what is no family of files is none.
	run -1 leastcap apply - <$DIR/a.yaml
	[[ $output == *"<stdin>:1:1: error: include: only a file that is read where it lies can include others"* ]]
	is 400 "$(api POST '/v1/policies?family=1' --data '{"files":[]}' | tail -n 1)"
	is 400 "$(api POST '/v1/policies?family=2' --data '{"files":[]}' | tail -n 1)"
	# It reads nothing of the host.
	answer=$(api POST '/v1/policies?family=1' --data '{"files":[{"paths":["/etc/a.yaml"],"text":"include: [/etc/passwd.yaml]"}]}')
	[[ $answer == *"cannot be read"*422 ]]
}
