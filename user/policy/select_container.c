/* SPDX-License-Identifier: GPL-2.0-only */
/* Selectors of containers and pods: what is known of one, all of which must fit. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "policy/internal.h"
#include "policy/pattern.h"

#define ID_MIN 12 /* what container runtimes print */
#define ID_MAX 64
/* More than runtimes allow, or (labels) than anybody writes. */
#define NAME_MAX_BYTES 255
#define IMAGE_MAX_BYTES 255
#define LABEL_NAME_MAX_BYTES 256
#define LABEL_VALUE_MAX_BYTES 255
#define LABELS_MAX 32

#define ALL "all containers are `any: container`"

static const char *const container_keys[] = {"id", "name", "image", "label", "runtime", NULL};
static const struct keys container_key_rule = {.where = "container", .known = container_keys};

static const char *const pod_keys[] = {"namespace", "name", "container", NULL};
static const struct keys pod_key_rule = {.where = "pod", .known = pod_keys};

static const char *const runtimes[] = {"docker", "podman", "containerd", "cri-o", "nerdctl", NULL};

/* A pattern, as it is written; NULL: complained. */
static char *pattern_build(struct parse *p, const char *key, const struct node *node, size_t max)
{
	char *text;

	if (!word_is_good(p, key, node) || !pattern_is_good(p, key, node, max, false))
		return NULL;
	text = strdup(node->text);
	if (!text)
		p->no_memory = true;
	return text;
}

/* The value of a key, which may be missing. */
static char *key_build(struct parse *p, const struct node *mapping, const char *key, size_t max)
{
	const struct node *node = node_get(mapping, key, NULL);

	return node && visit(p, node) ? pattern_build(p, key, node, max) : NULL;
}

static char *id_build(struct parse *p, const struct node *node)
{
	char *id;

	for (size_t i = 0; i < node->len; i++) {
		if (isxdigit((unsigned char)node->text[i]))
			continue;
		if (is_pattern(node->text))
			complain(p, node->pos, "names and images are selected by patterns",
				 "id: %s: an id cannot be a pattern; its beginning is enough",
				 quote(node).text);
		else
			complain(p, node->pos,
				 "a name is selected by `name:`; `docker ps --no-trunc` or "
				 "`podman ps --no-trunc` show ids",
				 "id: %s is not a container's hexadecimal id", quote(node).text);
		return NULL;
	}
	if (node->len < ID_MIN || node->len > ID_MAX) {
		complain(p, node->pos, NULL, "id: %s has %zu digits; %d to %d are needed",
			 quote(node).text, node->len, ID_MIN, ID_MAX);
		return NULL;
	}
	id = strdup(node->text);
	for (char *c = id; c && *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (!id)
		p->no_memory = true;
	return id;
}

/* A word that is no runtime, or a pattern that fits none, would select nothing, in silence. */
static char *runtime_build(struct parse *p, const struct node *mapping)
{
	const struct node *node = node_get(mapping, "runtime", NULL);
	char *runtime = key_build(p, mapping, "runtime", NAME_MAX_BYTES);
	bool fits = false;

	if (!runtime)
		return NULL;
	for (size_t i = 0; runtimes[i] && !fits; i++)
		fits = pattern_matches(runtime, runtimes[i], false);
	if (fits)
		return runtime;
	complain_nearest(p, node->pos,
			 is_pattern(runtime) ? NULL : nearest_word(node->text, node->len, runtimes),
			 "runtimes are docker, podman, containerd, cri-o and nerdctl",
			 is_pattern(runtime) ? "runtime: no runtime fits %s"
					     : "runtime: unknown runtime %s",
			 quote(node).text);
	free(runtime);
	return NULL;
}

/* ---- labels ---- */

static bool label_name_is_good(struct parse *p, const struct node *name)
{
	if (!word_is_good(p, "label", name))
		return false;
	if (name->len > LABEL_NAME_MAX_BYTES)
		complain(p, name->pos, NULL, "label: a name longer than %d bytes",
			 LABEL_NAME_MAX_BYTES);
	else if (is_pattern(name->text))
		complain(p, name->pos, "only its value can be one",
			 "label: %s: a label's name cannot be a pattern", quote(name).text);
	else
		return true;
	return false;
}

/* A label can be there and empty: "" is a value, nothing at all is a mistake. */
static bool label_value_is_good(struct parse *p, const struct node *name, const struct node *value)
{
	if (value->kind == NODE_SCALAR && !value->null)
		return text_is_clean(p, "label", value) &&
		       pattern_is_good(p, "label", value, LABEL_VALUE_MAX_BYTES, false);
	complain(p, value->pos, "\"*\" is any value", "label: %s: a value is expected",
		 quote(name).text);
	return false;
}

static int by_name(const void *a, const void *b)
{
	const struct selector_label *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void labels_build(struct parse *p, const struct node *node, struct selector *selector)
{
	if (node->kind != NODE_MAPPING || node->n == 0) {
		complain(p, node->pos, "as in label: { tier: web }",
			 node->kind == NODE_MAPPING ? "label: empty"
						    : "label: a mapping is expected");
		return;
	}
	if (node->n / 2 > LABELS_MAX) {
		complain(p, node->pos, NULL, "label: more than %d labels", LABELS_MAX);
		return;
	}
	selector->labels = calloc(node->n / 2, sizeof(*selector->labels));
	if (!selector->labels) {
		p->no_memory = true;
		return;
	}
	for (const struct node *name = node->first; name; name = name->next->next) {
		struct selector_label *label = &selector->labels[selector->n_labels];

		if (!visit(p, name) || !visit(p, name->next))
			return;
		if (!label_name_is_good(p, name) || !label_value_is_good(p, name, name->next))
			continue;
		selector->n_labels++;
		label->name = strdup(name->text);
		label->value = strdup(name->next->text);
		if (!label->name || !label->value) {
			p->no_memory = true;
			return;
		}
	}
	qsort(selector->labels, selector->n_labels, sizeof(*selector->labels), by_name);
}

/* ---- the mappings ---- */

/* Of a mapping with one key the place of its value. */
static struct policy_pos place(const struct node *mapping)
{
	return mapping->n == 2 ? mapping->first->next->pos : mapping->pos;
}

void container_select(struct parse *p, const struct node *node, struct selector *selector)
{
	const struct node *id, *name, *label;

	if (node->kind != NODE_MAPPING || node->n == 0) {
		complain(p, node->pos,
			 node->kind == NODE_MAPPING ? ALL : "as in { name: \"web-*\" }; " ALL,
			 node->kind == NODE_MAPPING ? "container: empty"
						    : "container: a mapping is expected");
		return;
	}
	node_check_keys(p, node, &container_key_rule);
	selector->pos = place(node);
	id = node_get(node, "id", NULL);
	if (id && visit(p, id) && word_is_good(p, "id", id))
		selector->value = id_build(p, id);
	name = node_get(node, "name", NULL);
	selector->name = key_build(p, node, "name", NAME_MAX_BYTES);
	if (selector->name && selector->name[0] == '/')
		complain(p, name->pos, "write it without the \"/\" that `docker inspect` shows",
			 "name: %s begins with \"/\"", quote(name).text);
	selector->image = key_build(p, node, "image", IMAGE_MAX_BYTES);
	selector->runtime = runtime_build(p, node);
	label = node_get(node, "label", NULL);
	if (label && visit(p, label))
		labels_build(p, label, selector);
	selector->kind = id ? SELECT_CONTAINER_ID : name ? SELECT_CONTAINER_NAME : SELECT_CONTAINER;
}

void pod_select(struct parse *p, const struct node *node, struct selector *selector)
{
	if (node->kind != NODE_MAPPING || node->n == 0) {
		complain(p, node->pos, "as in { namespace: prod, name: \"web-*\", container: app }",
			 node->kind == NODE_MAPPING ? "pod: empty" : "pod: a mapping is expected");
		return;
	}
	node_check_keys(p, node, &pod_key_rule);
	selector->pos = place(node);
	selector->kind = SELECT_POD;
	selector->pod_namespace = key_build(p, node, "namespace", NAME_MAX_BYTES);
	selector->pod = key_build(p, node, "name", NAME_MAX_BYTES);
	selector->pod_container = key_build(p, node, "container", NAME_MAX_BYTES);
}
