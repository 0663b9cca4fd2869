/* SPDX-License-Identifier: GPL-2.0-only */
/* What reading policy files came across. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "policy/internal.h"

static bool folder_add(struct policy_reads *reads, const char *folder)
{
	char **grown;

	for (size_t i = 0; i < reads->n_folders; i++) {
		if (!strcmp(reads->folders[i], folder))
			return true;
	}
	grown = reallocarray(reads->folders, reads->n_folders + 1, sizeof(*grown));
	if (!grown)
		return false;
	reads->folders = grown;
	grown[reads->n_folders] = strdup(folder);
	return grown[reads->n_folders] && ++reads->n_folders;
}

/* The folder that a file is in. */
static bool folder_of(struct policy_reads *reads, const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *folder = !slash	      ? strdup(".")
				      : slash == path ? strdup("/")
						      : strndup(path, (size_t)(slash - path));

	return folder && folder_add(reads, folder);
}

bool reads_folder(struct policy_reads *reads, const char *folder)
{
	return !reads || folder_add(reads, folder);
}

bool reads_content(struct policy_reads *reads, const char *path, const void *content, size_t len)
{
	char real[PATH_MAX] = "";
	bool leads;

	if (!reads)
		return true;
	if (!reads->hash)
		reads->hash = HASH_BEGIN;
	/* Lengths too: what is moved from one file into the next is a change. */
	hash_bytes(&reads->hash, path, strlen(path) + 1);
	hash_bytes(&reads->hash, &len, sizeof(len));
	hash_bytes(&reads->hash, content, len);
	/* glibc: of a link that leads nowhere it is as far as that leads. */
	leads = realpath(path, real) || (errno == ENOENT && *real);
	return folder_of(reads, path) && (!leads || folder_of(reads, real));
}

bool reads_text(struct policy_reads *reads, const char *path, const char *text, size_t len)
{
	return !reads || !reads->keep || texts_add(&reads->texts, path, text, len);
}

bool reads_path(struct policy_reads *reads, size_t n, const char *path)
{
	return !reads || !reads->keep || n >= reads->texts.n ||
	       texts_add_path(&reads->texts.items[n], path);
}

void policy_reads_done(struct policy_reads *reads)
{
	for (size_t i = 0; i < reads->n_folders; i++)
		free(reads->folders[i]);
	free(reads->folders);
	policy_texts_done(&reads->texts);
	*reads = (struct policy_reads){};
}
