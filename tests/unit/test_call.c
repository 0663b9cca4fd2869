/* SPDX-License-Identifier: GPL-2.0-only */
/* A system call as it would be written in a program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "explain/call.h"

#define HEAD                                                         \
	"name: sys_enter_x\nID: 77\nformat:\n"                       \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\n"  \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n" \
	"\tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;\n"
#define FIELD(type, name) "\tfield:" type " " name ";\toffset:16;\tsize:8;\tsigned:0;\n"
#define TAIL "\nprint fmt: \"name: 0x%08lx\", ((unsigned long)(REC->name))\n"

static void check(const char *syscall, const char *format, const char *const registers[6],
		  const char *want)
{
	json_auto_t *arguments = json_array();
	_cleanup_free_ char *text = NULL;

	for (size_t i = 0; i < 6; i++)
		json_array_append_new(arguments, json_string(registers[i]));
	text = call_text(syscall, arguments, format, format ? strlen(format) : 0);
	assert_non_null(text);
	assert_string_equal(text, want);
}

static void arguments_have_their_names(void **state)
{
	check("sethostname", HEAD FIELD("char *", "name") FIELD("int", "len") TAIL,
	      (const char *[]){"0x7ffd10", "0x4", "0x1", "0x2", "0x3", "0x4"},
	      "sethostname(name: 0x7ffd10, len: 4)");
	check("sethostname",
	      HEAD FIELD("char *", "name") FIELD("int", "len")
		      FIELD("__data_loc char[]", "__name_val") TAIL,
	      (const char *[]){"0x0", "0xffffffff", "0x1", "0x2", "0x3", "0x4"},
	      "sethostname(name: NULL, len: -1)");
	check("fchownat",
	      HEAD FIELD("int", "dfd") FIELD("const char *", "filename") FIELD("uid_t", "user")
		      FIELD("gid_t", "group") FIELD("int", "flag") TAIL,
	      (const char *[]){"0xffffffffffffff9c", "0x0", "0xffffffff", "0x64", "0x100", "0x0"},
	      "fchownat(dfd: -100, filename: NULL, user: -1, group: 100, flag: 256)");
	check("mknodat",
	      HEAD FIELD("int", "dfd") FIELD("const char *", "filename") FIELD("umode_t", "mode")
		      FIELD("unsigned int", "dev") TAIL,
	      (const char *[]){"0x3", "0x10", "0x21b6", "0x103", "0x0", "0x0"},
	      "mknodat(dfd: 3, filename: 0x10, mode: 020666, dev: 259)");
	check("unshare", HEAD FIELD("unsigned long", "unshare_flags") TAIL,
	      (const char *[]){"0x7c020000", "0x0", "0x0", "0x0", "0x0", "0x0"},
	      "unshare(unshare_flags: 0x7c020000)");
	check("vhangup", HEAD TAIL, (const char *[]){"0x1", "0x2", "0x3", "0x4", "0x5", "0x6"},
	      "vhangup()");
}

/* What is above of a type of 32 bits is left over. */
static void a_register_is_as_wide_as_its_type(void **state)
{
	check("setuid", HEAD FIELD("uid_t", "uid") TAIL,
	      (const char *[]){"0xdead000003e8", "0x0", "0x0", "0x0", "0x0", "0x0"},
	      "setuid(uid: 1000)");
	check("ftruncate", HEAD FIELD("unsigned int", "fd") FIELD("off_t", "length") TAIL,
	      (const char *[]){"0x4", "0x100000000", "0x0", "0x0", "0x0", "0x0"},
	      "ftruncate(fd: 4, length: 4294967296)");
}

static void without_names_it_is_the_registers(void **state)
{
	static const char *const registers[] = {"0x1", "0x22", "0x0", "0xffffffffffffffff",
						"0x5", "0x6"};

	check("x", NULL, registers, "x(0x1, 0x22, 0x0, 0xffffffffffffffff, 0x5, 0x6)");
	check("x", "junk", registers, "x(0x1, 0x22, 0x0, 0xffffffffffffffff, 0x5, 0x6)");
}

static void what_is_not_known_has_no_text(void **state)
{
	json_auto_t *few = json_pack("[s, s]", "0x1", "0x2"), *null = json_null();
	json_auto_t *words =
		json_pack("[s, s, s, s, s, s]", "0x1", "x", "0x1", "0x1", "0x1", "0x1");
	json_auto_t *numbers = json_pack("[i, i, i, i, i, i]", 1, 2, 3, 4, 5, 6);

	assert_null(call_text("x", NULL, NULL, 0));
	assert_null(call_text("x", null, NULL, 0));
	assert_null(call_text("x", few, NULL, 0));
	assert_null(call_text("x", words, NULL, 0));
	assert_null(call_text("x", numbers, NULL, 0));
}

/* However it is cut: no harm, and at most six. */
static void a_format_that_ends_anywhere_does_no_harm(void **state)
{
	static const char format[] = HEAD FIELD("int", "a") FIELD("char *", "b") FIELD("int", "c")
		FIELD("int", "d") FIELD("int", "e") FIELD("int", "f") FIELD("int", "g") TAIL;
	json_auto_t *arguments =
		json_pack("[s, s, s, s, s, s]", "0x1", "0x2", "0x3", "0x4", "0x5", "0x6");

	for (size_t len = 0; len <= strlen(format); len++) {
		_cleanup_free_ char *copy = malloc(len), *text = NULL;

		memcpy(copy, format, len);
		text = call_text("x", arguments, copy, len);
		assert_non_null(text);
		assert_null(strstr(text, "g:"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_have_their_names),
		cmocka_unit_test(a_register_is_as_wide_as_its_type),
		cmocka_unit_test(without_names_it_is_the_registers),
		cmocka_unit_test(what_is_not_known_has_no_text),
		cmocka_unit_test(a_format_that_ends_anywhere_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
