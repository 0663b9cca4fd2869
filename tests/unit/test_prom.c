/* SPDX-License-Identifier: GPL-2.0-only */
/* Metrics are the text format whatever labels hold, and sums of refusals never fall. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/prom.h"
#include "audit/tally.h"
#include "base/cleanup.h"

/* ---- the text ---- */

static void a_family_is_begun_once(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct prom p;

	assert_int_equal(prom_open(&p), 0);
	prom_family(&p, "a_total", "counter", "What it is.");
	prom_sample(&p, 1, "x", "y", NULL);
	prom_sample(&p, 2, "x", "z", "b", "", NULL);
	prom_one(&p, "c", "gauge", "Another.", 0.5);
	text = prom_close(&p);
	assert_string_equal(text, "# HELP a_total What it is.\n"
				  "# TYPE a_total counter\n"
				  "a_total{x=\"y\"} 1\n"
				  "a_total{x=\"z\",b=\"\"} 2\n"
				  "# HELP c Another.\n"
				  "# TYPE c gauge\n"
				  "c 0.5\n");
}

static char *one_label(const char *value)
{
	struct prom p;

	assert_int_equal(prom_open(&p), 0);
	p.name = "m";
	prom_sample(&p, 1, "l", value, NULL);
	return prom_close(&p);
}

static void hostile_labels_stay_in_their_line(void **state)
{
	static const struct {
		const char *value, *line;
	} cases[] = {
		{"a\"b", "m{l=\"a\\\"b\"} 1\n"},
		{"a\\", "m{l=\"a\\\\\"} 1\n"},
		{"a\"} 1\nforged 1\n", "m{l=\"a\\\"} 1\\\\x0aforged 1\\\\x0a\"} 1\n"},
		{"\x1b\xff", "m{l=\"\\\\x1b\\\\xff\"} 1\n"},
		{"caf\xc3\xa9{}", "m{l=\"caf\xc3\xa9{}\"} 1\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = one_label(cases[i].value);

		assert_string_equal(text, cases[i].line);
	}
	/* Any byte at all: still one line, and two quotes that are not escaped. */
	for (int c = 1; c < 256; c++) {
		char value[] = {'a', (char)c, 'b', '\0'};
		_cleanup_free_ char *text = one_label(value);
		int quotes = 0;

		assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
		for (char *p = text; *p; p++) {
			if (*p == '\\')
				p++;
			else
				quotes += *p == '"';
		}
		assert_int_equal(quotes, 2);
	}
}

static void numbers_are_exact(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {{0, "m 0\n"},
		     {-1, "m -1\n"},
		     {1234567890123456, "m 1234567890123456\n"},
		     {0.25, "m 0.25\n"},
		     {1e17, "m 1e+17\n"}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = NULL;
		struct prom p;

		assert_int_equal(prom_open(&p), 0);
		p.name = "m";
		prom_sample(&p, cases[i].value, NULL);
		text = prom_close(&p);
		assert_string_equal(text, cases[i].text);
	}
}

/* ---- sums ---- */

static void note(struct tally *t, uint64_t cgroup, uint64_t denied, uint64_t would)
{
	struct kernel_ledger l = {.cgroup = cgroup, .n_probe_denied = denied};

	l.n_denied[LEASTCAP_MOUNTS] = denied;
	l.n_would_deny[LEASTCAP_SOCKETS] = would;
	assert_int_equal(tally_note(t, &l), 0);
}

static uint64_t denied(const struct tally_counts *c)
{
	return c->denied[LEASTCAP_MOUNTS];
}

static void what_a_binding_had_stays_in_the_sum(void **state)
{
	struct tally t = {};

	note(&t, 7, 10, 1);
	note(&t, 3, 5, 0);
	assert_int_equal(denied(&t.all), 15);
	note(&t, 7, 12, 1);
	tally_forget(&t);
	assert_int_equal(t.n, 2);
	assert_int_equal(denied(&t.all), 17);
	assert_int_equal(t.all.would_deny[LEASTCAP_SOCKETS], 1);
	assert_int_equal(t.probes, 17);
	/* One ends. */
	note(&t, 3, 5, 0);
	tally_forget(&t);
	assert_int_equal(t.n, 1);
	assert_int_equal(denied(&t.all), 17);
	/* Its cgroup is bound anew: the ledger begins at zero. */
	note(&t, 7, 2, 0);
	assert_int_equal(denied(&t.all), 19);
	/* A ledger that is another one since. */
	note(&t, 3, 1, 0);
	assert_int_equal(denied(&t.all), 20);
	assert_int_equal(denied(&t.other), 0);
	tally_done(&t);
}

/* Bound anew before anybody has looked, and its ledger has more already than the one before it had. */
static void another_ledger_is_counted_whole(void **state)
{
	struct tally t = {};

	note(&t, 3, 1, 0);
	note(&t, 7, 6, 2);
	note(&t, 9, 1, 0);
	tally_end(&t, 8);
	assert_int_equal(t.n_named, 3);
	tally_end(&t, 7);
	tally_end(&t, 7);
	assert_int_equal(t.n_named, 2);
	note(&t, 7, 500, 3);
	assert_int_equal(denied(&t.all), 508);
	assert_int_equal(t.all.would_deny[LEASTCAP_SOCKETS], 5);
	tally_end(&t, 9);
	tally_end(&t, 3);
	tally_end(&t, 7);
	assert_int_equal(t.n_named, 0);
	tally_forget(&t);
	tally_forget(&t);
	assert_int_equal(t.n, 0);
	assert_int_equal(denied(&t.all), 508);
	tally_done(&t);
}

static void few_bindings_have_a_name(void **state)
{
	struct tally t = {};
	uint64_t named = 0;

	/* Those without a refusal take no place. */
	for (uint64_t i = 1; i <= 1000; i++)
		note(&t, i, 0, 0);
	assert_int_equal(t.n_named, 0);
	for (uint64_t i = 1000; i >= 1; i--)
		note(&t, i, i, 0);
	tally_forget(&t);
	assert_int_equal(t.n_named, TALLY_NAMED);
	for (size_t i = 0; i < t.n; i++) {
		assert_int_equal(t.bindings[i].cgroup, i + 1);
		named += t.bindings[i].named ? denied(&t.bindings[i].counts) : 0;
	}
	assert_int_equal(named + denied(&t.other), denied(&t.all));
	assert_int_equal(denied(&t.all), 500500);
	/* A place that becomes free is for one that has refused nothing yet: what `other` has it keeps. */
	for (uint64_t i = 1; i <= 999; i++)
		note(&t, i, i, 0);
	tally_forget(&t);
	assert_int_equal(t.n_named, TALLY_NAMED - 1);
	note(&t, 1, 2, 0);
	assert_false(t.bindings[0].named);
	note(&t, 5000, 9, 0);
	assert_true(t.bindings[t.n - 1].named);
	assert_int_equal(t.n_named, TALLY_NAMED);
	assert_int_equal(denied(&t.all), 500510);
	tally_done(&t);
}

/* More of the same is no new kind; another capability, and another rule, are. */
static void kinds_grow_with_what_is_new(void **state)
{
	struct kernel_ledger l = {.cgroup = 7, .n_denied = {1}, .denied = 1 << 5};
	struct tally t = {};

	assert_int_equal(tally_note(&t, &l), 0);
	assert_int_equal(t.bindings[0].kinds, 1);
	l.n_denied[LEASTCAP_CAPABILITIES] = 1000;
	assert_int_equal(tally_note(&t, &l), 0);
	assert_int_equal(t.bindings[0].kinds, 1);
	l.denied |= 1 << 6;
	l.rules_denied = LEASTCAP_RULE_BIT(LEASTCAP_RULE_MOUNTS);
	assert_int_equal(tally_note(&t, &l), 0);
	assert_int_equal(t.bindings[0].kinds, 3);
	assert_true(t.other_caps == 0);
	/* Of those without a name, all together. */
	t.n_named = TALLY_NAMED;
	l.cgroup = 8;
	assert_int_equal(tally_note(&t, &l), 0);
	assert_true(t.other_caps == (1 << 5 | 1 << 6));
	assert_true(t.other_rules == LEASTCAP_RULE_BIT(LEASTCAP_RULE_MOUNTS));
	tally_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_family_is_begun_once),
		cmocka_unit_test(hostile_labels_stay_in_their_line),
		cmocka_unit_test(numbers_are_exact),
		cmocka_unit_test(what_a_binding_had_stays_in_the_sum),
		cmocka_unit_test(another_ledger_is_counted_whole),
		cmocka_unit_test(few_bindings_have_a_name),
		cmocka_unit_test(kinds_grow_with_what_is_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
