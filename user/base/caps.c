/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/caps.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/capability.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/nearest.h"

#define CAPS 64 /* what a mask can hold */
#define NAME_LEN 32

/* The table of names, made once: names[n] is the upper-case name of capability n, for n up to last. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static unsigned int last;
static char names[CAPS][NAME_LEN];
static const char *words[CAPS + 1];

static unsigned int kernel_last(void)
{
	_cleanup_close_ int fd = open("/proc/sys/kernel/cap_last_cap", O_RDONLY | O_CLOEXEC);
	char buf[16];
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (n <= 0)
		return 0;
	buf[n] = '\0';
	return (unsigned int)strtoul(buf, NULL, 10);
}

static void fill(void)
{
	unsigned int kernel = kernel_last();

	last = kernel > CAP_LAST_CAP ? kernel : CAP_LAST_CAP;
	if (last >= CAPS)
		last = CAPS - 1;
	for (unsigned int cap = 0; cap <= last; cap++) {
		char *name = cap_to_name((cap_value_t)cap);
		char *to = names[cap];

		snprintf(to, NAME_LEN, "%u", cap);
		if (name && !strncasecmp(name, "cap_", 4) && strlen(name + 4) < NAME_LEN) {
			for (size_t i = 0; i <= strlen(name + 4); i++)
				to[i] = (char)toupper((unsigned char)name[4 + i]);
		}
		if (name)
			cap_free(name);
		words[cap] = to;
	}
}

unsigned int caps_last(void)
{
	pthread_once(&once, fill);
	return last;
}

const char *caps_name(unsigned int cap, char buf[32])
{
	if (cap <= caps_last())
		memcpy(buf, names[cap], NAME_LEN);
	else
		snprintf(buf, NAME_LEN, "%u", cap);
	return buf;
}

static void strip_prefix(const char **name, size_t *len)
{
	if (*len > 4 && !strncasecmp(*name, "cap_", 4)) {
		*name += 4;
		*len -= 4;
	}
}

static bool word_is(const char *word, size_t len, const char *name)
{
	return strlen(name) == len && !strncasecmp(word, name, len);
}

int caps_parse(const char *name, size_t len)
{
	unsigned int n = caps_last();

	strip_prefix(&name, &len);
	for (unsigned int cap = 0; cap <= n; cap++) {
		if (word_is(name, len, names[cap]))
			return (int)cap;
	}
	return -ENOENT;
}

const char *caps_nearest(const char *name, size_t len)
{
	caps_last();
	strip_prefix(&name, &len);
	return nearest_word(name, len, words);
}

/* One word of a list joins the set. "all" and "none" are a whole list: "none,SYS_ADMIN" cannot be meant. */
static int join_word(uint64_t *set, const char *word, size_t len, bool first, bool *whole)
{
	int cap = *whole ? -ENOENT : caps_parse(word, len);

	if (cap >= 0) {
		*set |= 1ULL << cap;
		return 0;
	}
	if (!first)
		return -ENOENT;
	*whole = true;
	if (word_is(word, len, "all"))
		*set = ~0ULL;
	else if (!word_is(word, len, "none"))
		return -ENOENT;
	return 0;
}

int caps_parse_list(const char *list, uint64_t *ret, const char **ret_bad, size_t *ret_bad_len)
{
	const char *first = list + strspn(list, ", "), *word = first;
	bool whole = false;
	uint64_t set = 0;

	while (*word) {
		size_t len = strcspn(word, ", ");

		if (join_word(&set, word, len, word == first, &whole) < 0) {
			if (ret_bad)
				*ret_bad = word;
			if (ret_bad_len)
				*ret_bad_len = len;
			return -ENOENT;
		}
		word += len;
		word += strspn(word, ", ");
	}
	*ret = set;
	return 0;
}

json_t *caps_to_json(uint64_t set)
{
	json_t *array = json_array();
	unsigned int n = caps_last();

	for (unsigned int cap = 0; array && cap <= n; cap++) {
		if ((set >> cap & 1) && json_array_append_new(array, json_string(names[cap]))) {
			json_decref(array);
			array = NULL;
		}
	}
	return array;
}

/* A number that this kernel, or this libcap, has no name for is good, too. */
static uint64_t cap_bit(const char *word)
{
	int cap = caps_parse(word, strlen(word));
	char *end;

	if (cap < 0 && *word >= '0' && *word <= '9') {
		unsigned long n = strtoul(word, &end, 10);

		cap = !*end && n < 64 ? (int)n : -1;
	}
	return cap >= 0 && cap < 64 ? 1ULL << cap : 0;
}

uint64_t caps_from_json(const json_t *list)
{
	const json_t *each;
	uint64_t set = 0;
	size_t i;

	json_array_foreach(list, i, each)
		set |= cap_bit(json_string_value(each) ?: "");
	return set;
}

char *caps_to_text(uint64_t set)
{
	unsigned int n = caps_last();
	char *text, *end;

	if (set == ~0ULL)
		return strdup("all");
	text = malloc(CAPS * (NAME_LEN + 2));
	if (!text)
		return NULL;
	end = stpcpy(text, "");
	for (unsigned int cap = 0; cap <= n; cap++) {
		if (set >> cap & 1)
			end = stpcpy(stpcpy(end, end == text ? "" : ", "), names[cap]);
	}
	if (end == text)
		stpcpy(end, "none");
	return text;
}
