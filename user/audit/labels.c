/* SPDX-License-Identifier: GPL-2.0-only */
#include "audit/labels.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"

/* Escaped; a longer one ends in "...", and is cut. */
static void tell(const char *text, char buf[LABEL_VALUE_TOLD + 1], bool *cut)
{
	_cleanup_free_ char *whole = escape_dup(text, strlen(text));

	escape_text(buf, LABEL_VALUE_TOLD + 1, text, strlen(text));
	*cut = *cut || !whole || strcmp(whole, buf);
}

json_t *labels_json(const struct identity *who, bool *ret_cut)
{
	json_t *labels = who ? json_object() : json_null();
	size_t left = LABELS_TOLD;

	*ret_cut = who && who->labels_cut;
	for (size_t i = 0; who && labels && i < who->n_labels; i++) {
		const struct identity_label *l = &who->labels[i];
		char name[LABEL_VALUE_TOLD + 1], value[LABEL_VALUE_TOLD + 1];
		size_t len;

		tell(l->name, name, ret_cut);
		tell(l->value, value, ret_cut);
		len = strlen(name) + strlen(value);
		*ret_cut = *ret_cut || len > left;
		if (len > left)
			continue;
		left -= len;
		if (json_object_set_new(labels, name, json_string(value))) {
			json_decref(labels);
			return NULL;
		}
	}
	return labels;
}
