/* SPDX-License-Identifier: GPL-2.0-only */
/* Names and sets of capabilities, and the nearest word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

#include <leastcap/decide.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/nearest.h"

#define BIT(cap) (1ULL << (cap))

static int parse(const char *name)
{
	return caps_parse(name, strlen(name));
}

static void names_come_back_as_numbers(void **state)
{
	for (unsigned int cap = 0; cap <= caps_last(); cap++) {
		char name[32], buf[64];

		assert_ptr_equal(caps_name(cap, name), name);
		assert_int_equal(parse(name), cap);
		snprintf(buf, sizeof(buf), "CAP_%s", name);
		assert_int_equal(parse(buf), cap);
		for (char *c = buf; *c; c++)
			*c = (char)tolower((unsigned char)*c);
		assert_int_equal(parse(buf), cap);
		assert_int_equal(parse(buf + 4), cap);
	}
}

static void names_are_those_of_the_manual(void **state)
{
	char buf[32];

	assert_string_equal(caps_name(CAP_CHOWN, buf), "CHOWN");
	assert_string_equal(caps_name(CAP_SYS_ADMIN, buf), "SYS_ADMIN");
	assert_string_equal(caps_name(CAP_CHECKPOINT_RESTORE, buf), "CHECKPOINT_RESTORE");
	assert_int_equal(parse("NET_BIND_SERVICE"), CAP_NET_BIND_SERVICE);
	assert_int_equal(parse("Cap_Sys_Admin"), CAP_SYS_ADMIN);
}

static void a_number_without_a_name_is_shown_as_a_number(void **state)
{
	char buf[32];

	assert_string_equal(caps_name(64, buf), "64");
	assert_string_equal(caps_name(4294967295U, buf), "4294967295");
	assert_true(caps_last() >= CAP_LAST_CAP && caps_last() < 64);
}

static void wrong_names_are_refused(void **state)
{
	static const char *const wrong[] = {
		"",	  "CAP_",      "CAP_CAP_CHOWN", "CHOW",		  "CHOWNX",
		" CHOWN", "SYS-ADMIN", "all",		"none",		  "21",
		"-1",	  "64",	       "SYS ADMIN",	"cap_sys_admin+", "\xff"};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(parse(wrong[i]), -ENOENT);
	/* The length counts, not a NUL. */
	assert_int_equal(caps_parse("CHOWN,KILL", 5), CAP_CHOWN);
	assert_int_equal(caps_parse("CHOWN\0X", 7), -ENOENT);
	assert_int_equal(caps_parse("CHOWN", 4), -ENOENT);
}

static void the_nearest_name_is_found(void **state)
{
	static const char *const near[][2] = {
		{"NET_BIND_SERVCE", "NET_BIND_SERVICE"},
		{"cap_net_amdin", "NET_ADMIN"},
		{"SYSADMIN", "SYS_ADMIN"},
		{"CHWON", "CHOWN"},
		{"sys-time", "SYS_TIME"},
		{"SETFCAPS", "SETFCAP"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(near); i++)
		assert_string_equal(caps_nearest(near[i][0], strlen(near[i][0])), near[i][1]);
	assert_null(caps_nearest("", 0));
	assert_null(caps_nearest("CAP_", 4));
	assert_null(caps_nearest("x", 1));
	assert_null(caps_nearest("completely_different", 20));
}

static void lists_are_parsed(void **state)
{
	static const struct {
		const char *list;
		uint64_t set;
	} lists[] = {
		{"", 0},
		{" , ,, ", 0},
		{"none", 0},
		{"NONE", 0},
		{"all", LEASTCAP_ALL},
		{" All ", LEASTCAP_ALL},
		{"CHOWN", BIT(CAP_CHOWN)},
		{"NET_BIND_SERVICE,chown", BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_CHOWN)},
		{"cap_kill cap_chown", BIT(CAP_KILL) | BIT(CAP_CHOWN)},
		{",KILL , chown,KILL,", BIT(CAP_KILL) | BIT(CAP_CHOWN)},
		{"CHECKPOINT_RESTORE", BIT(CAP_CHECKPOINT_RESTORE)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		uint64_t set = 12345;

		assert_int_equal(caps_parse_list(lists[i].list, &set, NULL, NULL), 0);
		assert_true(set == lists[i].set);
	}
}

static void the_wrong_word_of_a_list_is_named(void **state)
{
	static const char *const lists[][2] = {
		{"CHOWN,FOO,KILL", "FOO"},
		{"x", "x"},
		{"none,SYS_ADMIN", "SYS_ADMIN"},
		{"all none", "none"},
		{"CHOWN all", "all"},
		{"all,all", "all"},
		{"CHOWN;KILL", "CHOWN;KILL"},
		{"kill\tchown", "kill\tchown"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const char *bad = NULL;
		size_t len = 0;
		uint64_t set = 12345;

		assert_int_equal(caps_parse_list(lists[i][0], &set, &bad, &len), -ENOENT);
		assert_true(set == 12345);
		assert_int_equal(len, strlen(lists[i][1]));
		assert_memory_equal(bad, lists[i][1], len);
		assert_true(bad >= lists[i][0] && bad + len <= lists[i][0] + strlen(lists[i][0]));
	}
	/* The second of two equal words is the wrong one. */
	{
		const char *list = "all,all", *bad = NULL;
		uint64_t set;

		caps_parse_list(list, &set, &bad, NULL);
		assert_ptr_equal(bad, list + 4);
	}
}

static void sets_become_arrays_of_names(void **state)
{
	json_t *array = caps_to_json(BIT(CAP_SETUID) | BIT(CAP_CHOWN));

	assert_int_equal(json_array_size(array), 2);
	assert_string_equal(json_string_value(json_array_get(array, 0)), "CHOWN");
	assert_string_equal(json_string_value(json_array_get(array, 1)), "SETUID");
	json_decref(array);

	array = caps_to_json(0);
	assert_true(json_is_array(array) && json_array_size(array) == 0);
	json_decref(array);

	array = caps_to_json(LEASTCAP_ALL);
	assert_int_equal(json_array_size(array), caps_last() + 1);
	for (unsigned int cap = 0; cap <= caps_last(); cap++)
		assert_int_equal(parse(json_string_value(json_array_get(array, cap))), cap);
	json_decref(array);
}

static void sets_become_text(void **state)
{
	static const struct {
		uint64_t set;
		const char *text;
	} sets[] = {
		{0, "none"},
		{LEASTCAP_ALL, "all"},
		{BIT(CAP_CHOWN), "CHOWN"},
		{BIT(CAP_SETUID) | BIT(CAP_CHOWN), "CHOWN, SETUID"},
	};
	_cleanup_free_ char *nearly = caps_to_text(LEASTCAP_ALL & ~BIT(63));

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		_cleanup_free_ char *text = caps_to_text(sets[i].set);

		assert_string_equal(text, sets[i].text);
	}
	/* Every known capability is not the same as all: a later kernel may add one. */
	assert_memory_equal(nearly, "CHOWN, DAC_OVERRIDE, ", 21);
}

/* What is printed can be put in again. */
static void text_is_parsed_back(void **state)
{
	for (unsigned int cap = 0; cap <= caps_last(); cap++) {
		uint64_t in = BIT(cap) | BIT(0), out = 0;
		_cleanup_free_ char *text = caps_to_text(in);

		assert_int_equal(caps_parse_list(text, &out, NULL, NULL), 0);
		assert_true(in == out);
	}
}

static const char *near_word(const char *word)
{
	static const char *const words[] = {"enforce", "audit", "all", "none", NULL};

	return nearest_word(word, strlen(word), words);
}

static void near_means_few_wrong_letters(void **state)
{
	assert_string_equal(near_word("enforce"), "enforce");
	assert_string_equal(near_word("ENFORCE"), "enforce");
	assert_string_equal(near_word("enforcing"), "enforce");
	assert_string_equal(near_word("enfroce"), "enforce");
	assert_string_equal(near_word("auidt"), "audit");
	assert_string_equal(near_word("al"), "all");
	assert_string_equal(near_word("nnoe"), "none");
	assert_null(near_word("a"));
	assert_null(near_word(""));
	assert_null(near_word("permissive"));
	assert_null(near_word("nothing at all, and much more of the same than any word has"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_come_back_as_numbers),
		cmocka_unit_test(names_are_those_of_the_manual),
		cmocka_unit_test(a_number_without_a_name_is_shown_as_a_number),
		cmocka_unit_test(wrong_names_are_refused),
		cmocka_unit_test(the_nearest_name_is_found),
		cmocka_unit_test(lists_are_parsed),
		cmocka_unit_test(the_wrong_word_of_a_list_is_named),
		cmocka_unit_test(sets_become_arrays_of_names),
		cmocka_unit_test(sets_become_text),
		cmocka_unit_test(text_is_parsed_back),
		cmocka_unit_test(near_means_few_wrong_letters),
	};

	return cmocka_run_group_tests_name("caps", tests, NULL, NULL);
}
