/* SPDX-License-Identifier: GPL-2.0-only */
#include "audit/fit.h"

#include <ctype.h>
#include <string.h>

#include "base/escape.h"

/* Texts are cut to the first; where that is not enough, to a quarter of it, and so on down to the last. */
#define TEXT_MOST 1024
#define TEXT_LEAST 64

/* Length of a character, or of what stands for one byte: "\x0a". */
static size_t step(const char *text, size_t len)
{
	if (len >= 4 && text[0] == '\\' && text[1] == 'x' && isxdigit((unsigned char)text[2]) &&
	    isxdigit((unsigned char)text[3]))
		return 4;
	return utf8_next(text, len, NULL) ?: 1;
}

static int cut_text(json_t *value, size_t max)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value), kept = 0;
	char buf[TEXT_MOST + sizeof("...")];

	if (len <= max)
		return 0;
	for (size_t n = 0; n <= max; n += step(text + n, len - n))
		kept = n;
	memcpy(buf, text, kept);
	memcpy(buf + kept, "...", sizeof("..."));
	return json_string_set(value, buf);
}

static int cut(json_t *value, size_t max)
{
	json_t *below;
	const char *key;
	size_t i;
	int err = 0;

	if (json_is_string(value))
		return cut_text(value, max);
	json_object_foreach(value, key, below)
		err = err ?: cut(below, max);
	json_array_foreach(value, i, below)
		err = err ?: cut(below, max);
	return err;
}

/* What a container and who started it can have as many of as they like. */
static int leave_out(json_t *event, const char *object, const char *key, const char *mark)
{
	json_t *o = json_object_get(event, object);

	if (!json_object_get(o, key))
		return 0;
	return json_object_set_new(o, key, json_null())
		       ?: json_object_set_new(o, mark, json_true());
}

char *fit_event(const json_t *event, size_t max)
{
	json_auto_t *copy = json_deep_copy(event);
	size_t most = TEXT_MOST;

	while (copy && json_dumpb(copy, NULL, 0, JSON_COMPACT) > max && most >= TEXT_LEAST) {
		if (cut(copy, most))
			return NULL;
		most /= 4;
	}
	if (copy && json_dumpb(copy, NULL, 0, JSON_COMPACT) > max &&
	    (leave_out(copy, "subject", "labels", "labels_cut") ||
	     leave_out(copy, "process", "args", "args_cut")))
		return NULL;
	return copy ? json_dumps(copy, JSON_COMPACT) : NULL;
}
