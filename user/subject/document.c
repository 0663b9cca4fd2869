/* SPDX-License-Identifier: GPL-2.0-only */
#include "subject/document.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"

/* Allowed in JSON, and no value that has it is taken over: it stands for what a parser would refuse. */
#define UNFIT 0x7f

static bool hex4(const char *s, unsigned int *ret)
{
	unsigned int value = 0;

	for (size_t i = 0; i < 4; i++) {
		char c = s[i];

		if (c >= '0' && c <= '9')
			c -= '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			c = (char)((c | 0x20) - 'a' + 10);
		else
			return false;
		value = value << 4 | (unsigned int)c;
	}
	*ret = value;
	return true;
}

/* An escape at s: the parser refuses NUL (in names always) and halves of surrogate pairs. Returns its length. */
static size_t tidy_escape(char *s, size_t len)
{
	unsigned int code, low;

	if (len < 6 || s[1] != 'u' || !hex4(s + 2, &code))
		return len < 2 ? len : 2;
	if (code >= 0xd800 && code <= 0xdbff && len >= 12 && s[6] == '\\' && s[7] == 'u' &&
	    hex4(s + 8, &low) && low >= 0xdc00 && low <= 0xdfff)
		return 12;
	if (code == 0 || (code >= 0xd800 && code <= 0xdfff))
		memcpy(s + 2, "007f", 4);
	return 6;
}

static void tidy(char *text, size_t len)
{
	bool in_string = false;

	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_next(text + i, len - i, NULL);
		if (!n) {
			text[i] = UNFIT;
			n = 1;
		} else if (text[i] == '"') {
			in_string = !in_string;
		} else if (in_string && text[i] == '\\') {
			n = tidy_escape(text + i, len - i);
		} else if (in_string && (unsigned char)text[i] < 0x20) {
			text[i] = UNFIT;
		}
	}
}

json_t *document_parse(char *text, size_t len)
{
	tidy(text, len);
	/* RLIM_INFINITY, which bundles are full of, is no int64. */
	return json_loadb(text, len, JSON_DECODE_INT_AS_REAL, NULL);
}

void document_set(char **field, const json_t *value, size_t max, uint64_t *dropped)
{
	if (!value || json_is_null(value))
		return;
	if (!json_is_string(value) ||
	    identity_set(field, json_string_value(value), json_string_length(value), max))
		(*dropped)++;
}

void document_labels(struct identity *i, const json_t *object, uint64_t *dropped)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)object, name, value) {
		if (!json_is_string(value) ||
		    identity_set_label(i, name, strlen(name), json_string_value(value),
				       json_string_length(value))) {
			i->labels_cut = true;
			(*dropped)++;
		}
	}
}

void document_docker(struct identity *i, const json_t *inspect, uint64_t *dropped)
{
	const json_t *name = json_object_get(inspect, "Name");
	const json_t *config = json_object_get(inspect, "Config");
	const char *text = json_string_value(name);
	size_t len = json_string_length(name);

	if (text && text[0] == '/') {
		text++;
		len--;
	}
	if (text ? identity_set(&i->name, text, len, IDENTITY_NAME_MAX) != 0
		 : name && !json_is_null(name))
		(*dropped)++;
	document_set(&i->image, json_object_get(config, "Image"), IDENTITY_IMAGE_MAX, dropped);
	document_labels(i, json_object_get(config, "Labels"), dropped);
}

static void from_label(char **field, const struct identity *i, const char *name)
{
	const char *value = identity_label(i, name);

	/* What a label may hold and a name may not stays out. */
	if (value && !*field)
		(void)identity_set(field, value, strlen(value), IDENTITY_NAME_MAX);
}

void document_pod_from_labels(struct identity *i)
{
	from_label(&i->pod, i, "io.kubernetes.pod.name");
	from_label(&i->pod_namespace, i, "io.kubernetes.pod.namespace");
	from_label(&i->pod_container, i, "io.kubernetes.container.name");
}
