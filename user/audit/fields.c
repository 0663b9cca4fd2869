/* SPDX-License-Identifier: GPL-2.0-only */
#include "audit/fields.h"

#include "base/cleanup.h"

void fields_put(FILE *f, const json_t *event, const struct field *fields, size_t n,
		void (*put)(FILE *f, const char *name, const char *value, bool number))
{
	for (size_t i = 0; i < n; i++) {
		const struct field *field = &fields[i];
		const json_t *o = field->object ? json_object_get(event, field->object) : event;
		const json_t *value = json_object_get(o, field->key);
		_cleanup_free_ char *text = NULL;

		if (json_is_string(value))
			put(f, field->name, json_string_value(value), false);
		else if (json_is_integer(value) || json_is_array(value) || json_is_object(value))
			text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		if (text)
			put(f, field->name, text, json_is_integer(value));
	}
}
