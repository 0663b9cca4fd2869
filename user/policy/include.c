/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * `include:` the policies and bases of other files join those of this one. Each file is read once, whoever includes it.
 * What is wrong with one fails the whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "policy/internal.h"

/* ---- which files were read ---- */

static bool same_file(struct file_id a, struct file_id b)
{
	return a.dev == b.dev && a.ino == b.ino;
}

/* Its number, in the order in which they were read; that of all: it was not. */
static size_t file_number(const struct family *family, struct file_id id)
{
	size_t i = 0;

	while (i < family->n_files && !same_file(family->files[i], id))
		i++;
	return i;
}

bool family_add(struct parse *p, struct file_id id)
{
	struct family *family = p->family;
	struct file_id *grown;

	if (file_number(family, id) < family->n_files)
		return false;
	grown = reallocarray(family->files, family->n_files + 1, sizeof(*grown));
	if (!grown) {
		p->no_memory = true;
		return false;
	}
	family->files = grown;
	grown[family->n_files++] = id;
	return true;
}

/* ---- one file ---- */

/* The policies of a part become those of the whole, and know where they are written. */
static void move_policies(struct parse *p, struct policy_set *part, struct policy_set *set)
{
	struct policy *grown =
		reallocarray(set->policies, set->n_policies + part->n_policies + 1, sizeof(*grown));

	if (!grown) {
		p->no_memory = true;
		return;
	}
	set->policies = grown;
	for (size_t i = 0; i < part->n_policies; i++) {
		struct policy *policy = &part->policies[i];

		if (!policy->file)
			policy->file = strdup(part->file);
		if (!policy->file)
			p->no_memory = true;
		grown[set->n_policies++] = *policy;
	}
	part->n_policies = 0;
}

static void part_done(struct policy_set *part)
{
	for (size_t i = 0; i < part->n_policies; i++)
		policy_done(&part->policies[i]);
	free(part->policies);
}

/* An included file. */
struct part {
	const char *path;
	struct file_id id;
	bool trusted;
};

static void parse_included(struct parse *p, const struct part *part, const char *text, size_t len,
			   struct policy_set *set)
{
	_cleanup_(part_done) struct policy_set own = {.file = (char *)part->path};
	struct policy_errors errs = {};
	struct parse inner = {
		.file = part->path,
		.family = p->family,
		.bases = p->bases,
		.outer = p,
		.id = part->id,
		.trusted = part->trusted,
		.errs = &errs,
	};

	parse_bytes(&inner, text, len, &own);
	p->no_memory = p->no_memory || inner.no_memory;
	parse_done(&inner);
	errors_adopt(p, part->path, &errs);
	move_policies(p, &own, set);
}

/* Complains where it is not to be read: what cannot be opened, a cycle, too deep, too many. */
static bool may_read(struct parse *p, const struct node *item, const char *path, struct file_id id)
{
	unsigned int depth = 0;

	for (const struct parse *o = p; o; o = o->outer, depth++) {
		if (same_file(o->id, id)) {
			complain(p, item->pos, NULL, "include: a cycle: %s %s", path,
				 o == p ? "is this file" : "includes this file");
			return false;
		}
	}
	if (depth > POLICY_INCLUDE_DEPTH)
		complain(p, item->pos, NULL, "include: %s is more than %d files deep", path,
			 POLICY_INCLUDE_DEPTH);
	else if (p->family->n_files > POLICY_INCLUDE_FILES)
		complain(p, item->pos, NULL, "include: more than %d files", POLICY_INCLUDE_FILES);
	else
		return true;
	return false;
}

static void cannot_read(struct parse *p, const struct node *item, const char *path, int err)
{
	char why[128];

	complain(p, item->pos, NULL, "include: %s cannot be read: %s", path,
		 strerror_r(err, why, sizeof(why)));
	if (!reads_content(p->family->reads, path, &err, sizeof(err)))
		p->no_memory = true;
}

/* False: it is not to be read, or not again. */
static bool begin_file(struct parse *p, const struct node *item, const struct part *part)
{
	if (!may_read(p, item, part->path, part->id))
		return false;
	if (family_add(p, part->id))
		return true;
	if (!reads_path(p->family->reads, file_number(p->family, part->id), part->path))
		p->no_memory = true;
	return false;
}

static void include_given(struct parse *p, const struct node *item, const char *path,
			  struct policy_set *set)
{
	const struct policy_texts *given = p->family->given;
	ssize_t n = texts_find(given, path);
	struct part part = {.path = path, .id = {.ino = (ino_t)n}, .trusted = true};

	if (n < 0)
		cannot_read(p, item, path, ENOENT);
	else if (begin_file(p, item, &part))
		parse_included(p, &part, given->items[n].text, given->items[n].len, set);
}

static void include_file(struct parse *p, const struct node *item, const char *path,
			 struct policy_set *set)
{
	/* Not to wait for a FIFO's other end. */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct part part = {.path = path};
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t len = 0;
	int err;

	if (fd < 0 || fstat(fd, &st)) {
		cannot_read(p, item, path, errno);
		return;
	}
	if (!S_ISREG(st.st_mode)) {
		cannot_read(p, item, path, S_ISDIR(st.st_mode) ? EISDIR : EINVAL);
		return;
	}
	part.id = (struct file_id){st.st_dev, st.st_ino};
	part.trusted = st.st_uid == 0 || st.st_uid == geteuid();
	if (!begin_file(p, item, &part))
		return;
	err = file_read(fd, POLICY_FILE_MAX, &text, &len);
	if (err)
		cannot_read(p, item, path, -err);
	else if (!reads_content(p->family->reads, path, text, len) ||
		 !reads_text(p->family->reads, path, text, len))
		p->no_memory = true;
	else
		parse_included(p, &part, text, len, set);
}

/* ---- patterns ---- */

/* The folder that a pattern begins with: as far as it is no pattern. */
static bool note_folder(struct parse *p, const char *path)
{
	size_t len = strcspn(path, "*?[");
	_cleanup_free_ char *folder = NULL;

	while (len > 0 && path[len - 1] != '/')
		len--;
	folder = len ? strndup(path, len > 1 ? len - 1 : 1) : strdup(".");
	return folder && reads_folder(p->family->reads, folder);
}

/* A folder that is not there has nothing that fits. One that cannot be read is an error. */
static int glob_error(const char *path, int err)
{
	return err != ENOENT && err != ENOTDIR;
}

/* Nothing needs to fit. In the order of the names. */
static void include_found(struct parse *p, const struct node *item, const char *pattern,
			  struct policy_set *set)
{
	glob_t found = {};
	int err = glob(pattern, 0, glob_error, &found);

	if (err == GLOB_NOSPACE)
		p->no_memory = true;
	else if (err == GLOB_ABORTED)
		cannot_read(p, item, pattern, errno);
	for (size_t i = 0; !err && !p->no_memory && i < found.gl_pathc; i++)
		include_file(p, item, found.gl_pathv[i], set);
	globfree(&found);
}

/* Those that were read before are in the order in which they were found. */
static void include_fitting(struct parse *p, const struct node *item, const char *pattern,
			    struct policy_set *set)
{
	const struct policy_texts *given = p->family->given;

	for (size_t i = 0; i < given->n; i++) {
		for (char **path = given->items[i].paths; *path && !p->no_memory; path++) {
			if (!fnmatch(pattern, *path, FNM_PATHNAME | FNM_PERIOD))
				include_given(p, item, *path, set);
		}
	}
}

/* ---- the list ---- */

static bool has_parent(const char *path)
{
	for (const char *c = path; *c; c += strspn(c, "/")) {
		size_t len = strcspn(c, "/");

		if (len == 2 && !memcmp(c, "..", 2))
			return true;
		c += len;
	}
	return false;
}

static bool path_is_good(struct parse *p, const struct node *item)
{
	const char *slash;

	if (!word_is_good(p, "include", item))
		return false;
	slash = strrchr(item->text, '/');
	if (item->len >= PATH_MAX)
		complain(p, item->pos, NULL, "include: longer than %d bytes", PATH_MAX - 1);
	else if (has_parent(item->text))
		complain(p, item->pos, "write the whole path, from the root on",
			 "include: %s leads out of the folder", quote(item).text);
	else if (!policy_file_name(slash ? slash + 1 : item->text))
		complain(p, item->pos, "names of policy files end in .yaml or .yml",
			 "include: %s is no policy file", quote(item).text);
	else if (item->text[0] == '/' && !p->trusted)
		complain(p, item->pos, NULL,
			 "include: %s: a whole path counts only in a file of root's",
			 quote(item).text);
	else
		return true;
	return false;
}

/* The path as this process has it. literal: characters of patterns in the folder of this file mean themselves. */
static char *path_of(const struct parse *p, const char *text, bool literal)
{
	const char *slash = strrchr(p->file, '/'), *c;
	char *path, *end;

	if (text[0] == '/' || !slash)
		return strdup(text);
	path = malloc(2 * (size_t)(slash + 1 - p->file) + strlen(text) + 1);
	if (!path)
		return NULL;
	for (c = p->file, end = path; c <= slash; c++) {
		if (literal && strchr("*?[\\", *c))
			*end++ = '\\';
		*end++ = *c;
	}
	strcpy(end, text);
	return path;
}

static void include_item(struct parse *p, const struct node *item, struct policy_set *set)
{
	_cleanup_free_ char *path = NULL, *pattern = NULL;
	bool given = p->family->given, many;

	if (!path_is_good(p, item))
		return;
	many = is_pattern(item->text);
	path = path_of(p, item->text, false);
	pattern = path_of(p, item->text, true);
	if (!path || !pattern) {
		p->no_memory = true;
		return;
	}
	if (given && many)
		include_fitting(p, item, pattern, set);
	else if (given)
		include_given(p, item, path, set);
	else if (!many)
		include_file(p, item, path, set);
	else if (note_folder(p, path))
		include_found(p, item, pattern, set);
	else
		p->no_memory = true;
}

void include_build(struct parse *p, const struct node *root, struct policy_set *set)
{
	const struct node *key, *list = list_get(p, root, "include", "[common/*.yaml]", &key);
	size_t n_errors = p->errs->n_errors;

	if (key)
		p->include_pos = key->pos;
	if (key && p->family && p->family->reads)
		p->family->reads->includes = true;
	if (key && !p->family) {
		complain(p, key->pos, "name the file, or put it into the folder of policies",
			 "include: only a file that is read where it lies can include others");
		return;
	}
	for (const struct node *item = list ? list->first : NULL; item; item = item->next) {
		if (!visit(p, item) || p->no_memory)
			return;
		include_item(p, item, set);
	}
	p->bases_missing = p->errs->n_errors > n_errors || p->included.n_errors > 0;
}
