/* SPDX-License-Identifier: GPL-2.0-only */
#include "subject/identity.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"

static bool fit(const char *text, size_t len, size_t max)
{
	if (len > max)
		return false;
	for (size_t i = 0, n; i < len; i += n) {
		bool safe;

		n = utf8_next(text + i, len - i, &safe);
		if (!n || !safe)
			return false;
	}
	return true;
}

int identity_set(char **field, const char *text, size_t len, size_t max)
{
	char *copy;

	if (!fit(text, len, max))
		return -EINVAL;
	if (!len)
		return 0;
	copy = strndup(text, len);
	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

static struct identity_label *find_label(const struct identity *i, const char *name, size_t len)
{
	for (size_t n = 0; n < i->n_labels; n++) {
		if (!strncmp(i->labels[n].name, name, len) && !i->labels[n].name[len])
			return &i->labels[n];
	}
	return NULL;
}

int identity_set_label(struct identity *i, const char *name, size_t name_len, const char *value,
		       size_t value_len)
{
	_cleanup_free_ char *name_copy = NULL, *value_copy = NULL;
	struct identity_label *label, *grown;

	if (!name_len || !fit(name, name_len, IDENTITY_LABEL_NAME_MAX) ||
	    !fit(value, value_len, IDENTITY_LABEL_VALUE_MAX))
		return -EINVAL;
	label = find_label(i, name, name_len);
	if (!label && i->n_labels >= IDENTITY_LABELS_MAX)
		return -ENOSPC;
	value_copy = strndup(value, value_len);
	if (!value_copy)
		return -ENOMEM;
	if (label) {
		free(label->value);
		label->value = TAKE_PTR(value_copy);
		return 0;
	}
	name_copy = strndup(name, name_len);
	grown = reallocarray(i->labels, i->n_labels + 1, sizeof(*grown));
	if (grown)
		i->labels = grown;
	if (!name_copy || !grown)
		return -ENOMEM;
	grown[i->n_labels++] = (struct identity_label){TAKE_PTR(name_copy), TAKE_PTR(value_copy)};
	return 0;
}

const char *identity_label(const struct identity *i, const char *name)
{
	const struct identity_label *label = find_label(i, name, strlen(name));

	return label ? label->value : NULL;
}

static void labels_done(struct identity *i)
{
	for (size_t n = 0; n < i->n_labels; n++) {
		free(i->labels[n].name);
		free(i->labels[n].value);
	}
	free(i->labels);
	i->labels = NULL;
	i->n_labels = 0;
}

static int take(char **to, char **from)
{
	if (!*from || (*to && !strcmp(*to, *from)))
		return 0;
	free(*to);
	*to = TAKE_PTR(*from);
	return 1;
}

static int fill(char **to, char **from)
{
	return *to ? 0 : take(to, from);
}

/* In their order, which a source keeps. */
static int take_labels(struct identity *to, struct identity *from)
{
	size_t n = 0;

	to->labels_cut = from->labels_cut || (to->labels_cut && !from->n_labels);
	if (!from->n_labels)
		return 0;
	while (n < to->n_labels && n < from->n_labels &&
	       !strcmp(to->labels[n].name, from->labels[n].name) &&
	       !strcmp(to->labels[n].value, from->labels[n].value))
		n++;
	if (n == to->n_labels && n == from->n_labels)
		return 0;
	labels_done(to);
	to->labels = TAKE_PTR(from->labels);
	to->n_labels = from->n_labels;
	from->n_labels = 0;
	return 1;
}

int identity_merge(struct identity *to, struct identity *from)
{
	int changed = 0;

	changed |= take(&to->name, &from->name);
	changed |= take(&to->image, &from->image);
	changed |= take_labels(to, from);
	changed |= fill(&to->runtime, &from->runtime);
	changed |= fill(&to->pod_namespace, &from->pod_namespace);
	changed |= fill(&to->pod, &from->pod);
	changed |= fill(&to->pod_container, &from->pod_container);
	identity_done(from);
	return changed;
}

int identity_is_empty(const struct identity *i)
{
	return !i->runtime && !i->name && !i->image && !i->n_labels && !i->pod_namespace &&
	       !i->pod && !i->pod_container;
}

void identity_done(struct identity *i)
{
	labels_done(i);
	free(i->runtime);
	free(i->name);
	free(i->image);
	free(i->pod_namespace);
	free(i->pod);
	free(i->pod_container);
	*i = (struct identity){0};
}
