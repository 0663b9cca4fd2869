/* SPDX-License-Identifier: GPL-2.0-only */
#include "explain/call.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define ARGUMENTS 6

/* What comes before the call's own arguments. */
#define NUMBER "__syscall_nr;"

struct parameter {
	char type[64];
	char name[32];
};

static int argument(const json_t *arguments, size_t i, uint64_t *ret)
{
	const char *text = json_string_value(json_array_get(arguments, i));
	char *end;

	if (!text || !*text)
		return -1;
	*ret = strtoull(text, &end, 16);
	return *end ? -1 : 0;
}

/*
 * The next "field:TYPE NAME;" of a format, include/trace/syscall.h makes them. Answers what is behind it; NULL: there is no
 * other.
 */
static const char *next_parameter(const char *at, struct parameter *ret)
{
	static const char field[] = "field:";
	const char *begin = strstr(at, field), *end = begin ? strchr(begin, ';') : NULL, *name;
	size_t type_len, name_len;

	if (!end)
		return NULL;
	begin += strlen(field);
	for (name = end; name > begin && name[-1] != ' '; name--)
		;
	name_len = (size_t)(end - name);
	type_len = name > begin ? (size_t)(name - 1 - begin) : 0;
	if (!type_len || type_len >= sizeof(ret->type) || !name_len ||
	    name_len >= sizeof(ret->name))
		return NULL;
	snprintf(ret->type, sizeof(ret->type), "%.*s", (int)type_len, begin);
	snprintf(ret->name, sizeof(ret->name), "%.*s", (int)name_len, name);
	return end + 1;
}

/* In the form that fits the type: an address and a set of flags as in headers, a mode as chmod has it. */
static void print_argument(FILE *f, const struct parameter *p, uint64_t value)
{
	bool narrow = !strstr(p->type, "long") && !strstr(p->type, "size_t") &&
		      !strstr(p->type, "off_t");
	bool pointer = strchr(p->type, '*');

	/* What is above of a narrow one the kernel does not look at. */
	if (narrow && !pointer)
		value = (uint32_t)value;
	if (pointer && !value)
		fputs("NULL", f);
	else if (pointer || strstr(p->name, "flags") || !strcmp(p->name, "cmd"))
		fprintf(f, "0x%llx", (unsigned long long)value);
	else if (!strcmp(p->type, "umode_t"))
		fprintf(f, "0%llo", (unsigned long long)(value & 0xffff));
	else if (!strcmp(p->type, "int") || !strcmp(p->type, "pid_t") ||
		 !strcmp(p->type, "key_serial_t"))
		fprintf(f, "%d", (int32_t)(uint32_t)value);
	else if (value == UINT32_MAX && (!strcmp(p->type, "uid_t") || !strcmp(p->type, "gid_t")))
		fputs("-1", f);
	else
		fprintf(f, "%llu", (unsigned long long)value);
}

/* Answers how many there were; what is no such format has none. */
static int print_named(FILE *f, const uint64_t values[ARGUMENTS], const char *format)
{
	const char *at = strstr(format, NUMBER);
	struct parameter p;
	int n = 0;

	if (!at)
		return -1;
	for (at += strlen(NUMBER); n < ARGUMENTS; n++) {
		at = next_parameter(at, &p);
		/* v6.19 and later: behind the arguments, the text that one of them pointed to. */
		if (!at || !strncmp(p.type, "__data_loc", strlen("__data_loc")))
			break;
		fprintf(f, "%s%s: ", n ? ", " : "", p.name);
		print_argument(f, &p, values[n]);
	}
	return n;
}

char *call_text(const char *syscall, const json_t *arguments, const char *format, size_t len)
{
	_cleanup_free_ char *known = format ? strndup(format, len) : NULL;
	uint64_t values[ARGUMENTS];
	char *text = NULL;
	size_t size;
	FILE *f;

	for (size_t i = 0; i < ARGUMENTS; i++) {
		if (argument(arguments, i, &values[i]))
			return NULL;
	}
	f = syscall ? open_memstream(&text, &size) : NULL;
	if (!f)
		return NULL;
	fprintf(f, "%s(", syscall);
	if (!known || print_named(f, values, known) < 0) {
		for (size_t i = 0; i < ARGUMENTS; i++)
			fprintf(f, "%s0x%llx", i ? ", " : "", (unsigned long long)values[i]);
	}
	fputc(')', f);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}
