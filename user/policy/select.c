/* SPDX-License-Identifier: GPL-2.0-only */
/* Selectors: which subjects a policy is for. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "policy/internal.h"
#include "policy/pattern.h"

#define CGROUP_MOUNT "/sys/fs/cgroup/"
#define UNIT_MAX 255 /* UNIT_NAME_MAX, systemd */
#define USER_MAX_BYTES 32

static const char *const suffixes[] = {".service", ".scope", ".slice", NULL};
/* Unit types without processes of their own. */
static const char *const no_processes[] = {".socket", ".timer", ".mount", ".automount", ".target",
					   ".device", ".path",	".swap",  NULL};

static const char *const known_keys[] = {"container", "pod", "unit", "cgroup", "any", NULL};
static const struct keys key_rule = {.where = "a selector", .known = known_keys};

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

/* A component that is "**": elsewhere it is any number of components. */
static bool has_two_stars(const char *path)
{
	for (const char *c = path; (c = strstr(c, "/**")); c++) {
		if (c[3] == '/' || c[3] == '\0')
			return true;
	}
	return false;
}

/* All that is below the root is no less than the root. These are there wherever systemd is. */
static bool is_whole_host(const char *path)
{
	static const char *const top[] = {"/init.scope", "/system.slice", "/user.slice"};

	for (size_t i = 0; *path && i < ARRAY_SIZE(top); i++) {
		if (!pattern_matches(path, top[i], true))
			return false;
	}
	return true;
}

static char *cgroup_build(struct parse *p, const struct node *node)
{
	_cleanup_free_ char *path = NULL;
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
	while (len > 0 && node->text[len - 1] == '/')
		len--;
	path = strndup(node->text, len);
	if (!path) {
		p->no_memory = true;
		return NULL;
	}
	if (is_whole_host(path)) {
		complain(p, node->pos, "name a slice, such as /system.slice",
			 "cgroup: %s is the whole host, with this agent and all that repairs it",
			 len ? quote(node).text : "\"/\"");
		return NULL;
	}
	if (!pattern_is_good(p, "cgroup", node, LEASTCAP_PATH_LEN - 1, true))
		return NULL;
	if (!path_is_clean(path))
		complain(p, node->pos, NULL, "cgroup: %s has an empty, \".\" or \"..\" component",
			 quote(node).text);
	else if (has_two_stars(path))
		complain(
			p, node->pos,
			"a policy holds all that is below its cgroup; for several depths write several lines",
			"cgroup: %s: \"**\" is not supported, \"*\" is one component",
			quote(node).text);
	else
		return TAKE_PTR(path);
	return NULL;
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

/* No unit's name has what makes a set. */
static bool unit_letter(const char *text, size_t i)
{
	unsigned char c = (unsigned char)text[i];

	if (c < 0x80 && (isalnum(c) || strchr(":-_.\\@*?[", c)))
		return true;
	return (c == '!' && i > 0 && text[i - 1] == '[') || (c == ']' && memchr(text, '[', i));
}

/* "getty@.service", a template: it is selected by its instances. */
static bool is_template(const char *unit)
{
	const char *at = strchr(unit, '@');

	return at && at[1] == '.' && !strchr(at + 1, '@') && strrchr(unit, '.') == at + 1;
}

static const char *const user_unit_keys[] = {"user", "name", NULL};
static const struct keys user_unit_key_rule = {.where = "unit", .known = user_unit_keys};

/* Digits, and what makes a pattern of them. */
static bool is_user_pattern(const char *text)
{
	bool set = false;

	for (; *text; text++) {
		if (!isdigit((unsigned char)*text) && !strchr(set ? "-!]" : "*?[", *text))
			return false;
		set = (set || *text == '[') && *text != ']';
	}
	return true;
}

/* Names of users are no part of the paths of cgroups. */
static char *user_build(struct parse *p, const struct node *node)
{
	char *user;

	if (!is_user_pattern(node->text)) {
		complain(p, node->pos, "`id -u NAME` says it; \"*\" is every user",
			 "user: %s is no user id, and no pattern of ids", quote(node).text);
		return NULL;
	}
	if (!pattern_is_good(p, "user", node, USER_MAX_BYTES, false))
		return NULL;
	user = strdup(node->text);
	if (!user)
		p->no_memory = true;
	return user;
}

static char *unit_build(struct parse *p, const struct node *node)
{
	const char *dot;
	char *unit;

	for (size_t i = 0; i < node->len; i++) {
		if (unit_letter(node->text, i))
			continue;
		complain(p, node->pos,
			 node->text[i] == '/' ? "a path is selected by cgroup:" : NULL,
			 "unit: %s: a unit name has letters, digits and :-_.\\@ only",
			 quote(node).text);
		return NULL;
	}
	if (!ends_with_one(node->text, suffixes)) {
		wrong_suffix(p, node);
		return NULL;
	}
	if (!pattern_is_good(p, "unit", node, UNIT_MAX - is_template(node->text), false))
		return NULL;
	if (node->text[0] == '.' || node->text[0] == '@') {
		complain(p, node->pos, NULL, "unit: %s is no unit name", quote(node).text);
		return NULL;
	}
	if (!strcmp(node->text, "-.slice")) {
		complain(
			p, node->pos, "name a slice, such as system.slice",
			"unit: \"-.slice\" is the whole host, with this agent and all that repairs it");
		return NULL;
	}
	dot = strrchr(node->text, '.');
	if (asprintf(&unit, "%.*s%s%s", (int)(dot - node->text), node->text,
		     is_template(node->text) ? "*" : "", dot) < 0) {
		unit = NULL;
		p->no_memory = true;
	}
	return unit;
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

/* unit: { user: "1000", name: "app.service" } */
static void user_unit_select(struct parse *p, const struct node *node, struct selector *selector)
{
	struct leastcap_pattern paths[PATTERN_UNIT_PATHS];
	const struct node *user, *name;

	node_check_keys(p, node, &user_unit_key_rule);
	user = node_get(node, "user", NULL);
	name = node_get(node, "name", NULL);
	if (!user || !name) {
		complain(p, node->pos, "as in { user: \"*\", name: \"app.service\" }",
			 "unit: of a user's own manager: both user and name are needed");
		return;
	}
	selector->kind = SELECT_USER_UNIT;
	if (visit(p, user) && word_is_good(p, "user", user))
		selector->user = user_build(p, user);
	if (visit(p, name) && word_is_good(p, "name", name))
		selector->value = unit_build(p, name);
	if (selector->user && selector->value &&
	    pattern_user_unit_paths(selector->user, selector->value, paths) < 0)
		complain(p, name->pos, NULL, "unit: %s: too long for the path of a user's unit",
			 quote(name).text);
}

static void unit_select(struct parse *p, const struct node *node, struct selector *selector)
{
	selector->pos = node->pos;
	if (node->kind == NODE_MAPPING) {
		user_unit_select(p, node, selector);
		return;
	}
	if (word_is_good(p, "unit", node))
		selector->value = unit_build(p, node);
	selector->kind = selector->value && is_pattern(selector->value) ? SELECT_UNIT_PATTERN
									: SELECT_UNIT;
}

static void cgroup_select(struct parse *p, const struct node *node, struct selector *selector)
{
	selector->pos = node->pos;
	if (word_is_good(p, "cgroup", node))
		selector->value = cgroup_build(p, node);
	selector->kind = selector->value && is_pattern(selector->value) ? SELECT_CGROUP_PATTERN
									: SELECT_CGROUP;
}

/* One line of the list. */
static void line_build(struct parse *p, const struct node *node, struct selector *selector)
{
	static void (*const builders[])(struct parse * p, const struct node *node,
					struct selector *selector) = {
		container_select, pod_select, unit_select, cgroup_select, any_select};
	size_t n_errors = p->errs->n_errors;

	if (!visit(p, node))
		return;
	if (node->kind != NODE_MAPPING) {
		complain(p, node->pos, "as in: - unit: \"nginx.service\"",
			 "a selector is expected: container, pod, unit, cgroup or any");
		return;
	}
	node_check_keys(p, node, &key_rule);
	if (node->n != 2) {
		complain(p, node->pos, "any line may match: write one line for each",
			 node->n ? "more than one key in one selector" : "empty selector");
		return;
	}
	if (!visit(p, node->first->next))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(builders); i++) {
		if (node_is(node->first, known_keys[i]))
			builders[i](p, node->first->next, selector);
	}
	/* Half of a selector is another one. */
	if (p->errs->n_errors > n_errors || p->too_many_errors || p->no_memory)
		selector_done(selector);
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
