/* SPDX-License-Identifier: GPL-2.0-only */
/* Which selectors tie, without comparing each with each: nothing is missed, and many are no more work than they need be. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/internal.h"
#include "policy/ties.h"

static struct policy policies[] = {{.name = (char *)"a"}, {.name = (char *)"b"}};

/* ---- nothing is missed ---- */

#define PAIRS_MAX 4096

struct told {
	size_t pairs[PAIRS_MAX][2]; /* the numbers of claims, as they were at first */
	size_t n;
};

static void note(const struct claim *first, const struct claim *second, void *ctx)
{
	struct told *told = ctx;

	assert_true(told->n < PAIRS_MAX);
	assert_true(first->index < second->index);
	told->pairs[told->n][0] = first->index;
	told->pairs[told->n++][1] = second->index;
}

static bool is_told(const struct told *told, size_t i)
{
	for (size_t k = 0; k < told->n; k++) {
		if (told->pairs[k][0] == i || told->pairs[k][1] == i)
			return true;
	}
	return false;
}

static bool must_tie(const struct claim *a, const struct claim *b)
{
	const struct selector_rank x = selector_rank(a->selector), y = selector_rank(b->selector);

	if (a->policy == b->policy && a->selector->kind != SELECT_CONTAINER_ID)
		return !selector_compare(a->selector, b->selector);
	return !rank_compare(&x, &y) && selectors_overlap(a->selector, b->selector);
}

/* All that is told is true, and of all that is true one side at least is told of. */
static void check_all(const struct selector *selectors, size_t n, size_t least)
{
	struct claim *claims = calloc(n, sizeof(*claims)), *sorted = calloc(n, sizeof(*claims));
	struct told *told = calloc(1, sizeof(*told));
	size_t ties = 0;

	for (size_t i = 0; i < n; i++)
		claims[i] = (struct claim){.selector = &selectors[i],
					   .policy = &policies[i * 7 / 3 % 2]};
	memcpy(sorted, claims, n * sizeof(*claims));
	assert_int_equal(ties_find(sorted, n, note, told, NULL), 0);
	for (size_t k = 0; k < told->n; k++)
		assert_true(must_tie(&claims[told->pairs[k][0]], &claims[told->pairs[k][1]]));
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < i; k++) {
			if (!must_tie(&claims[k], &claims[i]))
				continue;
			ties++;
			assert_true(is_told(told, k) || is_told(told, i));
		}
	}
	if (ties < least)
		fail_msg("only %zu ties in %zu", ties, n);
	free(claims);
	free(sorted);
	free(told);
}

/* All of up to four elements. Static storage. */
#define WORDS_MAX 2048
static char words[WORDS_MAX][16];

static size_t make_words(const char *const elements[], const char *before)
{
	size_t n = 0, from = 0;

	snprintf(words[n++], sizeof(words[0]), "%s", before);
	for (int length = 0; length < 4; length++) {
		size_t to = n;

		for (; from < to; from++) {
			for (const char *const *e = elements; *e; e++)
				snprintf(words[n++], sizeof(words[0]), "%s%s", words[from], *e);
		}
	}
	return n;
}

static struct selector selectors[WORDS_MAX];

static void every_tie_of_patterns_is_seen(void **state)
{
	static const char *const elements[] = {"a", "b", "*", "?", "[ab]", "\xc3\xa9", NULL};
	size_t n = make_words(elements, "");

	for (size_t i = 0; i < n; i++)
		selectors[i] = (struct selector){.kind = SELECT_CONTAINER, .image = words[i]};
	check_all(selectors, n, 1000);
}

static void every_tie_of_paths_is_seen(void **state)
{
	static const char *const elements[] = {"a", "/", "*", "?", "[!a]", "bc", NULL};
	size_t n = make_words(elements, "/");

	for (size_t i = 0; i < n; i++)
		selectors[i] = (struct selector){.kind = SELECT_CGROUP_PATTERN, .value = words[i]};
	check_all(selectors, n, 1000);
}

static void every_tie_of_several_texts_is_seen(void **state)
{
	static const char *const elements[] = {"a", "b", "*", "?", NULL};
	struct selector_label labels[WORDS_MAX];
	size_t n = make_words(elements, "");

	for (size_t i = 0; i < n; i++) {
		labels[i] = (struct selector_label){(char *)(i % 3 ? "x" : "y"), words[i]};
		selectors[i] = (struct selector){.kind = SELECT_CONTAINER,
						 .image = words[i * 7 % n],
						 .runtime = (char *)(i % 2 ? "docker" : "podman"),
						 .labels = &labels[i],
						 .n_labels = 1};
	}
	check_all(selectors, n, 10);
}

static void every_tie_of_ids_is_seen(void **state)
{
	static const char *const elements[] = {"0", "1", "2", "a", NULL};
	size_t n = make_words(elements, "0123456789");

	for (size_t i = 0; i < n; i++)
		selectors[i] = (struct selector){.kind = SELECT_CONTAINER_ID,
						 .value = words[i],
						 .name = (char *)(i % 5 ? "a*" : "*b")};
	check_all(selectors, n, 1000);
}

/* ---- many ---- */

#define MANY 10000

static char texts[MANY][256];

/* One half is a policy's, the other another's; the last is written as the first. */
static int find_many(void (*build)(struct selector *s, const char *text), const char *format,
		     struct told *told, const struct claim **ret_last)
{
	struct selector *many = calloc(MANY, sizeof(*many));
	struct claim *claims = calloc(MANY, sizeof(*claims));
	int err;

	for (size_t i = 0; i < MANY; i++) {
		const char *hole = strchr(format, '#');

		snprintf(texts[i], sizeof(texts[i]), "%.*s%05zu%s", (int)(hole - format), format,
			 i % (MANY - 1), hole + 1);
		build(&many[i], texts[i]);
		claims[i] =
			(struct claim){.selector = &many[i], .policy = &policies[i >= MANY / 2]};
	}
	err = ties_find(claims, MANY, note, told, ret_last);
	free(claims);
	free(many);
	return err;
}

static void build_image(struct selector *s, const char *text)
{
	*s = (struct selector){
		.kind = SELECT_CONTAINER, .image = (char *)text, .runtime = (char *)"docker"};
}

static void build_unit(struct selector *s, const char *text)
{
	*s = (struct selector){.kind = SELECT_UNIT, .value = (char *)text};
}

static void build_unit_pattern(struct selector *s, const char *text)
{
	*s = (struct selector){.kind = SELECT_UNIT_PATTERN, .value = (char *)text};
}

static void build_cgroup_pattern(struct selector *s, const char *text)
{
	*s = (struct selector){.kind = SELECT_CGROUP_PATTERN, .value = (char *)text};
}

static void build_id(struct selector *s, const char *text)
{
	*s = (struct selector){.kind = SELECT_CONTAINER_ID, .value = (char *)text};
}

static void build_pod(struct selector *s, const char *text)
{
	*s = (struct selector){.kind = SELECT_POD,
			       .pod_namespace = (char *)text,
			       .pod = (char *)"web-*",
			       .pod_container = (char *)"*"};
}

static void ten_thousand_are_not_compared_each_with_each(void **state)
{
	static const struct {
		void (*build)(struct selector *s, const char *text);
		const char *format;
	} forms[] = {
		{build_unit, "a#.service"},
		{build_unit_pattern, "a#@*.service"},
		{build_unit_pattern, "*-a#.service"},
		{build_cgroup_pattern, "/a/b-#-*"},
		{build_cgroup_pattern, "/kubepods.slice/*/pod-#-*"},
		{build_image, "registry/app-#:*"},
		{build_image, "*/app-#"},
		{build_pod, "team-#-?"},
		{build_id, "0123456789ab#"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct told *told = calloc(1, sizeof(*told));

		if (find_many(forms[i].build, forms[i].format, told, NULL))
			fail_msg("given up: %s", forms[i].format);
		assert_int_equal(told->n, 1);
		assert_int_equal(told->pairs[0][0], 0);
		assert_int_equal(told->pairs[0][1], MANY - 1);
		free(told);
	}
}

/* Nothing tells these apart but comparing them. */
static void too_much_work_is_given_up_and_said(void **state)
{
	struct told *told = calloc(1, sizeof(*told));
	const struct claim *last = NULL;
	char format[256];

	memset(format, '?', 240);
	strcpy(format + 240, "#?");
	assert_int_equal(find_many(build_image, format, told, &last), -E2BIG);
	assert_non_null(last);
	free(told);
}

/* Of one policy they need not be compared, however they begin and end. */
static void one_policy_ties_with_nobody(void **state)
{
	struct selector *many = calloc(MANY, sizeof(*many));
	struct claim *claims = calloc(MANY, sizeof(*claims));
	struct told *told = calloc(1, sizeof(*told));

	for (size_t i = 0; i < MANY; i++) {
		snprintf(texts[i], sizeof(texts[i]), "*-%05zu-*", i);
		build_image(&many[i], texts[i]);
		claims[i] = (struct claim){.selector = &many[i], .policy = &policies[0]};
	}
	assert_int_equal(ties_find(claims, MANY, note, told, NULL), 0);
	assert_int_equal(told->n, 0);
	free(claims);
	free(many);
	free(told);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_tie_of_patterns_is_seen),
		cmocka_unit_test(every_tie_of_paths_is_seen),
		cmocka_unit_test(every_tie_of_several_texts_is_seen),
		cmocka_unit_test(every_tie_of_ids_is_seen),
		cmocka_unit_test(ten_thousand_are_not_compared_each_with_each),
		cmocka_unit_test(too_much_work_is_given_up_and_said),
		cmocka_unit_test(one_policy_ties_with_nobody),
	};

	return cmocka_run_group_tests_name("many_selectors", tests, NULL, NULL);
}
