/* SPDX-License-Identifier: GPL-2.0-only */
#include "policy/match.h"

#include <string.h>

#include "policy/pattern.h"

/* Not asked, or known and fitting. */
static bool fits(const char *pattern, const char *text)
{
	return !pattern || (text && pattern_matches(pattern, text, false));
}

/* ---- images: [registry[:port]/]path[:tag][@digest] ---- */

/*
 * Behind the registry and "library/", which is where Docker keeps what has no path. A first component is a registry if
 * it cannot be anything else: as container runtimes have it, one with a dot or a port, or localhost.
 */
static const char *short_name(const char *image)
{
	size_t first = strcspn(image, "/");
	bool registry = image[first] &&
			(memchr(image, '.', first) || memchr(image, ':', first) ||
			 (first == strlen("localhost") && !memcmp(image, "localhost", first)));

	if (registry)
		image += first + 1;
	if (!strncmp(image, "library/", strlen("library/")))
		image += strlen("library/");
	return image;
}

/* As it is, without the digest, without tag and digest. */
static bool reference_matches(const char *pattern, const char *reference)
{
	size_t len = strlen(reference), path = strcspn(reference, "@");
	size_t name = path;

	/* The colon of a tag is in the last component: one before is that of a port. */
	for (size_t i = path; i > 0 && reference[i - 1] != '/'; i--) {
		if (reference[i - 1] == ':')
			name = i - 1;
	}
	return pattern_matches_len(pattern, reference, len, false) ||
	       (path < len && pattern_matches_len(pattern, reference, path, false)) ||
	       (name < path && pattern_matches_len(pattern, reference, name, false));
}

bool image_matches(const char *pattern, const char *image)
{
	return reference_matches(pattern, image) || reference_matches(pattern, short_name(image));
}

/* ---- containers and pods ---- */

static bool has_label(const struct identity *who, const struct selector_label *label)
{
	for (size_t i = 0; i < who->n_labels; i++) {
		const struct identity_label *l = &who->labels[i];

		if (l->name && l->value && !strcmp(l->name, label->name) &&
		    pattern_matches(label->value, l->value, false))
			return true;
	}
	return false;
}

static bool container_matches(const struct selector *s, const struct identity *who)
{
	if (s->value && strncmp(who->id, s->value, strlen(s->value)) != 0)
		return false;
	if (!fits(s->name, who->name) || !fits(s->runtime, who->runtime))
		return false;
	if (s->image && !(who->image && image_matches(s->image, who->image)))
		return false;
	for (size_t i = 0; i < s->n_labels; i++) {
		if (!has_label(who, &s->labels[i]))
			return false;
	}
	return true;
}

bool selector_matches(const struct selector *s, const struct identity *who)
{
	switch (s->kind) {
	case SELECT_CONTAINER_ID:
		return s->value && container_matches(s, who);
	case SELECT_CONTAINER_NAME:
	case SELECT_CONTAINER:
		return container_matches(s, who);
	case SELECT_POD:
		return fits(s->pod_namespace, who->pod_namespace) && fits(s->pod, who->pod) &&
		       fits(s->pod_container, who->pod_container);
	case SELECT_ANY_CONTAINER:
		return true;
	default:
		return false;
	}
}

bool selector_asks_identity(const struct selector *s)
{
	return s->name || s->image || s->runtime || s->n_labels || s->pod_namespace || s->pod ||
	       s->pod_container;
}

/* ---- units and cgroups ---- */

bool selector_matches_unit(const struct selector *s, const char *unit)
{
	if (s->kind == SELECT_UNIT)
		return !strcmp(s->value, unit);
	/* The slice of all: nobody means it by a pattern. */
	return s->kind == SELECT_UNIT_PATTERN && strcmp(unit, "-.slice") != 0 &&
	       pattern_matches(s->value, unit, false);
}

bool selector_matches_cgroup(const struct selector *s, const char *path)
{
	if (s->kind == SELECT_CGROUP)
		return !strcmp(s->value, path);
	return s->kind == SELECT_CGROUP_PATTERN && strcmp(path, "/") != 0 &&
	       pattern_matches(s->value, path, true);
}
