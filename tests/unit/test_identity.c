/* SPDX-License-Identifier: GPL-2.0-only */
/* What is known of a container, and JSON of others: nothing that does not fit gets in, nor spoils the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "subject/document.h"
#include "subject/identity.h"

static int set(struct identity *i, const char *name)
{
	return identity_set(&i->name, name, strlen(name), IDENTITY_NAME_MAX);
}

static int label(struct identity *i, const char *name, const char *value)
{
	return identity_set_label(i, name, strlen(name), value, strlen(value));
}

static void fields_are_bounded_and_fit_to_be_shown(void **state)
{
	static const char *const unfit[] = {
		"a\nb",		"a\x1b[31m", "\x7f",	     "\xff",
		"\xc3",		"a\xc3",     "\xe2\x80\xae", /* turns the direction of writing */
		"\xed\xa0\x80", /* half of a surrogate pair */
	};
	struct identity i = {0};
	char longest[IDENTITY_NAME_MAX + 2];

	assert_int_equal(set(&i, "web"), 0);
	for (size_t n = 0; n < ARRAY_SIZE(unfit); n++) {
		if (set(&i, unfit[n]) != -EINVAL)
			fail_msg("number %zu", n);
	}
	assert_string_equal(i.name, "web");
	assert_int_equal(identity_set(&i.name, "a\0b", 3, IDENTITY_NAME_MAX), -EINVAL);
	assert_int_equal(set(&i, ""), 0);
	assert_string_equal(i.name, "web");

	memset(longest, 'x', sizeof(longest));
	longest[IDENTITY_NAME_MAX + 1] = '\0';
	assert_int_equal(set(&i, longest), -EINVAL);
	longest[IDENTITY_NAME_MAX] = '\0';
	assert_int_equal(set(&i, longest), 0);
	assert_string_equal(i.name, longest);
	assert_int_equal(set(&i, "gr\xc3\xb6\xc3\x9f"
				 "er"),
			 0);
	identity_done(&i);
	assert_null(i.name);
}

static void labels_are_bounded(void **state)
{
	struct identity i = {0};
	char name[IDENTITY_LABEL_NAME_MAX + 2], value[IDENTITY_LABEL_VALUE_MAX + 2];

	assert_int_equal(label(&i, "tier", "web"), 0);
	assert_int_equal(label(&i, "tier", "db"), 0);
	assert_int_equal(label(&i, "tie", "short"), 0);
	assert_int_equal(i.n_labels, 2);
	assert_string_equal(identity_label(&i, "tier"), "db");
	assert_string_equal(identity_label(&i, "tie"), "short");
	assert_null(identity_label(&i, "tiers"));
	assert_int_equal(label(&i, "empty", ""), 0);
	assert_string_equal(identity_label(&i, "empty"), "");

	memset(name, 'n', sizeof(name));
	memset(value, 'v', sizeof(value));
	name[sizeof(name) - 1] = value[sizeof(value) - 1] = '\0';
	assert_int_equal(label(&i, name, "x"), -EINVAL);
	assert_int_equal(label(&i, "x", value), -EINVAL);
	assert_int_equal(label(&i, "", "x"), -EINVAL);
	assert_int_equal(label(&i, "tier", "a\tb"), -EINVAL);
	assert_string_equal(identity_label(&i, "tier"), "db");
	name[sizeof(name) - 2] = value[sizeof(value) - 2] = '\0';
	assert_int_equal(label(&i, name, value), 0);

	for (unsigned int n = 0; i.n_labels < IDENTITY_LABELS_MAX; n++) {
		snprintf(name, sizeof(name), "n%u", n);
		assert_int_equal(label(&i, name, ""), 0);
	}
	assert_int_equal(label(&i, "more", ""), -ENOSPC);
	assert_int_equal(label(&i, "tier", "again"), 0);
	assert_string_equal(identity_label(&i, "tier"), "again");
	identity_done(&i);
}

static void what_is_newer_replaces_and_the_rest_fills_gaps(void **state)
{
	struct identity to = {.id = "1", .name = strdup("old"), .pod = strdup("pod")};
	struct identity from = {.id = "2", .name = strdup("new"), .pod = strdup("other")};

	assert_int_equal(label(&to, "a", "1"), 0);
	assert_int_equal(label(&from, "b", "2"), 0);
	from.pod_namespace = strdup("default");
	assert_int_equal(identity_merge(&to, &from), 1);
	assert_true(identity_is_empty(&from));
	assert_string_equal(to.id, "1");
	assert_string_equal(to.name, "new");
	assert_string_equal(to.pod, "pod");
	assert_string_equal(to.pod_namespace, "default");
	assert_null(identity_label(&to, "a"));
	assert_string_equal(identity_label(&to, "b"), "2");

	/* What is newer says whether it has all labels; what says nothing of labels does not. */
	assert_false(to.labels_cut);
	from.labels_cut = true;
	assert_int_equal(identity_merge(&to, &from), 0);
	assert_true(to.labels_cut);
	from.labels_cut = false;
	assert_int_equal(identity_merge(&to, &from), 0);
	assert_true(to.labels_cut);
	/* Nothing new, and nothing at all, change nothing. */
	from.name = strdup("new");
	assert_int_equal(label(&from, "b", "2"), 0);
	assert_int_equal(identity_merge(&to, &from), 0);
	assert_int_equal(identity_merge(&to, &from), 0);
	assert_string_equal(identity_label(&to, "b"), "2");
	assert_false(to.labels_cut);
	assert_int_equal(label(&from, "b", "3"), 0);
	assert_int_equal(identity_merge(&to, &from), 1);
	assert_string_equal(identity_label(&to, "b"), "3");
	identity_done(&to);
	assert_true(identity_is_empty(&to));
}

static void read_text(const char *text, size_t len, struct identity *i, uint64_t *dropped)
{
	_cleanup_free_ char *copy = malloc(len);
	json_t *document;

	assert_non_null(copy);
	memcpy(copy, text, len);
	document = document_parse(copy, len);
	assert_non_null(document);
	document_docker(i, document, dropped);
	json_decref(document);
}

#define READ(text, i, dropped) read_text(text, sizeof(text) - 1, i, dropped)

static void one_bad_value_does_not_spoil_a_document(void **state)
{
	struct identity i = {0};
	uint64_t dropped = 0;

	READ("{\"Name\":\"/web\",\"Config\":{\"Image\":\"a\xff"
	     "b\",\"Labels\":{"
	     "\"nul\\u0000name\":\"x\",\"nul\":\"a\\u0000b\",\"half\":\"\\ud800\",\"low\":\"\\udc00x\","
	     "\"raw\":\"a\x01"
	     "b\",\"line\":\"a\nb\",\"quote\":\"\\\"\\\\\",\"pair\":\"\\ud83d\\ude00\","
	     "\"back\":\"\\\\u0000\",\"tier\":\"web\"}},\"Limit\":18446744073709551615}",
	     &i, &dropped);
	assert_string_equal(i.name, "web");
	assert_null(i.image);
	assert_int_equal(i.n_labels, 4);
	assert_string_equal(identity_label(&i, "quote"), "\"\\");
	assert_string_equal(identity_label(&i, "pair"), "\xf0\x9f\x98\x80");
	assert_string_equal(identity_label(&i, "back"), "\\u0000");
	assert_string_equal(identity_label(&i, "tier"), "web");
	assert_int_equal(dropped, 7);
	assert_true(i.labels_cut);
	identity_done(&i);
}

static void wrong_types_are_dropped(void **state)
{
	struct identity i = {0};
	uint64_t dropped = 0;

	READ("{\"Name\":7,\"Config\":{\"Image\":[],\"Labels\":{\"a\":1,\"b\":\"c\",\"d\":null}}}",
	     &i, &dropped);
	assert_int_equal(dropped, 4);
	assert_null(i.name);
	assert_int_equal(i.n_labels, 1);
	READ("{\"Name\":null,\"Config\":{\"Image\":null,\"Labels\":null}}", &i, &dropped);
	READ("{\"Config\":{\"Labels\":[\"x\"]}}", &i, &dropped);
	READ("{\"Config\":\"x\"}", &i, &dropped);
	READ("[]", &i, &dropped);
	READ("{}", &i, &dropped);
	assert_int_equal(dropped, 4);
	assert_int_equal(i.n_labels, 1);
	identity_done(&i);
}

/* A document cut anywhere, also within an escape or a character, is refused and not read past its end. */
static void every_cut_of_a_document_is_safe(void **state)
{
	static const char whole[] = "{\"a\":\"\\u0000\\ud83d\\ude00\xf0\x9f\x98\x80\\\"\"}";

	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		char *cut = malloc(n ? n : 1);

		assert_non_null(cut);
		memcpy(cut, whole, n);
		assert_null(document_parse(cut, n));
		free(cut);
	}
}

static void a_pod_is_told_by_labels(void **state)
{
	struct identity i = {.pod = strdup("known")};

	assert_int_equal(label(&i, "io.kubernetes.pod.name", "other"), 0);
	assert_int_equal(label(&i, "io.kubernetes.pod.namespace", "default"), 0);
	assert_int_equal(label(&i, "io.kubernetes.container.name", "nginx"), 0);
	document_pod_from_labels(&i);
	assert_string_equal(i.pod, "known");
	assert_string_equal(i.pod_namespace, "default");
	assert_string_equal(i.pod_container, "nginx");
	identity_done(&i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_bounded_and_fit_to_be_shown),
		cmocka_unit_test(labels_are_bounded),
		cmocka_unit_test(what_is_newer_replaces_and_the_rest_fills_gaps),
		cmocka_unit_test(one_bad_value_does_not_spoil_a_document),
		cmocka_unit_test(wrong_types_are_dropped),
		cmocka_unit_test(every_cut_of_a_document_is_safe),
		cmocka_unit_test(a_pod_is_told_by_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
