// SPDX-License-Identifier: GPL-2.0-only
/* Suggestions in each form, with evidence of anybody's making. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "suggestions.h"

/* ---- forms ---- */

static void text_is(const struct suggestion *s, enum suggest_format format, const char *wanted)
{
	_cleanup_free_ char *text = suggest_text(s, format, false);

	assert_non_null(text);
	assert_string_equal(text, wanted);
}

static void the_policy_passes_and_says_what_was_seen(void **state)
{
	for (int comments = 0; comments < 2; comments++) {
		_cleanup_(policy_set_freep) struct policy_set *set = NULL;
		_cleanup_(suggestion_done) struct suggestion s = {};
		const struct policy *p;

		gather(&s, "web");
		identify(&s, "web");
		set = parsed(&s, comments);
		p = &set->policies[0];
		assert_string_equal(p->name, "web");
		assert_int_equal(p->mode, LEASTCAP_ENFORCE);
		assert_true(p->allow == (CHOWN | NET_BIND));
		assert_int_equal(p->deny, LEASTCAP_RULE_BIT(LEASTCAP_RULE_MODULES) |
						  LEASTCAP_RULE_BIT(LEASTCAP_RULE_CONNECT));
		assert_int_equal(p->would, 0);
		/* The policy's own rule and selector. */
		assert_int_equal(p->lists.n_destinations, 1);
		assert_int_equal(p->n_selectors, 1);
		assert_string_equal(p->selectors[0].value, "/a/*");
	}
}

static void each_form_has_the_two(void **state)
{
	_cleanup_(suggestion_done) struct suggestion s = {};

	of_caps(&s, CHOWN | NET_BIND);
	text_is(&s, SUGGEST_DOCKER, "--cap-drop ALL --cap-add CHOWN --cap-add NET_BIND_SERVICE\n");
	text_is(&s, SUGGEST_COMPOSE,
		"services:\n  \"x\":\n    cap_drop:\n      - ALL\n    cap_add:\n      - CHOWN\n"
		"      - NET_BIND_SERVICE\n");
	text_is(&s, SUGGEST_KUBERNETES,
		"securityContext:\n  capabilities:\n    drop:\n      - ALL\n    add:\n      - CHOWN\n"
		"      - NET_BIND_SERVICE\n");
	text_is(&s, SUGGEST_SYSTEMD,
		"[Service]\nCapabilityBoundingSet=\nCapabilityBoundingSet=CAP_CHOWN CAP_NET_BIND_SERVICE\n"
		"AmbientCapabilities=\nAmbientCapabilities=CAP_CHOWN CAP_NET_BIND_SERVICE\n");
	text_is(&s, SUGGEST_QUADLET,
		"[Container]\nDropCapability=all\nAddCapability=CAP_CHOWN\n"
		"AddCapability=CAP_NET_BIND_SERVICE\n");
	text_is(&s, SUGGEST_LABEL, "LABEL io.containers.capabilities=\"CHOWN,NET_BIND_SERVICE\"\n");
	text_is(&s, SUGGEST_POLICY,
		"policies:\n  - name: \"x\"\n    mode: enforce\n    capabilities:\n      allow:\n"
		"        - CHOWN\n        - NET_BIND_SERVICE\n");
}

/* Replicas are one service; what cannot be a service's name is somebody's own idea. */
static void compose_has_its_own_names(void **state)
{
	static const char *const services[] = {"db", "db", "", "a\"b", "a b", "x:\n", "\xff", NULL};
	_cleanup_(suggestion_done) struct suggestion s = {};

	of_caps(&s, CHOWN);
	for (size_t i = 0; i < ARRAY_SIZE(services); i++)
		assert_int_equal(suggest_service(&s, services[i]), 0);
	text_is(&s, SUGGEST_COMPOSE,
		"services:\n  \"db\":\n    cap_drop:\n      - ALL\n    cap_add:\n      - CHOWN\n");
	assert_int_equal(suggest_service(&s, "_web.1"), 0);
	text_is(&s, SUGGEST_COMPOSE,
		"services:\n  \"db\":\n    cap_drop:\n      - ALL\n    cap_add:\n      - CHOWN\n"
		"  \"_web.1\":\n    cap_drop:\n      - ALL\n    cap_add:\n      - CHOWN\n");
}

/* Compose adds up the lists of several files, and Podman the keys of a drop-in. */
static void what_only_adds_says_so(void **state)
{
	for (unsigned int form = 0; form < SUGGEST_FORMATS; form++) {
		_cleanup_(suggestion_done) struct suggestion s = {};
		_cleanup_free_ char *text = NULL;

		of_caps(&s, CHOWN);
		text = suggest_text(&s, (enum suggest_format)form, true);
		assert_int_equal(strstr(text, "takes nothing away that another file adds") != NULL,
				 form == SUGGEST_COMPOSE || form == SUGGEST_QUADLET);
	}
}

static void nothing_is_needed(void **state)
{
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;
	_cleanup_(suggestion_done) struct suggestion s = {};

	of_caps(&s, 0);
	text_is(&s, SUGGEST_DOCKER, "--cap-drop ALL\n");
	text_is(&s, SUGGEST_COMPOSE, "services:\n  \"x\":\n    cap_drop:\n      - ALL\n");
	text_is(&s, SUGGEST_KUBERNETES,
		"securityContext:\n  capabilities:\n    drop:\n      - ALL\n");
	text_is(&s, SUGGEST_SYSTEMD,
		"[Service]\nCapabilityBoundingSet=\nCapabilityBoundingSet=\n"
		"AmbientCapabilities=\nAmbientCapabilities=\n");
	text_is(&s, SUGGEST_QUADLET, "[Container]\nDropCapability=all\n");
	text_is(&s, SUGGEST_LABEL, "# It needs no capability. No label says that.\n");
	set = parsed(&s, true);
	assert_true(set->policies[0].allow == 0);
}

static size_t count(const char *text, const char *word)
{
	size_t n = 0;

	for (; (text = strstr(text, word)); text += strlen(word))
		n++;
	return n;
}

/* Every bit that a mask has: those of a later kernel have no name that others would take. */
static void everything_and_more_was_used(void **state)
{
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;
	_cleanup_(suggestion_done) struct suggestion s = {};
	_cleanup_free_ char *docker = NULL, *noted = NULL;
	size_t named = 0;
	char name[32];

	for (unsigned int cap = 0; cap < 64; cap++)
		named += *caps_name(cap, name) >= 'A';
	of_caps(&s, ~0ULL);
	docker = suggest_text(&s, SUGGEST_DOCKER, false);
	assert_int_equal(count(docker, "--cap-add "), named);
	assert_null(strpbrk(docker, "0123456789"));
	noted = suggest_text(&s, SUGGEST_DOCKER, true);
	assert_int_equal(count(noted, "# Capability "), 64 - named);
	assert_non_null(strstr(noted, "# Capability 63 was used"));
	set = parsed(&s, true);
	assert_true(set->policies[0].allow == (2ULL << caps_last()) - 1);
}

/* ---- evidence ---- */

static struct leastcap_trace_stack record = {
	.check = {.time = 1000, .cgroup = 1, .comm = "nginx", .syscall = 92, .cap = 0},
	.frames = {0x108, 0x208, 0x308, 0x408},
};

static struct symbols *some_symbols(void)
{
	static const char text[] = "0000000000000100 T security_capable\n"
				   "0000000000000200 t ns_capable_common.part.0\n"
				   "0000000000000300 T capable_wrt_inode_uidgid\n"
				   "0000000000000400 T chown_ok\n"
				   "0000000000000500 T end\n";
	FILE *f = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	struct symbols *s = NULL;

	assert_non_null(f);
	assert_int_equal(symbols_read(f, &s), 0);
	fclose(f);
	return s;
}

static void evidence_says_who_and_how_often(void **state)
{
	struct leastcap_trace_key key = {.comm = "nginx", .cap = 0},
				  other = {.comm = "x", .cap = 0};
	_cleanup_(symbols_freep) struct symbols *symbols = some_symbols();
	_cleanup_(evidence_done) struct evidence e = {};
	const struct evidence_item *item;

	item = evidence_record(&e, &record, sizeof(record), symbols, 0);
	assert_non_null(item);
	assert_string_equal(item->function, "chown_ok");
	assert_string_equal(item->syscall, "chown");
	/* The same in another cgroup. */
	record.check.cgroup = 2;
	record.check.time = 3000;
	item = evidence_record(&e, &record, sizeof(record), symbols, 0);
	assert_int_equal(e.n, 1);
	assert_int_equal(item->count, 2);
	assert_int_equal(item->first, 1000);
	assert_int_equal(item->last, 3000);
	for (int64_t now = 9000; now <= 9001; now++) {
		evidence_count_begin(&e);
		evidence_count(&e, &key, 5);
		evidence_count(&e, &key, 2);
		evidence_count(&e, &other, 100);
		evidence_count_end(&e, now);
		/* Not again: nothing has come in between. */
		assert_int_equal(e.items[0].count, 7);
		assert_int_equal(e.items[0].last, 9000);
	}
	/* leastcap was loaded anew, and the kernel counts from the beginning: what came is not forgotten. */
	evidence_count_anew(&e);
	record.check.time = 9500;
	assert_non_null(evidence_record(&e, &record, sizeof(record), symbols, 0));
	assert_int_equal(e.items[0].count, 8);
	evidence_count_begin(&e);
	evidence_count(&e, &key, 3);
	evidence_count_end(&e, 9900);
	assert_int_equal(e.items[0].count, 10);
	assert_int_equal(e.items[0].last, 9900);
	assert_null(evidence_record(&e, &record, 3, symbols, 0));
	assert_int_equal(e.bad, 1);
	assert_true(evidence_caps(&e, LEASTCAP_TRACE_ALLOWED) == CHOWN);
	assert_true(evidence_caps(&e, LEASTCAP_TRACE_DENIED) == 0);
	record.check.cgroup = 1;
	record.check.time = 1000;
}

/* A watch may last over midnight, and be read elsewhere. */
static void evidence_has_a_date(void **state)
{
	const int64_t day = 86400 * 1000000000LL;
	_cleanup_(suggestion_done) struct suggestion s = {};
	_cleanup_(evidence_done) struct evidence e = {};
	_cleanup_free_ char *text = NULL;

	setenv("TZ", "Pacific/Auckland", 1);
	tzset();
	assert_non_null(evidence_record(&e, &record, sizeof(record), NULL, 20454 * day));
	e.items[0].last = 20455 * day;
	e.items[0].count = 2;
	of_caps(&s, 0);
	suggest_evidence(&s, &e, true);
	text = suggest_text(&s, SUGGEST_DOCKER, true);
	assert_non_null(strstr(text, "# CHOWN: 2 times allowed, 2026-01-01 00:00:00 to "
				     "2026-01-02 00:00:00 UTC, by \"nginx\" in chown()\n"));
}

static void whitelist_has(struct evidence *e, const char *cap)
{
	_cleanup_(suggestion_done) struct suggestion s = {};
	_cleanup_free_ char *text = NULL;

	of_caps(&s, 0);
	suggest_evidence(&s, e, true);
	text = suggest_text(&s, SUGGEST_DOCKER, true);
	assert_non_null(strstr(text, cap));
	assert_non_null(strstr(text, "Their capabilities"));
}

static void evidence_has_an_end(void **state)
{
	struct leastcap_trace_stack r = record;
	_cleanup_(evidence_done) struct evidence e = {};

	for (int i = 0; i < EVIDENCE_MAX + 5; i++) {
		snprintf(r.check.comm, sizeof(r.check.comm), "p%d", i);
		evidence_record(&e, &r, sizeof(r), NULL, 0);
	}
	assert_int_equal(e.n, EVIDENCE_MAX);
	assert_int_equal(e.unfit, 5);
	/* What comes when there is no room is needed like the rest. */
	r.check.cap = 10;
	assert_null(evidence_record(&e, &r, sizeof(r), NULL, 0));
	r.check.verdict = LEASTCAP_TRACE_MISSING;
	r.check.cap = 21;
	assert_null(evidence_record(&e, &r, sizeof(r), NULL, 0));
	assert_true(evidence_caps(&e, LEASTCAP_TRACE_ALLOWED) == (CHOWN | NET_BIND));
	assert_true(evidence_caps(&e, LEASTCAP_TRACE_MISSING) == 1ULL << 21);
	whitelist_has(&e, "NET_BIND_SERVICE");
	/* A number that no mask holds. */
	r.check.cap = UINT32_MAX;
	e.n = 0;
	assert_non_null(evidence_record(&e, &r, sizeof(r), NULL, 0));
	assert_true(evidence_caps(&e, LEASTCAP_TRACE_MISSING) == 1ULL << 21);
}

/* Comments as one line. */
static char *unwrapped(const char *text)
{
	char *line = calloc(1, strlen(text) + 1), *to = line;

	assert_non_null(line);
	for (; *text; text++) {
		if (!strncmp(text, "\n#", 2))
			text++;
		else
			*to++ = *text;
	}
	return line;
}

/* Nobody knows of which capability it was: only a mask could have it. */
static void what_was_not_looked_at_is_said(void **state)
{
	static const char *const told[] = {"the whitelist may lack something",
					   "the masks have what of it the subject asked for"};
	const struct trace_counts counts = {
		.lost = 2,
		.lost_caps[LEASTCAP_TRACE_ALLOWED] = 1ULL << 18,
		.missed = 3,
	};

	for (size_t bound = 0; bound < 2; bound++) {
		_cleanup_(evidence_done) struct evidence e = {.late = 1};
		_cleanup_(suggestion_done) struct suggestion s = {};
		_cleanup_free_ char *text = NULL, *line = NULL;
		json_auto_t *json = NULL;

		evidence_unseen(&e, &counts);
		if (bound)
			gather(&s, "web");
		else
			of_caps(&s, 0);
		suggest_evidence(&s, &e, !bound);
		free(s.name);
		s.name = strdup("x");
		assert_true(suggest_allowed(&s) & 1ULL << 18);
		text = suggest_text(&s, SUGGEST_DOCKER, true);
		line = unwrapped(text);
		assert_non_null(strstr(line, "3 checks on this host"));
		assert_non_null(strstr(line, told[bound]));
		assert_null(strstr(line, told[!bound]));
		assert_non_null(strstr(line, bound ? "already: the masks have it"
						   : "already: that is missing"));
		json = suggest_json(&s, SUGGEST_DOCKER, text);
		assert_int_equal(json_integer_value(json_object_get(json, "missed")), 3);
	}
	{
		_cleanup_(evidence_done) struct evidence e = {};
		_cleanup_(suggestion_done) struct suggestion s = {};
		_cleanup_free_ char *text = NULL;

		of_caps(&s, 0);
		suggest_evidence(&s, &e, true);
		text = suggest_text(&s, SUGGEST_DOCKER, true);
		assert_null(strstr(text, "on this host"));
	}
}

/* No line of any form may be made by the name of a program, nor go on in the next one. */
static void hostile_programs_stay_in_their_comment(void **state)
{
	static const char *const comms[] = {"\n- SYS_ADMIN", "x\\",	      "\x1b[2J",
					    "\xff\xfe\r\n",  "\"\n[Service]", "'$(id)`id`"};
	_cleanup_(evidence_done) struct evidence e = {};
	struct leastcap_trace_stack r = record;

	r.check.syscall = -1;
	for (size_t i = 0; i < ARRAY_SIZE(comms); i++) {
		snprintf(r.check.comm, sizeof(r.check.comm), "%s", comms[i]);
		assert_non_null(evidence_record(&e, &r, sizeof(r), NULL, 0));
	}
	for (unsigned int form = 0; form < SUGGEST_FORMATS; form++) {
		_cleanup_(suggestion_done) struct suggestion s = {};
		_cleanup_free_ char *bare = NULL, *text = NULL, *rest = NULL;
		char *to;

		of_caps(&s, 0);
		suggest_evidence(&s, &e, true);
		bare = suggest_text(&s, (enum suggest_format)form, false);
		text = suggest_text(&s, (enum suggest_format)form, true);
		to = rest = calloc(1, strlen(text) + 1);
		for (char *save = NULL, *line = strtok_r(text, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save)) {
			assert_true(line[strlen(line) - 1] != '\\');
			assert_null(strpbrk(line, "\x1b\r\xff"));
			if (line[strspn(line, " ")] != '#')
				to += sprintf(to, "%s\n", line);
		}
		assert_string_equal(rest, bare);
	}
}

static void comments_are_wrapped(void **state)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (int i = 0; i < 3; i++)
		suggest_note(f, "%0*d\\ %0*d", 60, 1, 60, 2);
	fclose(f);
	assert_int_equal(count(text, "\n"), 6);
	assert_int_equal(count(text, "\n# "), 5);
	assert_int_equal(count(text, "\\\n"), 0);
	free(text);
}

static void json_has_all(void **state)
{
	_cleanup_(evidence_done) struct evidence e = {};
	_cleanup_(suggestion_done) struct suggestion s = {};
	json_auto_t *json = NULL;
	const json_t *caps;

	gather(&s, "web");
	assert_non_null(evidence_record(&e, &record, sizeof(record), NULL, 0));
	suggest_evidence(&s, &e, false);
	identify(&s, "web");
	json = suggest_json(&s, SUGGEST_DOCKER, "--cap-drop ALL\n");
	assert_non_null(json);
	caps = json_object_get(json, "capabilities");
	assert_string_equal(mask_text(json, "name"), "web");
	assert_string_equal(mask_text(json, "source"), "masks");
	assert_string_equal(mask_text(json, "format"), "docker");
	assert_string_equal(mask_text(json, "text"), "--cap-drop ALL\n");
	assert_true(caps_from_json(json_object_get(caps, "allow")) == (CHOWN | NET_BIND));
	assert_true(caps_from_json(json_object_get(caps, "granted_unused")) ==
		    (1ULL << 5 | 1ULL << 25));
	assert_string_equal(mask_text(json_object_get(json, "rules"), "connect"), "keep");
	assert_int_equal(json_array_size(json_object_get(json, "evidence")), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_policy_passes_and_says_what_was_seen),
		cmocka_unit_test(each_form_has_the_two),
		cmocka_unit_test(compose_has_its_own_names),
		cmocka_unit_test(what_only_adds_says_so),
		cmocka_unit_test(nothing_is_needed),
		cmocka_unit_test(everything_and_more_was_used),
		cmocka_unit_test(evidence_says_who_and_how_often),
		cmocka_unit_test(evidence_has_a_date),
		cmocka_unit_test(evidence_has_an_end),
		cmocka_unit_test(what_was_not_looked_at_is_said),
		cmocka_unit_test(hostile_programs_stay_in_their_comment),
		cmocka_unit_test(comments_are_wrapped),
		cmocka_unit_test(json_has_all),
	};

	return cmocka_run_group_tests_name("suggest_forms", tests, NULL, NULL);
}
