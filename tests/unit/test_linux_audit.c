/* SPDX-License-Identifier: GPL-2.0-only */
/* An event as a message of audit: fields that a container's names can neither end nor add, and that always fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/event.h"
#include "audit/output.h"
#include "base/cleanup.h"

#define FITS 7800

/* A denial in which all texts that a container has a say in are this one. */
static char *text_of(const char *hostile)
{
	json_auto_t *text = event_string(hostile);
	json_auto_t *event = json_pack(
		"{s:s, s:i, s:s, s:s, s:O, s:n, s:O, s:i, s:{s:O, s:O, s:O, s:O, s:O, s:n}, s:{s:i, s:i, s:O, s:O}}",
		"type", "denied", "seq", 7, "restriction", "mounts", "item", "mount", "detail",
		text, "syscall", "policy", text, "revision", 3, "subject", "cgroup", text,
		"binding", text, "name", text, "image", text, "unit", text, "container", "process",
		"pid", 12, "uid", 0, "comm", text, "exe", text);
	size_t len = 0;
	char *message = output_audit.text(event, "", 0, &len);

	assert_non_null(message);
	assert_int_equal(strlen(message), len);
	return message;
}

/* The value of a field, as auparse has it: without quotes, or the bytes of the hexadecimal form. To be freed. */
static char *value_of(const char *message, const char *name, int *ret_fields)
{
	_cleanup_free_ char *copy = strdup(message);
	char *found = NULL, *rest;

	*ret_fields = 0;
	for (char *field = strtok_r(copy, " ", &rest); field; field = strtok_r(NULL, " ", &rest)) {
		char *value = strchr(field, '=');
		size_t len;

		++*ret_fields;
		assert_non_null(value);
		*value++ = '\0';
		if (strcmp(field, name))
			continue;
		assert_null(found);
		len = strlen(value);
		if (*value == '"') {
			assert_true(len >= 2 && value[len - 1] == '"');
			found = strndup(value + 1, len - 2);
			continue;
		}
		found = calloc(1, len / 2 + 1);
		for (size_t i = 0; i + 1 < len; i += 2)
			assert_int_equal(sscanf(value + i, "%2hhx", (unsigned char *)found + i / 2),
					 1);
	}
	return found;
}

static void an_event_is_fields_of_audit(void **state)
{
	_cleanup_free_ char *message = text_of("/a/b");

	assert_string_equal(message,
			    "op=\"denied\" seq=7 restriction=\"mounts\" item=\"mount\" "
			    "detail=\"/a/b\" opid=12 ouid=0 ocomm=\"/a/b\" program=\"/a/b\" "
			    "cgroup=\"/a/b\" binding=\"/a/b\" container_name=\"/a/b\" "
			    "image=\"/a/b\" unit=\"/a/b\" policy=\"/a/b\" revision=3");
}

static void no_name_ends_a_field_or_adds_one(void **state)
{
	static const char *const hostile[] = {
		"x res=success",
		"res=success",
		"x/exe=/bin/true",
		"x\" op=\"allowed",
		"x' res=success",
		"x\ntype=TRUSTED_APP msg=audit(1.1:1): op=forged",
		"x\x1d"
		"AUID=\"root\"",
		"\xff\xfe",
		"caf\xc3\xa9",
		"",
		"=",
		"'",
		"\"",
		"%n%s",
		"DEADBEEF",
	};
	int plain, fields;

	_cleanup_free_ char *reference = text_of("plain"),
			    *word = value_of(reference, "op", &plain);

	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		_cleanup_free_ char *message = text_of(hostile[i]), *value = NULL, *op = NULL;
		json_auto_t *told = event_string(hostile[i]);

		for (const char *c = message; *c; c++)
			assert_true(*c >= ' ' && *c < 0x7f && *c != '\'');
		/* Wherever ausearch begins to read: what is no field is nowhere. */
		assert_null(strstr(message, "res="));
		assert_null(strstr(message, "exe="));
		value = value_of(message, "ocomm", &fields);
		assert_int_equal(fields, plain);
		assert_string_equal(value, json_string_value(told));
		op = value_of(message, "op", &fields);
		assert_string_equal(op, "denied");
	}
}

static void nothing_is_too_long(void **state)
{
	_cleanup_free_ char *longest = malloc(4097), *message = NULL, *value = NULL;
	int fields;

	memset(longest, ' ', 4096);
	longest[4096] = '\0';
	message = text_of(longest);
	assert_true(strlen(message) < FITS);
	/* What was cut says so. */
	value = value_of(message, "cgroup", &fields);
	assert_int_equal(strlen(value), 363);
	assert_string_equal(value + 360, "...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_is_fields_of_audit),
		cmocka_unit_test(no_name_ends_a_field_or_adds_one),
		cmocka_unit_test(nothing_is_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
