/* SPDX-License-Identifier: GPL-2.0-only */
/* Texts of policy files that are handed on: a file with all that it includes, read by one process and parsed by another. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/internal.h"

void policy_texts_done(struct policy_texts *texts)
{
	for (size_t i = 0; i < texts->n; i++) {
		struct policy_text *t = &texts->items[i];

		for (char **path = t->paths; path && *path; path++)
			free(*path);
		free(t->paths);
		free(t->text);
	}
	free(texts->items);
	*texts = (struct policy_texts){};
}

static bool has_path(const struct policy_text *text, const char *path)
{
	for (char **p = text->paths; p && *p; p++) {
		if (!strcmp(*p, path))
			return true;
	}
	return false;
}

bool texts_add_path(struct policy_text *text, const char *path)
{
	size_t n = 0;
	char **grown;

	if (has_path(text, path))
		return true;
	while (text->paths && text->paths[n])
		n++;
	grown = reallocarray(text->paths, n + 2, sizeof(*grown));
	if (!grown)
		return false;
	text->paths = grown;
	grown[n] = strdup(path);
	grown[n + 1] = NULL;
	return grown[n];
}

bool texts_add(struct policy_texts *texts, const char *path, const char *text, size_t len)
{
	struct policy_text *grown = reallocarray(texts->items, texts->n + 1, sizeof(*grown));

	if (!grown)
		return false;
	texts->items = grown;
	grown[texts->n] = (struct policy_text){.text = malloc(len + 1), .len = len};
	/* From here on it is freed with the others. */
	grown = &grown[texts->n++];
	if (!grown->text)
		return false;
	memcpy(grown->text, text, len);
	grown->text[len] = '\0';
	return texts_add_path(grown, path);
}

ssize_t texts_find(const struct policy_texts *texts, const char *path)
{
	for (size_t i = 0; i < texts->n; i++) {
		if (has_path(&texts->items[i], path))
			return (ssize_t)i;
	}
	return -1;
}

int policy_parse_texts(const struct policy_texts *texts, struct policy_set **ret,
		       struct policy_errors *errs)
{
	const struct policy_text *first = &texts->items[0];
	struct family family = {.given = texts};
	struct parse p = {
		.file = first->paths[0], .errs = errs, .family = &family, .trusted = true};
	int err;

	*errs = (struct policy_errors){};
	if (!family_add(&p, p.id))
		return -ENOMEM;
	err = parse_whole(&p, first->text, first->len, ret);
	free(family.files);
	return err;
}

/* ---- as JSON ---- */

/* Of all files together. Each is compared with all. */
#define PATHS_MAX 1024

json_t *policy_texts_to_json(const struct policy_texts *texts)
{
	json_auto_t *files = json_array();

	for (size_t i = 0; files && i < texts->n; i++) {
		const struct policy_text *t = &texts->items[i];
		json_auto_t *paths = json_array();

		for (char **path = t->paths; *path; path++) {
			if (json_array_append_new(paths, json_string(*path)))
				return NULL;
		}
		if (json_array_append_new(files, json_pack("{s:O, s:s%}", "paths", paths, "text",
							   t->text, t->len)))
			return NULL;
	}
	return files ? json_pack("{s:O}", "files", files) : NULL;
}

static int file_from_json(const json_t *file, struct policy_texts *texts, size_t *n_paths)
{
	const json_t *paths = json_object_get(file, "paths"), *text = json_object_get(file, "text");
	const json_t *path;
	size_t i;

	*n_paths += json_array_size(paths);
	if (!json_array_size(paths) || !json_is_string(text) || *n_paths > PATHS_MAX)
		return -EBADMSG;
	json_array_foreach(paths, i, path) {
		const char *name = json_string_value(path);

		if (!name || !*name || texts_find(texts, name) >= 0)
			return -EBADMSG;
		if (!(i ? texts_add_path(&texts->items[texts->n - 1], name)
			: texts_add(texts, name, json_string_value(text),
				    json_string_length(text))))
			return -ENOMEM;
	}
	return 0;
}

int policy_texts_from_json(const char *json, size_t len, struct policy_texts *ret)
{
	json_auto_t *whole = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *files = json_object_get(whole, "files"), *file;
	struct policy_texts texts = {};
	size_t i, n_paths = 0;
	int err = json_array_size(files) ? 0 : -EBADMSG;

	json_array_foreach(files, i, file)
		err = err ?: file_from_json(file, &texts, &n_paths);
	if (err)
		policy_texts_done(&texts);
	else
		*ret = texts;
	return err;
}
