/* SPDX-License-Identifier: GPL-2.0-only */
/* Why something was refused, and what would allow it: what is said is right, and what is to be written does it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <linux/capability.h>

#include "base/words.h"
#include "explain/changes.h"
#include "explain/explain.h"

#include "refusals.h"

/* ---- an explanation ---- */

static json_t *event_of(const char *restriction, const char *item, const char *detail)
{
	return json_pack(
		"{s:i, s:i, s:s, s:s, s:{s:s, s:s, s:n, s:s}, s:{s:i, s:i, s:s, s:n}, s:s, "
		"s:s, s:s?, s:s, s:s, s:i, s:b, s:i}",
		"v", 1, "seq", 17, "time", "2026-01-02T03:04:05.678901Z", "type", "denied",
		"subject", "cgroup", "/system.slice/web.service", "binding",
		"/system.slice/web.service", "container", "unit", "web.service", "process", "pid",
		7, "uid", 0, "comm", "web", "exe", "restriction", restriction, "item", item,
		"detail", detail, "syscall", "sethostname", "policy", "web", "revision", 3,
		"shadow", 0, "suppressed", 2);
}

static const char *file_text; /* what word_at() reads */

static bool word_at(const char *file, unsigned int line, unsigned int column, char buf[32])
{
	assert_string_equal(file, "/etc/web.yaml");
	return explain_word(file_text, strlen(file_text), line, column, buf);
}

static json_t *pos_json(struct policy_pos pos)
{
	return pos.line ? json_pack("{s:i, s:i, s:i}", "line", (int)pos.line, "column",
				    (int)pos.column, "last_line", (int)(pos.last_line ?: pos.line))
			: json_null();
}

/* What GET /v1/policy says of the policy `web` of a text. */
static json_t *answer_of(const char *text, bool api)
{
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;
	struct policy_errors errs = {0};
	json_t *rules = json_object();
	const struct policy *p;

	assert_int_equal(policy_parse("web.yaml", text, strlen(text), &set, &errs), 0);
	p = &set->policies[set->n_policies - 1];
	for (uint32_t rule = 0; rule < LEASTCAP_RULES; rule++) {
		if (!api && ((p->deny | p->would) & LEASTCAP_RULE_BIT(rule)))
			json_object_set_new(rules, word_rule(rule), pos_json(p->rule_pos[rule]));
	}
	return json_pack("{s:s, s:b, s:i, s:s, s:s, s:s?, s:o, s:o, s:o, s:o}", "name", p->name,
			 "shadow", 0, "revision", 3, "mode", "enforce", "source",
			 api ? "api" : "file", "file", api ? NULL : "/etc/web.yaml", "pos",
			 api ? json_null() : pos_json(p->pos), "capabilities",
			 api ? json_null() : pos_json(p->capabilities_pos), "rules", rules,
			 "written", policy_to_json(p));
}

static const char *text(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key)) ?: "(none)";
}

static const json_t *change(const json_t *explanation, size_t i)
{
	return json_array_get(json_object_get(explanation, "changes"), i);
}

/* The text with its lines replaced by one, indented as the first was. */
static char *with_line(const char *from, const json_t *c, const char *fragment)
{
	json_int_t line = json_integer_value(json_object_get(c, "line")),
		   last = json_integer_value(json_object_get(c, "last_line"));
	const char *at = from, *end;
	char *result;

	for (json_int_t n = line; n > 1; n--)
		at = strchr(at, '\n') + 1;
	end = strchr(at, '\n');
	for (; last > line; last--)
		end = strchr(end + 1, '\n');
	at += strspn(at, " ");
	assert_true(asprintf(&result, "%.*s%s%s", (int)(at - from), from, fragment, end) > 0);
	return result;
}

static void what_replaces_a_line_allows_it(void **state)
{
	static const struct {
		const char *restriction, *item, *detail, *replaces;
		json_int_t line;
		size_t changes;
	} cases[] = {
		{"capabilities", "SYS_ADMIN", NULL, "capabilities", 6, 1},
		{"mounts", "mount", "tmpfs", "mounts", 7, 2},
		{"modules", "module-load", NULL, "modules", 8, 2},
		{"devices", "block-device", "8:0", "devices", 9, 2},
		{"attributes", "mode", "/x", "attributes", 10, 1},
		{"namespaces", "user-namespace", NULL, "namespaces", 11, 1},
		{"bpf", "bpf-call", "5", "bpf", 12, 1},
		{"sockets", "host-unix", "/run/docker.sock", "host-unix", 14, 1},
		{"sockets", "connect", "10.1.2.3:2375", "connect", 15, 1},
		{"sockets", "family", "vsock", "families", 16, 1},
		{"filesystems", "open", "debugfs", "filesystems", 17, 1},
	};

	file_text = FULL;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_auto_t *answer = answer_of(FULL, false), *after = NULL;
		json_auto_t *event = event_of(cases[i].restriction, cases[i].item, cases[i].detail);
		struct explain_input in = {.event = event, .policy = answer, .word_at = word_at};
		json_auto_t *e = explain(&in);
		_cleanup_free_ char *new = NULL;
		const json_t *c = change(e, 0);
		struct refused r;

		assert_non_null(e);
		assert_int_equal(json_array_size(json_object_get(e, "changes")), cases[i].changes);
		assert_string_equal(text(c, "replaces"), cases[i].replaces);
		assert_string_equal(text(c, "file"), "/etc/web.yaml");
		assert_int_equal(json_integer_value(json_object_get(c, "line")), cases[i].line);
		assert_true(
			json_is_true(json_object_get(json_object_get(e, "refused_by"), "refuses")));
		assert_int_equal(json_integer_value(json_object_get(c, "last_line")),
				 cases[i].line);
		new = with_line(FULL, c, text(c, "text"));
		after = written(new);
		assert_int_equal(refused_of_event(event, &r), 0);
		assert_int_equal(refuses(after, &r), REFUSES_NOT);
		/* What the kernel asks for besides is a change of its own. */
		if (cases[i].changes > 1)
			assert_string_equal(text(change(e, 1), "replaces"), "capabilities");
	}
}

/* As `suggest` writes it, and as people do. */
static void what_replaces_a_block_replaces_all_of_it(void **state)
{
	static const char block[] = "policies:\n"
				    "  - name: web\n"
				    "    capabilities:\n"
				    "      allow:\n"
				    "        # web[1]: 4 times\n"
				    "        - CHOWN\n"
				    "        - KILL # of its own\n"
				    "      # and no more\n"
				    "\n"
				    "    sockets:\n"
				    "      families:\n"
				    "        deny:\n"
				    "          - vsock\n"
				    "      host-unix: { default: deny,\n"
				    "                   allow: [/run/x,\n"
				    "                           /run/y\n"
				    "                          ]\n"
				    "                 }\n"
				    "    filesystems:\n"
				    "      deny:\n"
				    "      - debugfs\n"
				    "      - \"tracefs\"";
	static const struct {
		const char *restriction, *item, *detail, *replaces;
		json_int_t line, last;
	} cases[] = {
		{"capabilities", "SYS_ADMIN", NULL, "capabilities", 3, 7},
		{"sockets", "family", "vsock", "families", 11, 13},
		{"sockets", "host-unix", "/run/docker.sock", "host-unix", 14, 18},
		{"filesystems", "open", "debugfs", "filesystems", 19, 22},
	};

	file_text = block;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_auto_t *answer = answer_of(block, false), *after = NULL, *before = NULL;
		json_auto_t *event = event_of(cases[i].restriction, cases[i].item, cases[i].detail);
		struct explain_input in = {.event = event, .policy = answer, .word_at = word_at};
		json_auto_t *e = explain(&in);
		_cleanup_free_ char *new = NULL, *full = NULL, *where = NULL, *lines = NULL;
		const json_t *c = change(e, 0);
		struct refused r;

		assert_string_equal(text(c, "replaces"), cases[i].replaces);
		assert_int_equal(json_integer_value(json_object_get(c, "line")), cases[i].line);
		assert_int_equal(json_integer_value(json_object_get(c, "last_line")),
				 cases[i].last);
		where = change_where(c);
		assert_true(asprintf(&lines, "' in lines %lld to %lld (policy web)",
				     (long long)cases[i].line, (long long)cases[i].last) > 0);
		assert_non_null(strstr(where, lines));
		assert_true(asprintf(&full, "%s\n", block) > 0);
		new = with_line(full, c, text(c, "text"));
		before = written(block);
		after = written(new);
		assert_int_equal(refused_of_event(event, &r), 0);
		assert_int_equal(refuses(before, &r), REFUSES);
		assert_int_equal(refuses(after, &r), REFUSES_NOT);
	}
}

/* What a report says: the profile stays where it is, or its eight restrictions were gone. */
static void a_whitelist_beside_a_profile_leaves_the_profile(void **state)
{
	static const char profile[] = "policies:\n"
				      "  - name: web\n"
				      "    profile: container\n";
	static const char defaults[] = "defaults:\n"
				       "  capabilities: [CHOWN, KILL]\n"
				       "policies:\n"
				       "  - name: web\n"
				       "    mounts: deny\n";
	static const char below[] = "policies:\n"
				    "  - name: web\n"
				    "    mounts: deny\n"
				    "defaults:\n"
				    "  capabilities: [CHOWN, KILL]\n";
	static const char *const texts[] = {profile, defaults, below};
	static const json_int_t lines[] = {2, 4, 2};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		json_auto_t *answer = answer_of(texts[i], false), *c = NULL, *after = NULL;
		const struct explain_input in = {.word_at = word_at};
		struct refused mount = refused("mounts", "mount", "tmpfs"),
			       kill = refused("capabilities", "KILL", NULL),
			       chown = refused("capabilities", "CHOWN", NULL);
		_cleanup_free_ char *where = NULL, *beside = NULL, *new = NULL;

		file_text = texts[i];
		c = change_capabilities(&in, answer, 1ULL << CAP_CHOWN);
		assert_string_equal(text(c, "replaces"), "(none)");
		assert_int_equal(json_integer_value(json_object_get(c, "line")), lines[i]);
		assert_true(json_is_null(json_object_get(c, "last_line")));
		where = change_where(c);
		assert_non_null(strstr(where, "in the policy web itself"));
		assert_null(strstr(where, "in place of '"));
		assert_true(asprintf(&beside, "- name: web\n    %s", text(c, "text")) > 0);
		new = with_line(texts[i], c, beside);
		after = written(new);
		assert_int_equal(refuses(after, &mount), REFUSES);
		assert_int_equal(refuses(after, &kill), REFUSES);
		assert_int_equal(refuses(after, &chown), REFUSES_NOT);
	}
}

static void what_comes_from_elsewhere_is_written_into_the_policy(void **state)
{
	static const char profile[] = "policies:\n"
				      "  - name: web\n"
				      "    profile: container\n";
	static const char defaults[] = "defaults: { mounts: deny, sockets: deny }\n"
				       "policies:\n"
				       "  - name: other\n"
				       "    capabilities: none\n"
				       "  - name: web\n"
				       "    capabilities: all\n";
	static const char *const texts[] = {profile, defaults};
	static const char *const wanted[] = {
		"mounts: allow",
		"sockets: { host-unix: { default: deny, allow: [/run/x] }, families: { allow: [unix, "
		"inet, inet6, netlink, packet] } }",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		json_auto_t *answer = answer_of(texts[i], false);
		json_auto_t *mount = event_of("mounts", "mount", "tmpfs");
		json_auto_t *connect = event_of("sockets", "host-unix", "/run/x");
		const json_t *const events[] = {mount, connect};

		file_text = texts[i];
		for (size_t j = 0; j < ARRAY_SIZE(events); j++) {
			struct explain_input in = {
				.event = events[j], .policy = answer, .word_at = word_at};
			json_auto_t *e = explain(&in), *after = NULL;
			_cleanup_free_ char *new = NULL;
			struct refused r;

			assert_string_equal(text(change(e, 0), "text"), wanted[j]);
			assert_string_equal(text(change(e, 0), "replaces"), "(none)");
			assert_true(asprintf(&new, "%s    %s\n", texts[i], wanted[j]) > 0);
			after = answer_of(new, false);
			assert_int_equal(refused_of_event(events[j], &r), 0);
			assert_int_equal(refuses(json_object_get(after, "written"), &r),
					 REFUSES_NOT);
		}
	}
}

/* In place of what `defaults` says it would change every policy of the file. */
static void defaults_below_a_policy_stay(void **state)
{
	static const char below[] = "policies:\n"
				    "  - name: other\n"
				    "  - name: web\n"
				    "    modules: deny\n"
				    "defaults:\n"
				    "  capabilities: [CHOWN, KILL]\n"
				    "  mounts: deny\n"
				    "  sockets:\n"
				    "    host-unix: deny\n";
	static const struct {
		const char *restriction, *item, *detail, *replaces;
		json_int_t line;
		enum refuses other;
	} cases[] = {
		{"modules", "module-load", NULL, "modules", 4, REFUSES_NOT},
		{"capabilities", "SYS_ADMIN", NULL, "(none)", 3, REFUSES},
		{"mounts", "mount", "tmpfs", "(none)", 3, REFUSES},
		{"sockets", "host-unix", "/run/x", "(none)", 3, REFUSES},
	};

	file_text = below;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_auto_t *answer = answer_of(below, false), *after = NULL, *other = NULL;
		json_auto_t *event = event_of(cases[i].restriction, cases[i].item, cases[i].detail);
		struct explain_input in = {.event = event, .policy = answer, .word_at = word_at};
		json_auto_t *e = explain(&in);
		_cleanup_free_ char *fragment = NULL, *new = NULL;
		const json_t *c = change(e, 0);
		bool there = json_is_string(json_object_get(c, "replaces"));
		struct refused r;

		assert_string_equal(text(c, "replaces"), cases[i].replaces);
		assert_int_equal(json_integer_value(json_object_get(c, "line")), cases[i].line);
		assert_true(asprintf(&fragment, "%s%s", there ? "" : "- name: web\n    ",
				     text(c, "text")) > 0);
		new = with_line(below, c, fragment);
		after = answer_of(new, false);
		other = written(new);
		assert_int_equal(refused_of_event(event, &r), 0);
		assert_int_equal(refuses(json_object_get(answer, "written"), &r), REFUSES);
		assert_int_equal(refuses(json_object_get(after, "written"), &r), REFUSES_NOT);
		assert_int_equal(refuses(other, &r), cases[i].other);
	}
}

static void a_short_form_of_sockets_is_replaced_as_a_whole(void **state)
{
	static const char short_form[] = "policies:\n"
					 "  - name: web\n"
					 "    capabilities: none\n"
					 "    sockets: deny\n";
	json_auto_t *answer = answer_of(short_form, false);
	json_auto_t *event = event_of("sockets", "family", "alg");
	struct explain_input in = {.event = event, .policy = answer, .word_at = word_at};
	json_auto_t *e = NULL, *after = NULL;
	_cleanup_free_ char *new = NULL;
	struct refused r;

	file_text = short_form;
	e = explain(&in);
	assert_string_equal(text(change(e, 0), "replaces"), "sockets");
	new = with_line(short_form, change(e, 0), text(change(e, 0), "text"));
	after = written(new);
	assert_int_equal(refused_of_event(event, &r), 0);
	assert_int_equal(refuses(after, &r), REFUSES_NOT);
	r = refused("sockets", "host-unix", "/run/x");
	assert_int_equal(refuses(after, &r), REFUSES);
}

static void what_came_over_the_api_is_a_command(void **state)
{
	json_auto_t *answer = answer_of(FULL, true), *after = NULL;
	json_auto_t *event = event_of("mounts", "mount", "tmpfs");
	struct explain_input in = {.event = event, .policy = answer};
	json_auto_t *e = explain(&in);
	const char *command = text(change(e, 0), "command"), *end = strstr(command, "END\n");
	struct refused r, sys_admin = refused("capabilities", "SYS_ADMIN", NULL);

	assert_int_equal(json_array_size(json_object_get(e, "changes")), 1);
	assert_int_equal(strncmp(command, "leastcap apply - <<'END'\npolicies:\n", 35), 0);
	assert_non_null(end);
	assert_string_equal(end, "END\n");
	after = written(text(change(e, 0), "text"));
	assert_int_equal(refused_of_event(event, &r), 0);
	assert_int_equal(refuses(after, &r), REFUSES_NOT);
	/* Mounting needs that, too: one command is enough. */
	assert_int_equal(refuses(after, &sys_admin), REFUSES_NOT);
}

static void a_policy_above_that_refuses_it_too_is_named(void **state)
{
	static const char above[] = "policies:\n  - name: above\n    capabilities: [CHOWN]\n";
	static const char free[] = "policies:\n  - name: free\n    capabilities: all\n";
	json_auto_t *answer = answer_of(FULL, false);
	json_auto_t *others = json_pack("[{s:s, s:o}, {s:s, s:o}]", "cgroup", "/system.slice",
					"policy", answer_of(above, true), "cgroup", "/", "policy",
					answer_of(free, true));
	json_auto_t *event = event_of("capabilities", "SYS_ADMIN", NULL);
	const struct process process = {.pid = 7, .permitted = 1ULL << CAP_SYS_ADMIN, .seccomp = 2};
	struct explain_input in = {.event = event,
				   .policy = answer,
				   .others = others,
				   .process = &process,
				   .word_at = word_at};
	json_auto_t *e = NULL;
	const json_t *p;

	file_text = FULL;
	e = explain(&in);
	assert_int_equal(json_array_size(json_object_get(e, "others")), 1);
	assert_string_equal(text(json_array_get(json_object_get(e, "others"), 0), "policy"),
			    "above");
	assert_int_equal(json_array_size(json_object_get(e, "changes")), 2);
	assert_string_equal(text(change(e, 1), "policy"), "above");
	assert_non_null(strstr(text(change(e, 1), "command"), "[CHOWN, SYS_ADMIN]"));
	p = json_object_get(e, "process");
	assert_true(json_is_true(json_object_get(p, "permitted")));
	assert_true(json_is_false(json_object_get(p, "effective")));
	assert_string_equal(text(p, "seccomp"), "filter");
	assert_string_equal(text(json_object_get(e, "asked_for"), "act"), "set the host name");
}

static void the_call_has_the_arguments_that_are_known(void **state)
{
	static const struct {
		const char *restriction, *item, *detail, *syscall, *wanted;
	} cases[] = {
		{"mounts", "mount", "tmpfs", "mount", "mount(type: tmpfs)"},
		{"mounts", "bind", "/a/b", "mount", "mount(target: /a/b)"},
		{"mounts", "pivot-root", NULL, "pivot_root", "pivot_root()"},
		{"modules", "module-request", "dummy", "socket", "socket(module: dummy)"},
		{"sockets", "connect", "[::1]:80", "sendto", "sendto(address: [::1]:80)"},
		{"devices", "block-device", "8:0", "mknodat", "mknodat(device: 8:0)"},
		{"attributes", "xattr", "user.a", "fsetxattr", "fsetxattr(name: user.a)"},
		{"filesystems", "open", "proc", "openat", "openat(file: proc)"},
		{"bpf", "bpf-call", "5", "bpf", "bpf(command: 5)"},
		{"capabilities", "SYS_ADMIN", NULL, "sethostname", "sethostname()"},
		{"filesystems", "open", "proc", NULL, NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_auto_t *event = event_of(cases[i].restriction, cases[i].item, cases[i].detail);
		struct explain_input in = {.event = event};
		json_auto_t *e = NULL;

		json_object_set_new(event, "syscall",
				    cases[i].syscall ? json_string(cases[i].syscall) : json_null());
		e = explain(&in);
		if (cases[i].wanted)
			assert_string_equal(text(json_object_get(e, "asked_for"), "call"),
					    cases[i].wanted);
		else
			assert_true(json_is_null(
				json_object_get(json_object_get(e, "asked_for"), "call")));
	}
}

static bool hinted(const json_t *e, const char *part)
{
	const json_t *each;
	size_t i;

	json_array_foreach(json_object_get(e, "hints"), i, each) {
		if (strstr(json_string_value(each), part))
			return true;
	}
	return false;
}

static void what_else_confines_the_process_is_told(void **state)
{
	json_auto_t *answer = answer_of(FULL, false),
		    *event = event_of("capabilities", "SYS_ADMIN", NULL);
	const struct process process = {.pid = 7};
	struct confinement c = {};
	struct explain_input in = {
		.event = event, .policy = answer, .process = &process, .confinement = &c};
	json_auto_t *none = NULL, *some = NULL, *gone = NULL;
	const json_t *told;

	none = explain(&in);
	assert_true(json_is_null(json_object_get(json_object_get(none, "process"), "confinement")));
	assert_false(hinted(none, "confines"));
	confinement_of_apparmor("x\x1b\xff (enforce)", &c);
	some = explain(&in);
	told = json_object_get(json_object_get(some, "process"), "confinement");
	assert_string_equal(text(told, "by"), "AppArmor");
	assert_string_equal(text(told, "label"), "x\\x1b\\xff (enforce)");
	assert_true(json_is_true(json_object_get(told, "enforces")));
	assert_true(hinted(some, "AppArmor confines process 7"));
	in.process = NULL;
	gone = explain(&in);
	assert_false(hinted(gone, "confines"));
}

static void a_seccomp_filter_has_let_it_through(void **state)
{
	json_auto_t *answer = answer_of(FULL, false),
		    *event = event_of("capabilities", "SYS_ADMIN", NULL);
	struct process process = {.pid = 7};
	struct explain_input in = {.event = event, .policy = answer, .process = &process};
	json_auto_t *none = explain(&in), *some = NULL;

	assert_false(hinted(none, "seccomp"));
	process.seccomp = 2;
	some = explain(&in);
	assert_string_equal(text(json_object_get(some, "process"), "seccomp"), "filter");
	assert_true(hinted(some, "Process 7 has a seccomp filter"));
}

static void what_is_allowed_by_now_needs_no_change(void **state)
{
	json_auto_t *answer = answer_of(FULL, false);
	json_auto_t *event = event_of("capabilities", "CHOWN", NULL);
	struct explain_input in = {.event = event, .policy = answer};
	json_auto_t *e = NULL;

	json_object_set_new(answer, "revision", json_integer(4));
	e = explain(&in);
	assert_int_equal(json_array_size(json_object_get(e, "changes")), 0);
	assert_true(json_is_false(json_object_get(json_object_get(e, "refused_by"), "refuses")));
	assert_non_null(strstr(json_string_value(json_array_get(json_object_get(e, "hints"), 0)),
			       "revision 3, this is 4"));
}

static void without_a_daemon_it_says_what_it_can(void **state)
{
	json_auto_t *event = event_of("capabilities", "SYS_ADMIN", NULL);
	json_auto_t *run = event_of("capabilities", "SYS_ADMIN", NULL);
	json_auto_t *other = event_of("mounts", "mount", NULL);
	struct explain_input in = {.event = event};
	json_auto_t *e = explain(&in), *of_run = NULL, *of_other = NULL;

	assert_non_null(e);
	assert_true(json_is_null(json_object_get(e, "refused_by")));
	assert_int_equal(json_array_size(json_object_get(e, "changes")), 0);
	json_object_set_new(run, "policy", json_string("run:x"));
	json_object_set_new(other, "policy", json_string("run:x"));
	in.event = run;
	of_run = explain(&in);
	assert_string_equal(text(change(of_run, 0), "command"), "leastcap run --allow SYS_ADMIN");
	in.event = other;
	of_other = explain(&in);
	assert_string_equal(text(change(of_other, 0), "command"), "(none)");
	assert_non_null(strstr(text(change(of_other, 0), "note"), "--deny without mounts"));
}

/* Whatever a log or an answer holds: nothing breaks, and nothing gets out of its quotes. */
static void hostile_input_stays_text(void **state)
{
	static const char *const details[] = {
		"/run/a\nEND\nrm -rf /\n",
		"/run/\"]}\nmounts: allow",
		"@\xff\xfe",
		"\\x0a",
		"'; reboot #",
		"/run/\xe2\x80\xae/gnp",
		"/run/$(reboot)`x`",
	};
	static const char *const answers[] = {
		"{}",
		"{\"name\": 5, \"written\": []}",
		"{\"name\": \"web\", \"file\": 3, \"written\": {\"name\": \"web\"}}",
		"{\"name\": \"web\", \"written\": {\"name\": \"web\", \"capabilities\": \"none\", "
		"\"sockets\": 7}}",
		"{\"name\": \"web\", \"capabilities\": {\"line\": -1, \"column\": \"x\"}, "
		"\"file\": \"/etc/web.yaml\", \"written\": {\"name\": \"web\", \"capabilities\": "
		"{\"allow\": []}}}",
	};

	file_text = FULL;
	for (size_t i = 0; i < ARRAY_SIZE(details); i++) {
		json_auto_t *answer = answer_of(FULL, true), *after = NULL;
		json_auto_t *event = event_of("sockets", "host-unix", NULL);
		struct explain_input in = {.event = event, .policy = answer};
		json_auto_t *e = NULL;
		const char *command;
		struct refused mounts = refused("mounts", "mount", NULL);

		/* No UTF-8 gets through JSON: such a detail is null. */
		json_object_set_new(event, "detail", json_string(details[i]) ?: json_null());
		e = explain(&in);
		assert_non_null(e);
		command = text(change(e, 0), "command");
		assert_non_null(strstr(command, "\nEND\n"));
		assert_string_equal(strstr(command, "\nEND\n"), "\nEND\n");
		after = written(text(change(e, 0), "text"));
		assert_int_equal(refuses(after, &mounts), REFUSES);
		assert_null(strstr(command, "\xe2\x80\xae"));
	}
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		json_auto_t *answer = json_loads(answers[i], 0, NULL);
		json_auto_t *event = event_of("sockets", "connect", "10.0.0.1:80");
		json_auto_t *other = event_of("capabilities", "CHOWN", NULL);
		struct explain_input in = {.event = event, .policy = answer, .word_at = word_at};
		json_auto_t *e = NULL, *f = NULL;

		assert_non_null(answer);
		e = explain(&in);
		in.event = other;
		f = explain(&in);
		assert_non_null(e);
		assert_non_null(f);
	}
}

static void words_are_found_at_their_places(void **state)
{
	static const char yaml[] = "a: {\xc3\xa4: 1, mounts: deny}\n  host-unix: x";
	char buf[32];

	assert_true(explain_word(yaml, strlen(yaml), 1, 11, buf));
	assert_string_equal(buf, "mounts");
	assert_true(explain_word(yaml, strlen(yaml), 2, 3, buf));
	assert_string_equal(buf, "host-unix");
	assert_false(explain_word(yaml, strlen(yaml), 2, 1, buf));
	assert_false(explain_word(yaml, strlen(yaml), 3, 1, buf));
	assert_false(explain_word(yaml, strlen(yaml), 2, 100, buf));
	assert_false(explain_word(yaml, strlen(yaml), 0, 1, buf));
	assert_false(explain_word("", 0, 1, 1, buf));
	assert_false(explain_word("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 38, 1, 1, buf));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_call_has_the_arguments_that_are_known),
		cmocka_unit_test(what_replaces_a_line_allows_it),
		cmocka_unit_test(what_replaces_a_block_replaces_all_of_it),
		cmocka_unit_test(a_whitelist_beside_a_profile_leaves_the_profile),
		cmocka_unit_test(what_comes_from_elsewhere_is_written_into_the_policy),
		cmocka_unit_test(defaults_below_a_policy_stay),
		cmocka_unit_test(a_short_form_of_sockets_is_replaced_as_a_whole),
		cmocka_unit_test(what_came_over_the_api_is_a_command),
		cmocka_unit_test(a_policy_above_that_refuses_it_too_is_named),
		cmocka_unit_test(what_else_confines_the_process_is_told),
		cmocka_unit_test(a_seccomp_filter_has_let_it_through),
		cmocka_unit_test(what_is_allowed_by_now_needs_no_change),
		cmocka_unit_test(without_a_daemon_it_says_what_it_can),
		cmocka_unit_test(hostile_input_stays_text),
		cmocka_unit_test(words_are_found_at_their_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
