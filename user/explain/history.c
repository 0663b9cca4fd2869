/* SPDX-License-Identifier: GPL-2.0-only */
#include "explain/history.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/nearest.h"
#include "subject/cgroup.h"

/* No event is longer; what is, nobody of ours has written. */
#define LINE_MAX_LEN (64UL * 1024)

/* Older files beside a log: leastcapd --log-keep takes no more. */
#define FILES_MAX 100

/* Names to choose the nearest from. */
#define NAMES_MAX 1024

#define CONTAINER_PREFIX_MIN 4

int history_init(struct history *h)
{
	h->found = json_array();
	h->kinds = json_object();
	h->names = json_object();
	return h->found && h->kinds && h->names ? 0 : -ENOMEM;
}

void history_done(struct history *h)
{
	json_decref(h->found);
	json_decref(h->kinds);
	json_decref(h->names);
	json_decref(h->reported);
	json_decref(h->quiet);
}

/* ---- one event ---- */

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

static bool at_or_below(const char *path, const char *above)
{
	return *path && (!strcmp(path, above) || cgroup_path_below(path, above));
}

bool history_matches(const json_t *event, const char *subject)
{
	static const char *const exact[] = {"unit", "name", "container"};
	const json_t *s = json_object_get(event, "subject");
	const char *unit = text_of(s, "unit");
	size_t len = strlen(subject);

	if (*subject == '/')
		return at_or_below(text_of(s, "cgroup"), subject) ||
		       at_or_below(text_of(s, "binding"), subject);
	for (size_t i = 0; i < ARRAY_SIZE(exact); i++) {
		if (!strcmp(text_of(s, exact[i]), subject))
			return true;
	}
	if (!strcmp(text_of(event, "policy"), subject))
		return true;
	/* As it is shown. */
	if (!strncmp(unit, subject, len) && !strcmp(unit + len, ".service"))
		return true;
	return len >= CONTAINER_PREFIX_MIN && !strncmp(text_of(s, "container"), subject, len);
}

static void remember_names(struct history *h, const json_t *event)
{
	static const char *const keys[] = {"cgroup", "unit", "name"};
	const json_t *s = json_object_get(event, "subject");

	for (size_t i = 0; i < ARRAY_SIZE(keys) && json_object_size(h->names) < NAMES_MAX; i++) {
		if (*text_of(s, keys[i]))
			json_object_set_new(h->names, text_of(s, keys[i]), json_true());
	}
	if (*text_of(event, "policy") && json_object_size(h->names) < NAMES_MAX)
		json_object_set_new(h->names, text_of(event, "policy"), json_true());
}

static bool is_refusal(const json_t *event)
{
	const char *type = text_of(event, "type");

	return !strcmp(type, "denied") || !strcmp(type, "would-deny");
}

/* The first of its kind is the newest. */
static int take_kind(struct history *h, const json_t *event)
{
	_cleanup_free_ char *kind = NULL;

	if (asprintf(&kind, "%s\n%s\n%s\n%s\n%s\n%s", text_of(event, "type"),
		     text_of(event, "policy"), text_of(event, "restriction"),
		     text_of(event, "item"), text_of(event, "detail"),
		     text_of(event, "syscall")) < 0) {
		kind = NULL;
		return -ENOMEM;
	}
	if (json_object_get(h->kinds, kind))
		return 0;
	if (json_array_size(h->found) == HISTORY_KINDS) {
		/* Kinds that are left out are not told apart: this may be one of them again. */
		h->more++;
		return 0;
	}
	if (json_object_set_new(h->kinds, kind, json_true()) ||
	    json_array_append(h->found, (json_t *)event))
		return -ENOMEM;
	return 0;
}

static bool same_text(const json_t *a, const json_t *b, const char *key)
{
	return !strcmp(text_of(a, key), text_of(b, key));
}

/* A program is known by its file, where both say it, else by what it calls itself; with neither it is one of many. */
static bool same_program(const json_t *event, const json_t *quiet)
{
	const json_t *a = json_object_get(event, "process"), *b = json_object_get(quiet, "process");

	if (*text_of(a, "exe") && *text_of(b, "exe"))
		return same_text(a, b, "exe");
	return !*text_of(b, "comm") || same_text(a, b, "comm");
}

static const json_t *binding_id(const json_t *event)
{
	return json_object_get(json_object_get(event, "subject"), "binding_id");
}

/* Is it a refusal of the kind that has fallen quiet? */
static bool is_of_quiet(const json_t *event, const json_t *quiet)
{
	return !strcmp(text_of(event, "type"), text_of(quiet, "verdict")) &&
	       same_text(event, quiet, "restriction") && same_text(event, quiet, "item") &&
	       same_text(event, quiet, "boot") &&
	       json_equal(json_object_get(event, "shadow"), json_object_get(quiet, "shadow")) &&
	       json_equal(binding_id(event), binding_id(quiet)) && same_program(event, quiet) &&
	       strcmp(text_of(event, "time"), text_of(quiet, "time")) <= 0;
}

/* The daemon and its log tell of the same one. */
static int take_number(struct history *h, const json_t *event)
{
	const json_t *first = h->quiet ?: json_array_get(h->found, 0);

	if (first) {
		h->others += !same_text(event, first, "time") || !same_text(event, first, "boot");
		return 0;
	}
	if (strcmp(text_of(event, "type"), "quiet") != 0)
		return json_array_append(h->found, (json_t *)event) ? -ENOMEM : 0;
	h->quiet = json_incref((json_t *)event);
	return 0;
}

/* Numbers begin anew with each start of the daemon: the newest is meant, and all are looked at. */
static int take_seq(struct history *h, const json_t *event)
{
	if ((uint64_t)json_integer_value(json_object_get(event, "seq")) == h->seq)
		return take_number(h, event);
	if (!h->quiet || json_array_size(h->found) || !is_of_quiet(event, h->quiet))
		return 0;
	return json_array_append(h->found, (json_t *)event) ? -ENOMEM : 0;
}

int history_take(struct history *h, const json_t *event)
{
	if (h->by_seq)
		return take_seq(h, event);
	if (!is_refusal(event))
		return 0;
	if (h->subject) {
		remember_names(h, event);
		return history_matches(event, h->subject) ||
				       (h->path && history_matches(event, h->path))
			       ? take_kind(h, event)
			       : 0;
	}
	if (!strcmp(text_of(event, "type"), "denied"))
		return json_array_append(h->found, (json_t *)event) ? -ENOMEM : 1;
	if (!h->reported)
		h->reported = json_incref((json_t *)event);
	return 0;
}

/* Most lines of a long log need not be parsed. */
static bool may_matter(const struct history *h, const char *line, size_t len)
{
	char seq[24];
	int n = snprintf(seq, sizeof(seq), "%llu", (unsigned long long)h->seq);

	if (h->by_seq && memmem(line, len, seq, (size_t)n))
		return true;
	return (!h->by_seq || h->quiet) && memmem(line, len, "den", 3);
}

int history_take_line(struct history *h, const char *line, size_t len)
{
	json_auto_t *event = NULL;

	if (len > LINE_MAX_LEN || !may_matter(h, line, len))
		return 0;
	event = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	return json_is_object(event) ? history_take(h, event) : 0;
}

void history_finish(struct history *h)
{
	if (h->reported && !h->by_seq && !h->subject && !json_array_size(h->found))
		json_array_append(h->found, h->reported);
}

const char *history_nearest(const struct history *h)
{
	_cleanup_free_ const char **words = calloc(json_object_size(h->names) + 1, sizeof(*words));
	const char *key;
	json_t *each;
	size_t n = 0;

	if (!words || !h->subject || h->there)
		return NULL;
	json_object_foreach(h->names, key, each)
		words[n++] = key;
	return nearest_word(h->subject, strlen(h->subject), words);
}

/* ---- files ---- */

/* The end of a file, from the beginning of a line on. */
static int read_end(int fd, size_t max, char **ret, size_t *ret_len, bool *ret_cut)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0, skip = 0;
	struct stat st;
	off_t from;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	from = st.st_size > (off_t)max ? st.st_size - (off_t)max : 0;
	max = (size_t)(st.st_size - from);
	text = malloc(max + 1);
	if (!text)
		return -ENOMEM;
	while (len < max) {
		ssize_t n = pread(fd, text + len, max - len, from + (off_t)len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			break;
		len += n > 0 ? (size_t)n : 0;
	}
	if (from) {
		const char *end = memchr(text, '\n', len);

		skip = end ? (size_t)(end - text) + 1 : len;
	}
	memmove(text, text + skip, len - skip);
	*ret = TAKE_PTR(text);
	*ret_len = len - skip;
	*ret_cut = from > 0;
	return 0;
}

/* From the last line to the first. */
static int take_lines(struct history *h, const char *text, size_t len)
{
	while (len) {
		const char *before = memrchr(text, '\n', len);
		const char *line = before ? before + 1 : text;
		int err = history_take_line(h, line, (size_t)(text + len - line));

		if (err)
			return err;
		len = before ? (size_t)(before - text) : 0;
	}
	return 0;
}

static int read_file(struct history *h, const char *path, size_t *left)
{
	_cleanup_free_ char *text = NULL;
	/* O_NONBLOCK: a pipe in place of a log must not hold anybody up. */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	size_t max = *left < HISTORY_FILE_MAX ? *left : HISTORY_FILE_MAX, len = 0;
	bool cut = false;
	int err;

	if (fd < 0)
		return -errno;
	err = read_end(fd, max, &text, &len, &cut);
	if (err)
		return err;
	h->cut = h->cut || cut;
	*left -= len < *left ? len : *left;
	return take_lines(h, text, len);
}

int history_read(struct history *h, const char *path)
{
	size_t left = HISTORY_MAX;
	int err = read_file(h, path, &left);

	for (unsigned int i = 1; !err && i <= FILES_MAX; i++) {
		_cleanup_free_ char *older = NULL;

		if (!left) {
			h->cut = true;
			return 0;
		}
		if (asprintf(&older, "%s.%u", path, i) < 0)
			return -ENOMEM;
		err = read_file(h, older, &left);
		/* What is missing, or no file, is the end. */
		if (err == -ENOENT || err == -EINVAL)
			return 0;
	}
	return err > 0 ? 0 : err;
}
