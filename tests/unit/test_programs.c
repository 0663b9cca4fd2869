/* SPDX-License-Identifier: GPL-2.0-only */
/* The BPF object of this build, without a kernel: every program belongs to a rule, every map has the shared layout. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "kernel/internal.h"

/* BPF_OBJ_NAME_LEN with its NUL: a longer name is cut by the kernel, and two may become one. */
#define NAME_MAX_LEN 15

DEFINE_CLEANUP(struct bpf_object *, bpf_object__close);

static struct bpf_object *open_object(void)
{
	struct bpf_object *object = object_open();

	assert_non_null(object);
	return object;
}

static void every_program_is_in_the_table(void **state)
{
	_cleanup_(bpf_object__closep) struct bpf_object *object = open_object();
	struct bpf_program *prog;
	size_t n = 0;

	bpf_object__for_each_program(prog, object)
	{
		const char *name = bpf_program__name(prog);
		uint32_t rules = program_rules(name);

		if (!rules)
			fail_msg("%s is in no table: it would be attached in any case", name);
		/* For a rule, or for all: not both. */
		assert_true(rules == PROGRAM_ALWAYS || !(rules & ~LEASTCAP_ALL_RULES));
		n++;
	}
	assert_true(n > LEASTCAP_RULES);
}

static void names_are_short_and_told_apart(void **state)
{
	_cleanup_(bpf_object__closep) struct bpf_object *object = open_object();
	struct bpf_program *prog, *other;
	struct bpf_map *map;

	bpf_object__for_each_program(prog, object)
	{
		const char *name = bpf_program__name(prog);
		size_t same = 0;

		if (strncmp(name, "lc_", 3) || strlen(name) > NAME_MAX_LEN)
			fail_msg("%s: no name for a program", name);
		bpf_object__for_each_program(other, object)
			same += !strcmp(bpf_program__name(other), name);
		assert_int_equal(same, 1);
	}
	bpf_object__for_each_map(map, object)
	{
		/* What the compiler makes (.rodata) is named by libbpf. */
		if (bpf_map__name(map)[0] != '.' && !strchr(bpf_map__name(map), '.'))
			assert_in_range(strlen(bpf_map__name(map)), 1, NAME_MAX_LEN);
	}
}

static void every_rule_has_programs(void **state)
{
	_cleanup_(bpf_object__closep) struct bpf_object *object = open_object();
	uint32_t rules = 0;
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, object) rules |= program_rules(bpf_program__name(prog));
	assert_true(rules == (LEASTCAP_ALL_RULES | PROGRAM_ALWAYS));
}

/* Variants differ in their number only: lc_setattr_2 and lc_setattr_3 are for the same hook and the same rules. */
static void variants_are_for_the_same_hook(void **state)
{
	_cleanup_(bpf_object__closep) struct bpf_object *object = open_object();
	struct bpf_program *prog, *other;
	size_t n = 0;

	bpf_object__for_each_program(prog, object)
	{
		const char *name = bpf_program__name(prog),
			   *section = bpf_program__section_name(prog);
		size_t stem = strlen(name) - 1, variants = 0;

		if (name[stem - 1] != '_' || !isdigit((unsigned char)name[stem]))
			continue;
		assert_int_equal(strncmp(section, "lsm/", 4), 0);
		bpf_object__for_each_program(other, object)
		{
			const char *another = bpf_program__name(other);

			if (strlen(another) != stem + 1 || strncmp(name, another, stem))
				continue;
			assert_string_equal(bpf_program__section_name(other), section);
			assert_int_equal(program_rules(another), program_rules(name));
			variants++;
		}
		assert_true(variants >= 2);
		n++;
	}
	assert_true(n >= 2);
}

/* A program in another section has libbpf read all of the kernel's types, and is attached by nobody. */
static void every_section_is_known(void **state)
{
	_cleanup_(bpf_object__closep) struct bpf_object *object = open_object();
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, object)
	{
		const char *section = bpf_program__section_name(prog);
		enum bpf_prog_type type = bpf_program__type(prog);

		if (type == BPF_PROG_TYPE_LSM || type == BPF_PROG_TYPE_TRACING ||
		    type == BPF_PROG_TYPE_UNSPEC)
			fail_msg("%s: hooks.c has nothing for it", section);
		assert_int_equal(type == BPF_PROG_TYPE_SYSCALL, !strcmp(section, "syscall"));
		assert_int_equal(program_hook(prog) != NULL, !strncmp(section, "lsm/", 4));
	}
}

static void what_is_no_program_has_no_rules(void **state)
{
	static const char *const names[] = {
		"",	   "lc_", "lc_capabl",	 "lc_capable_", "lc_capables", "lc_capable_x",
		"capable", "_1",  "lc_mount_12", "LC_MOUNT",	"1",	       "_"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(program_rules(names[i]), 0);
	assert_true(program_rules("lc_capable") == PROGRAM_ALWAYS);
	assert_int_equal(program_rules("lc_setattr_2"),
			 LEASTCAP_RULE_BIT(LEASTCAP_RULE_ATTRIBUTES));
	assert_int_equal(program_rules("lc_setattr_3"),
			 LEASTCAP_RULE_BIT(LEASTCAP_RULE_ATTRIBUTES));
}

/* Whatever kernel this machine has: a rule is held, or it is said what is missing. */
static void what_is_not_held_has_a_reason(void **state)
{
	const uint32_t all = LEASTCAP_ALL_RULES, held = kernel_rules_held(all, NULL);
	_cleanup_free_ char *why = NULL, *later = NULL;

	assert_int_equal(held & ~all, 0);
	assert_int_equal(kernel_rules_held(0, &why), 0);
	assert_null(why);
	for (uint32_t rule = 0; rule < LEASTCAP_RULES; rule++) {
		uint32_t bit = LEASTCAP_RULE_BIT(rule);
		_cleanup_free_ char *reason = NULL;

		assert_int_equal(kernel_rules_held(bit, &reason), held & bit);
		assert_int_equal(reason == NULL, (held & bit) != 0);
		assert_true(!reason || *reason);
	}
	/* A rule that this build does not know. */
	assert_int_equal(kernel_rules_held(LEASTCAP_RULE_BIT(LEASTCAP_RULES), &later), 0);
	assert_string_equal(later, "a later leastcap");
}

/* The two sides agree on every map that they share. */
static void maps_have_the_shared_layout(void **state)
{
	static const struct {
		enum pinned_map map;
		size_t key, value;
	} want[] = {
		{MAP_BINDINGS, sizeof(__u64), sizeof(struct leastcap_binding)},
		{MAP_LEDGERS, sizeof(__u64), sizeof(struct leastcap_ledger)},
		{MAP_REFUSALS, sizeof(__u64), sizeof(struct leastcap_refusals)},
		{MAP_POLICIES, sizeof(__u64), sizeof(struct leastcap_policy)},
		{MAP_LISTS, sizeof(__u64), sizeof(struct leastcap_lists)},
		{MAP_FILESYSTEMS, sizeof(struct leastcap_fs_type), sizeof(__u32)},
		{MAP_UNIX_NAMES, sizeof(struct leastcap_unix_key),
		 sizeof(struct leastcap_unix_name)},
		{MAP_DESTINATIONS, sizeof(struct leastcap_destination),
		 sizeof(struct leastcap_destination_rule)},
		{MAP_BIRTHS, sizeof(struct leastcap_birth), sizeof(__u64)},
		{MAP_PATTERNS, sizeof(__u32), sizeof(struct leastcap_birth_pattern)},
		{MAP_NEWBORN, sizeof(__u32), sizeof(struct leastcap_newborn)},
		{MAP_WAITING, sizeof(__u64), sizeof(__u64)},
		{MAP_HELD, sizeof(__u32), sizeof(struct leastcap_held)},
		{MAP_LAUNCHERS, sizeof(struct leastcap_file), sizeof(__u32)},
		{MAP_TASKS, sizeof(__u32), sizeof(struct leastcap_task)},
		{MAP_MAKERS, sizeof(__u32), sizeof(struct leastcap_makers)},
		{MAP_ASKERS, sizeof(__u32), sizeof(struct leastcap_asked)},
		{MAP_SAMPLES, sizeof(struct leastcap_key), sizeof(struct leastcap_sample)},
		{MAP_EVENTS, 0, 0},
		{MAP_LOSSES, sizeof(__u32), sizeof(__u64)},
		{MAP_STATE, sizeof(__u32), sizeof(struct leastcap_state)},
		{MAP_PENDING, sizeof(__u32), LEASTCAP_PENDING * sizeof(struct leastcap_pending)},
	};
	_cleanup_(bpf_object__closep) struct bpf_object *object = open_object();

	assert_int_equal(ARRAY_SIZE(want), MAPS);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		const char *name = map_names[want[i].map];
		const struct bpf_map *map = bpf_object__find_map_by_name(object, name);

		if (!map)
			fail_msg("no map %s", name);
		if (bpf_map__key_size(map) != want[i].key ||
		    bpf_map__value_size(map) != want[i].value)
			fail_msg("%s: key of %u bytes, value of %u", name, bpf_map__key_size(map),
				 bpf_map__value_size(map));
		/* The BPF file system takes no dot. */
		assert_null(strchr(map_pin(want[i].map), '.'));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_program_is_in_the_table),
		cmocka_unit_test(names_are_short_and_told_apart),
		cmocka_unit_test(every_rule_has_programs),
		cmocka_unit_test(variants_are_for_the_same_hook),
		cmocka_unit_test(every_section_is_known),
		cmocka_unit_test(what_is_no_program_has_no_rules),
		cmocka_unit_test(what_is_not_held_has_a_reason),
		cmocka_unit_test(maps_have_the_shared_layout),
	};

	return cmocka_run_group_tests_name("programs", tests, NULL, NULL);
}
