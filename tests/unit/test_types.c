/* SPDX-License-Identifier: GPL-2.0-only */
/* Of the kernel's types those that programs name: all of them, with what they are made of, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <bpf/btf.h>

#include "kernel/internal.h"

/* struct inner { int a; int b[4]; }; another struct inner { int c; }; union { struct inner i; const id_t d; } in struct task. */
static struct btf *kernel_types(void)
{
	struct btf *btf = btf__new_empty();
	int n, array, inner, id, held, pointer, other;

	assert_non_null(btf);
	assert_true(btf__add_struct(btf, "unnamed_by_anybody", 8) > 0);
	n = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	array = btf__add_array(btf, n, n, 4);
	inner = btf__add_struct(btf, "inner", 20);
	assert_int_equal(btf__add_field(btf, "a", n, 0, 0), 0);
	assert_int_equal(btf__add_field(btf, "b", array, 32, 0), 0);
	id = btf__add_const(btf, btf__add_typedef(btf, "id_t", n));
	held = btf__add_union(btf, NULL, 20);
	assert_int_equal(btf__add_field(btf, "i", inner, 0, 0), 0);
	assert_int_equal(btf__add_field(btf, "d", id, 0, 0), 0);
	other = btf__add_struct(btf, "pointed_to", 4);
	assert_int_equal(btf__add_field(btf, "x", n, 0, 0), 0);
	pointer = btf__add_ptr(btf, other);
	assert_true(btf__add_struct(btf, "task", 48) > 0);
	assert_int_equal(btf__add_field(btf, "next", pointer, 0, 0), 0);
	assert_int_equal(btf__add_field(btf, NULL, held, 64, 0), 0);
	assert_int_equal(btf__add_field(btf, "bits", n, 256, 3), 0);
	/* A second one of the same name. */
	assert_true(btf__add_struct(btf, "inner", 4) > 0);
	assert_int_equal(btf__add_field(btf, "c", n, 0, 0), 0);
	assert_true(btf__add_enum(btf, "state", 4) > 0);
	assert_int_equal(btf__add_enum_value(btf, "RUNNING", 7), 0);
	return btf;
}

static struct btf *object_types(const char *const names[])
{
	struct btf *btf = btf__new_empty();

	assert_non_null(btf);
	for (; *names; names++)
		assert_true(btf__add_struct(btf, *names, 0) > 0);
	return btf;
}

static struct btf *picked(const struct btf *kernel, const char *const names[])
{
	struct btf *object = object_types(names), *btf;
	int fd = types_pick(kernel, object);
	char path[32];

	assert_true(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	btf = btf__parse(path, NULL);
	assert_non_null(btf);
	close(fd);
	btf__free(object);
	return btf;
}

static int count(const struct btf *btf, const char *name)
{
	int n = 0;

	for (uint32_t id = 1; id < btf__type_cnt(btf); id++)
		n += !strcmp(btf__name_by_offset(btf, btf__type_by_id(btf, id)->name_off), name);
	return n;
}

static const struct btf_type *type_of(const struct btf *btf, const struct btf_type *t, uint32_t i)
{
	return btf__type_by_id(btf, btf_members(t)[i].type);
}

static void test_parts(void **state)
{
	struct btf *kernel = kernel_types(), *btf = picked(kernel, (const char *[]){"task", NULL});
	const struct btf_type *task, *held, *inner, *of;

	(void)state;
	task = btf__type_by_id(btf, (uint32_t)btf__find_by_name_kind(btf, "task", BTF_KIND_STRUCT));
	assert_non_null(task);
	assert_int_equal(task->size, 48);
	assert_int_equal(btf_vlen(task), 3);
	/* A pointer is one to nothing. */
	of = type_of(btf, task, 0);
	assert_true(btf_is_ptr(of) && of->type == 0);
	assert_int_equal(count(btf, "pointed_to"), 0);
	assert_int_equal(count(btf, "unnamed_by_anybody"), 0);
	assert_int_equal(count(btf, "state"), 0);
	held = type_of(btf, task, 1);
	assert_true(btf_is_union(held));
	assert_int_equal(btf_member_bit_offset(task, 1), 64);
	assert_int_equal(btf_member_bit_offset(task, 2), 256);
	assert_int_equal(btf_member_bitfield_size(task, 2), 3);
	inner = type_of(btf, held, 0);
	assert_string_equal(btf__name_by_offset(btf, inner->name_off), "inner");
	assert_int_equal(inner->size, 20);
	assert_int_equal(btf_member_bit_offset(inner, 1), 32);
	assert_string_equal(btf__name_by_offset(btf, btf_members(inner)[1].name_off), "b");
	of = type_of(btf, inner, 1);
	assert_true(btf_is_array(of));
	assert_int_equal(btf_array(of)->nelems, 4);
	assert_int_equal(btf__resolve_size(btf, btf_members(inner)[1].type), 16);
	of = type_of(btf, held, 1);
	assert_true(btf_is_const(of));
	assert_string_equal(btf__name_by_offset(btf, btf__type_by_id(btf, of->type)->name_off),
			    "id_t");
	assert_int_equal(btf__resolve_size(btf, btf_members(held)[1].type), 4);
	/* Only the one that it is made of. */
	assert_int_equal(count(btf, "inner"), 1);
	btf__free(btf);
	btf__free(kernel);
}

static void test_names(void **state)
{
	struct btf *kernel = kernel_types();
	struct btf *btf =
		picked(kernel, (const char *[]){"inner", "state___old", "of_ours", "id_t", NULL});

	(void)state;
	assert_int_equal(count(btf, "inner"), 2);
	assert_int_equal(count(btf, "state"), 1);
	assert_int_equal(count(btf, "id_t"), 1);
	assert_int_equal(count(btf, "task"), 0);
	btf__free(btf);
	/* None is an answer, too. */
	btf = picked(kernel, (const char *[]){"of_ours", NULL});
	assert_int_equal(btf__type_cnt(btf), 1);
	btf__free(btf);
	btf__free(kernel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
