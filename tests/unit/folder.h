/* SPDX-License-Identifier: GPL-2.0-only */
/* A folder for one test, with files as a runtime would have them. */
#ifndef LEASTCAP_TEST_FOLDER_H
#define LEASTCAP_TEST_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEST_ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char folder[64];

static inline void folder_make(void)
{
	strcpy(folder, "/tmp/leastcap-test-XXXXXX");
	assert_non_null(mkdtemp(folder));
}

static inline int folder_remove_one(const char *path, const struct stat *st, int type,
				    struct FTW *ftw)
{
	return remove(path);
}

static inline void folder_remove(void)
{
	assert_int_equal(nftw(folder, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* For cmocka_unit_test_setup_teardown(). */
static inline int folder_setup(void **state)
{
	folder_make();
	return 0;
}

static inline int folder_teardown(void **state)
{
	folder_remove();
	return 0;
}

/* "ID" in path is TEST_ID. Static storage. */
static inline const char *folder_path(const char *path)
{
	static char whole[1024];
	const char *id = strstr(path, "ID");

	if (id)
		snprintf(whole, sizeof(whole), "%s/%.*s%s%s", folder, (int)(id - path), path,
			 TEST_ID, id + 2);
	else
		snprintf(whole, sizeof(whole), "%s/%s", folder, path);
	return whole;
}

static inline void folder_make_parents(const char *path)
{
	char *whole = strdup(folder_path(path));

	assert_non_null(whole);
	for (char *slash = whole + strlen(folder) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(whole, 0755))
			assert_int_equal(errno, EEXIST);
		*slash = '/';
	}
	free(whole);
}

/* Writes a file, and what folders it needs. "ID" in path is TEST_ID. */
static inline void folder_write(const char *path, const char *text)
{
	FILE *f;

	folder_make_parents(path);
	f = fopen(folder_path(path), "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

#endif
