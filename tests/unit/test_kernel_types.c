/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bpf/kernel_types.h against a kernel's BTF: every struct and member that the kernel side names is there, members of
 * unnamed structs and unions included. The host's kernel stands for all; in guests loading the programs is the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <bpf/btf.h>

#define LIST "bpf/kernel_types.h"

static int has_member(const struct btf *btf, __u32 id, const char *name)
{
	const struct btf_type *t = btf__type_by_id(btf, id);
	const struct btf_member *m = btf_members(t);

	for (int i = 0; i < btf_vlen(t); i++, m++) {
		const char *member = btf__name_by_offset(btf, m->name_off);
		__u32 type = m->type;

		if (!strcmp(member, name))
			return 1;
		while (btf_is_mod(btf__type_by_id(btf, type)))
			type = btf__type_by_id(btf, type)->type;
		if (!*member && btf_is_composite(btf__type_by_id(btf, type)) &&
		    has_member(btf, type, name))
			return 1;
	}
	return 0;
}

/* The last word of a declaration: "const char *name;" -> "name". NULL: none. */
static char *member_of(char *line)
{
	char *end = line + strcspn(line, "[;"), *start;

	if (!*end || line[0] != '\t')
		return NULL;
	*end = '\0';
	for (start = end; start > line && !strchr(" \t*", start[-1]);)
		start--;
	return start;
}

static int check_list(const struct btf *btf, const char *path, int *ret_structs, int *ret_members)
{
	FILE *f = fopen(path, "re");
	char line[256], name[64] = "";
	int id = 0, missing = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		char *member;

		if (sscanf(line, "struct %63s {", name) == 1 && strchr(line, '{')) {
			id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);
			if (id < 0)
				print_error("no struct %s\n", name), missing++;
			++*ret_structs;
		} else if (line[0] == '}') {
			id = 0;
		} else if (id > 0 && (member = member_of(line))) {
			++*ret_members;
			if (!has_member(btf, (__u32)id, member))
				print_error("no %s.%s\n", name, member), missing++;
		}
	}
	fclose(f);
	return missing;
}

/* Definitions by their closing braces, the typedef's not counted. */
static int count_structs(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[256];
	int n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		n += !strncmp(line, "};", 2);
	fclose(f);
	return n;
}

static void kernel_has_every_member(void **state)
{
	struct btf *btf;
	int structs = 0, members = 0;

	/* Built without type information: nothing to compare with, and nothing that would load either. */
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		skip();
	btf = btf__load_vmlinux_btf();
	assert_non_null(btf);
	assert_int_equal(check_list(btf, LIST, &structs, &members), 0);
	/* The list is read to its end: every struct that stands there, and nearly all that they have. */
	assert_int_equal(structs, count_structs(LIST));
	assert_true(members >= 75);
	btf__free(btf);
}

static void a_wrong_member_is_found(void **state)
{
	char path[] = "/tmp/test_kernel_types-XXXXXX";
	struct btf *btf;
	int fd = mkstemp(path), structs = 0, members = 0;

	assert_true(fd >= 0);
	dprintf(fd,
		"struct cred {\n\tint no_such_member;\n};\nstruct no_such_struct {\n\tint a;\n};\n");
	close(fd);
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		skip();
	btf = btf__load_vmlinux_btf();
	assert_non_null(btf);
	assert_int_equal(check_list(btf, path, &structs, &members), 2);
	assert_int_equal(structs, 2);
	unlink(path);
	btf__free(btf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_has_every_member),
		cmocka_unit_test(a_wrong_member_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
