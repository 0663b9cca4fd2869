/* SPDX-License-Identifier: GPL-2.0-only */
/* Selectors: which subjects a policy is for. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/nearest.h"
#include "policy/internal.h"

#define CGROUP_MOUNT "/sys/fs/cgroup/"
#define ID_MIN 12 /* what container runtimes print */
#define ID_MAX 64
#define UNIT_MAX 255 /* UNIT_NAME_MAX, systemd */

static const char *const suffixes[] = {".service", ".scope", ".slice", NULL};
/* Unit types without processes of their own. */
static const char *const no_processes[] = {".socket", ".timer", ".mount", ".automount", ".target",
					   ".device", ".path",	".swap",  NULL};

static const char *const known_keys[] = {"container", "unit", "cgroup", "any", NULL};
static const struct keys key_rule = {.where = "a selector", .known = known_keys};

static const char *const container_keys[] = {"id", NULL};
static const char *const container_later[] = {"image", "label", "name", "runtime", NULL};
static const struct keys container_key_rule = {
	.where = "container",
	.known = container_keys,
	.later = container_later,
	.later_message = "not supported by this version",
	.later_hint = "select one container by its id, or all by `any: container`",
};

static bool ends_with(const char *text, const char *suffix)
{
	size_t n = strlen(text), m = strlen(suffix);

	return n >= m && !strcmp(text + n - m, suffix);
}

static bool ends_with_one(const char *text, const char *const *list)
{
	for (; *list; list++) {
		if (ends_with(text, *list))
			return true;
	}
	return false;
}

static bool is_pattern(const struct node *node)
{
	return node->text[strcspn(node->text, "*?[]")] != '\0';
}

/* A word that a selector can have at all: complains if not. */
static bool word_is_good(struct parse *p, const char *key, const struct node *node)
{
	if (node->kind != NODE_SCALAR || node->null || node->len == 0) {
		complain(p, node->pos, NULL, "%s: a name is expected", key);
		return false;
	}
	for (size_t i = 0; i < node->len;) {
		bool safe;
		size_t n = utf8_next(node->text + i, node->len - i, &safe);

		if (!safe) {
			complain(p, node->pos, NULL, "%s: control character in %s", key,
				 quote(node).text);
			return false;
		}
		i += n;
	}
	return true;
}

/* "/a/b" has no empty, "." or ".." component; a trailing "/" was cut. */
static bool path_is_clean(const char *path)
{
	while (*path == '/') {
		size_t n = strcspn(++path, "/");

		if (n == 0 || (n <= 2 && !strncmp(path, "..", n)))
			return false;
		path += n;
	}
	return true;
}

static char *cgroup_build(struct parse *p, const struct node *node)
{
	char *path;
	size_t len = node->len;

	if (node->text[0] != '/') {
		complain(
			p, node->pos,
			"it is written from the root of the cgroup tree, as in /system.slice/a.service",
			"cgroup: %s does not begin with \"/\"", quote(node).text);
		return NULL;
	}
	if (!strncmp(node->text, CGROUP_MOUNT, strlen(CGROUP_MOUNT))) {
		complain(p, node->pos, "write it without /sys/fs/cgroup",
			 "cgroup: %s is a path of the mount, not of the cgroup", quote(node).text);
		return NULL;
	}
	if (is_pattern(node)) {
		complain(p, node->pos, NULL,
			 "cgroup: %s: patterns are not supported here yet; name one cgroup",
			 quote(node).text);
		return NULL;
	}
	while (len > 0 && node->text[len - 1] == '/')
		len--;
	if (len == 0) {
		complain(
			p, node->pos, "name a slice, such as /system.slice",
			"cgroup: \"/\" is the whole host, with this agent and all that repairs it");
		return NULL;
	}
	path = strndup(node->text, len);
	if (!path) {
		p->no_memory = true;
	} else if (!path_is_clean(path)) {
		complain(p, node->pos, NULL, "cgroup: %s has an empty, \".\" or \"..\" component",
			 quote(node).text);
		free(path);
		path = NULL;
	} else if (len >= LEASTCAP_PATH_LEN) {
		complain(p, node->pos, NULL, "cgroup: longer than %d bytes", LEASTCAP_PATH_LEN - 1);
		free(path);
		path = NULL;
	}
	return path;
}

static void wrong_suffix(struct parse *p, const struct node *node)
{
	const char *dot = strrchr(node->text, '.');
	const char *right = dot ? nearest_word(dot, strlen(dot), suffixes) : ".service";
	size_t stem = dot ? (size_t)(dot - node->text) : node->len;
	_cleanup_free_ char *meant = NULL;

	if (ends_with_one(node->text, no_processes)) {
		complain(p, node->pos, "name its service",
			 "unit: %s: units of this type have no processes", quote(node).text);
		return;
	}
	/* The dot of "my.app" begins no suffix. */
	if (!right) {
		right = ".service";
		stem = node->len;
	}
	if (asprintf(&meant, "\"%.*s%s\"", (int)stem, node->text, right) < 0) {
		meant = NULL;
		p->no_memory = true;
		return;
	}
	complain_nearest(p, node->pos, meant, NULL,
			 "unit: %s is no full unit name: it ends in .service, .scope or .slice",
			 quote(node).text);
}

static char *unit_build(struct parse *p, const struct node *node)
{
	const char *at = strchr(node->text, '@');
	char *unit;

	if (is_pattern(node)) {
		complain(p, node->pos, NULL,
			 "unit: %s: patterns are not supported here yet; name one unit",
			 quote(node).text);
		return NULL;
	}
	for (size_t i = 0; i < node->len; i++) {
		unsigned char c = (unsigned char)node->text[i];

		if (c < 0x80 && (isalnum(c) || strchr(":-_.\\@", c)))
			continue;
		complain(p, node->pos, c == '/' ? "a path is selected by cgroup:" : NULL,
			 "unit: %s: a unit name has letters, digits and :-_.\\@ only",
			 quote(node).text);
		return NULL;
	}
	if (!ends_with_one(node->text, suffixes)) {
		wrong_suffix(p, node);
		return NULL;
	}
	if (node->len > UNIT_MAX || node->text[0] == '.' || node->text[0] == '@') {
		complain(p, node->pos, NULL, "unit: %s is no unit name", quote(node).text);
		return NULL;
	}
	if (at && at[1] == '.' && !strchr(at + 1, '@') && strrchr(node->text, '.') == at + 1) {
		complain(p, node->pos, "name an instance, as in getty@tty1.service",
			 "unit: %s is a template, not a unit", quote(node).text);
		return NULL;
	}
	if (!strcmp(node->text, "-.slice")) {
		complain(
			p, node->pos, "name a slice, such as system.slice",
			"unit: \"-.slice\" is the whole host, with this agent and all that repairs it");
		return NULL;
	}
	unit = strdup(node->text);
	if (!unit)
		p->no_memory = true;
	return unit;
}

static char *container_build(struct parse *p, const struct node *node)
{
	char *id;

	for (size_t i = 0; i < node->len; i++) {
		if (isxdigit((unsigned char)node->text[i]))
			continue;
		if (is_pattern(node))
			complain(p, node->pos, NULL,
				 "id: %s: patterns are not supported here yet; name one container",
				 quote(node).text);
		else
			complain(p, node->pos,
				 "`docker ps --no-trunc` or `podman ps --no-trunc` show it",
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

static void container_select(struct parse *p, const struct node *node, struct selector *selector)
{
	const struct node *id;

	if (node->kind != NODE_MAPPING) {
		complain(p, node->pos, "write { id: \"...\" }; all containers are `any: container`",
			 "container: a mapping is expected");
		return;
	}
	node_check_keys(p, node, &container_key_rule);
	id = node_get(node, "id", NULL);
	if (!id) {
		if (node->n == 0)
			complain(p, node->pos, "all containers are `any: container`",
				 "container: empty");
		return;
	}
	selector->kind = SELECT_CONTAINER_ID;
	selector->pos = id->pos;
	if (visit(p, id) && word_is_good(p, "id", id))
		selector->value = container_build(p, id);
}

static void any_select(struct parse *p, const struct node *node, struct selector *selector)
{
	static const char *const words[] = {"container", NULL};

	if (node_is(node, "container"))
		*selector = (struct selector){.kind = SELECT_ANY_CONTAINER, .pos = node->pos};
	else if (node->kind != NODE_SCALAR)
		complain(p, node->pos, NULL, "any: only `any: container` can be selected");
	else
		complain_nearest(p, node->pos, nearest_word(node->text, node->len, words), NULL,
				 "any: %s cannot be selected, only `any: container`",
				 quote(node).text);
}

/* One line of the list. A selector that came to nothing has no value; then the file has an error. */
static void line_build(struct parse *p, const struct node *node, struct selector *selector)
{
	const struct node *key, *value;

	if (!visit(p, node))
		return;
	if (node->kind != NODE_MAPPING) {
		complain(p, node->pos, "as in: - unit: \"nginx.service\"",
			 "a selector is expected: container, unit, cgroup or any");
		return;
	}
	node_check_keys(p, node, &key_rule);
	if (node->n != 2) {
		complain(p, node->pos, "any line may match: write one line for each",
			 node->n ? "more than one key in one selector" : "empty selector");
		return;
	}
	key = node->first;
	value = key->next;
	if (!visit(p, value))
		return;
	if (node_is(key, "container")) {
		container_select(p, value, selector);
	} else if (node_is(key, "any")) {
		any_select(p, value, selector);
	} else if (node_is(key, "unit")) {
		*selector = (struct selector){.kind = SELECT_UNIT, .pos = value->pos};
		if (word_is_good(p, "unit", value))
			selector->value = unit_build(p, value);
	} else if (node_is(key, "cgroup")) {
		*selector = (struct selector){.kind = SELECT_CGROUP, .pos = value->pos};
		if (word_is_good(p, "cgroup", value))
			selector->value = cgroup_build(p, value);
	}
}

void select_build(struct parse *p, const struct node *node, struct policy *policy)
{
	if (!visit(p, node))
		return;
	if (node->kind != NODE_SEQUENCE) {
		complain(p, node->pos,
			 node->kind == NODE_MAPPING ? "put \"- \" before each selector" : NULL,
			 "select: a list of selectors is expected");
		return;
	}
	/* calloc(0) may be NULL */
	policy->selectors = calloc(node->n + 1, sizeof(*policy->selectors));
	if (!policy->selectors) {
		p->no_memory = true;
		return;
	}
	for (const struct node *line = node->first; line && !p->too_large; line = line->next)
		line_build(p, line, &policy->selectors[policy->n_selectors++]);
}

char *selector_to_text(const struct selector *selector)
{
	static const char *const kinds[] = {
		[SELECT_CONTAINER_ID] = "container",
		[SELECT_UNIT] = "unit",
		[SELECT_CGROUP] = "cgroup",
		[SELECT_ANY_CONTAINER] = "any",
	};
	char *text;

	if (asprintf(&text, "%s: %s", kinds[selector->kind],
		     selector->kind == SELECT_ANY_CONTAINER ? "container" : selector->value) < 0)
		return NULL;
	return text;
}

/* A selector and whose it is. */
struct owned {
	const struct selector *selector;
	const struct policy *policy;
	size_t index;
};

static const char *owned_value(const struct owned *o)
{
	return o->selector->value ? o->selector->value : "";
}

static int owned_compare(const void *a, const void *b)
{
	const struct owned *x = a, *y = b;
	int order = (int)x->selector->kind - (int)y->selector->kind;

	if (!order)
		order = strcmp(owned_value(x), owned_value(y));
	if (!order)
		order = x->index < y->index ? -1 : 1;
	return order;
}

/* Is `later` in the order of owned_compare() the same subject? A prefix of an id is one with the whole id. */
static bool same_subject(const struct owned *head, const struct owned *later)
{
	const char *value = owned_value(head);

	if (head->selector->kind != later->selector->kind)
		return false;
	if (head->selector->kind == SELECT_CONTAINER_ID)
		return !strncmp(value, owned_value(later), strlen(value));
	return !strcmp(value, owned_value(later));
}

static void complain_same(struct parse *p, const struct owned *a, const struct owned *b)
{
	const struct owned *first = a->index < b->index ? a : b, *second = first == a ? b : a;
	_cleanup_free_ char *text = selector_to_text(second->selector);
	struct policy_pos pos = first->selector->pos;

	if (!text)
		p->no_memory = true;
	else if (first->policy == second->policy)
		complain(p, second->selector->pos, NULL,
			 "policy \"%s\" selects %s twice; the first is at line %u, column %u",
			 first->policy->name, text, pos.line, pos.column);
	else
		complain(
			p, second->selector->pos, "one subject has one policy",
			"policies \"%s\" and \"%s\" both select %s; the first is at line %u, column %u",
			first->policy->name, second->policy->name, text, pos.line, pos.column);
}

/* Passes over what was wrong already: a policy without a name, a selector without a value. */
void select_check_unique(struct parse *p, const struct policy_set *set)
{
	_cleanup_free_ struct owned *all = NULL;
	const struct owned *head = NULL;
	size_t n = 0, i = 0;

	for (size_t k = 0; k < set->n_policies; k++)
		n += set->policies[k].n_selectors;
	all = calloc(n + 1, sizeof(*all));
	if (!all) {
		p->no_memory = true;
		return;
	}
	for (size_t k = 0; k < set->n_policies; k++) {
		const struct policy *policy = &set->policies[k];

		for (size_t s = 0; policy->name && s < policy->n_selectors; s++) {
			const struct selector *selector = &policy->selectors[s];

			if (selector->value || selector->kind == SELECT_ANY_CONTAINER)
				all[i] = (struct owned){selector, policy, i};
			i += all[i].selector != NULL;
		}
	}
	n = i;
	qsort(all, n, sizeof(*all), owned_compare);
	for (i = 0; i < n; i++) {
		if (head && same_subject(head, &all[i]))
			complain_same(p, head, &all[i]);
		else
			head = &all[i];
	}
}
