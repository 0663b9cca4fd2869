/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libFuzzer: the resolver. The input is a host and some policy files, with lines of "%" between them: first the cgroups, one a
 * line, "PATH [NAME [IMAGE [LABEL]]]" where what follows is what a runtime says of a container there. A crash, a leak, an
 * outcome that depends on the order of the files, or a tie that should have been seen in the files, is a find.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemon/plan.h"
#include "policy/compile.h"
#include "policy/rank.h"
#include "subject/cgroup.h"
#include "subject/unit.h"

#define SUBJECTS 64
#define FILES 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

/* ---- the host, instead of this one (the linker's --wrap) ---- */

struct subject {
	char *path;
	struct identity who;
	struct identity_label label;
};

static struct subject subjects[SUBJECTS];
static size_t n_subjects;

int __wrap_cgroup_walk(int (*fn)(const char *path, uint64_t id, uint32_t level, void *ctx),
		       void *ctx);
int __wrap_cgroup_id(const char *path, uint64_t *ret_id, uint32_t *ret_level);
int __wrap_cgroup_of(pid_t pid, char **ret);
int __wrap_unit_told(const char *unit, char **ret);

static uint32_t level_of(const char *path)
{
	uint32_t level = 0;

	for (; *path; path++)
		level += *path == '/';
	return level;
}

int __wrap_cgroup_walk(int (*fn)(const char *path, uint64_t id, uint32_t level, void *ctx),
		       void *ctx)
{
	int err = fn("/", 1, 0, ctx);

	for (size_t i = 0; !err && i < n_subjects; i++)
		err = fn(subjects[i].path, i + 2, level_of(subjects[i].path), ctx);
	return err;
}

int __wrap_cgroup_id(const char *path, uint64_t *ret_id, uint32_t *ret_level)
{
	for (size_t i = 0; i < n_subjects; i++) {
		if (strcmp(subjects[i].path, path) != 0)
			continue;
		*ret_id = i + 2;
		*ret_level = level_of(path);
		return 0;
	}
	return -ENOENT;
}

int __wrap_cgroup_of(pid_t pid, char **ret)
{
	return -ENOENT;
}

int __wrap_unit_told(const char *unit, char **ret)
{
	return unit_valid(unit) ? -EHOSTDOWN : -EINVAL;
}

uint32_t kernel_rules_held(uint32_t wanted, char **ret_why)
{
	return wanted;
}

static const struct identity *who(const char *cgroup, void *ctx)
{
	for (size_t i = 0; i < n_subjects; i++) {
		if (!strcmp(subjects[i].path, cgroup))
			return &subjects[i].who;
	}
	return NULL;
}

/* ---- the input ---- */

/* As a walk goes: what is below comes before what is beside. */
static int path_compare(const void *a, const void *b)
{
	const struct subject *sa = a, *sb = b;
	const char *x = sa->path, *y = sb->path;

	while (*x && *x == *y)
		x++, y++;
	if (*x == '/' || *y == '/')
		return !*x ? -1 : !*y ? 1 : *x == '/' ? -1 : 1;
	return (unsigned char)*x - (unsigned char)*y;
}

static void add_subject(char *line)
{
	char *words = line, *path = strsep(&words, " ");
	struct subject *s = &subjects[n_subjects];
	size_t len = strlen(path);

	if (n_subjects == SUBJECTS || *path != '/' || len < 2 || len > 1000 ||
	    path[len - 1] == '/' || strstr(path, "//"))
		return;
	*s = (struct subject){.path = path};
	s->who.name = strsep(&words, " ");
	s->who.image = strsep(&words, " ");
	s->label = (struct identity_label){(char *)"label", strsep(&words, " ")};
	if (s->label.value) {
		s->who.labels = &s->label;
		s->who.n_labels = 1;
	}
	n_subjects++;
}

static void read_subjects(char *text)
{
	size_t kept = 0;

	n_subjects = 0;
	for (char *line; (line = strsep(&text, "\n"));)
		add_subject(line);
	qsort(subjects, n_subjects, sizeof(*subjects), path_compare);
	for (size_t i = 0; i < n_subjects; i++) {
		if (!kept || strcmp(subjects[kept - 1].path, subjects[i].path) != 0)
			subjects[kept++] = subjects[i];
	}
	n_subjects = kept;
	for (size_t i = 0; i < n_subjects; i++) {
		if (subjects[i].label.value)
			subjects[i].who.labels = &subjects[i].label;
	}
}

/* The next part of the input; NULL: none. */
static char *next_part(char **rest)
{
	char *part = *rest, *end = part ? strstr(part, "\n%\n") : NULL;

	*rest = end ? end + 3 : NULL;
	if (end)
		end[1] = '\0';
	return part;
}

/* A name that is there already leaves a file out. */
static void add_file(struct sources *sources, const char *text)
{
	struct policy_set *set = NULL;
	struct policy_errors errs;

	if (policy_parse("file", text, strlen(text), &set, &errs)) {
		policy_errors_done(&errs);
		return;
	}
	for (size_t i = 0; i < set->n_policies; i++) {
		if (sources_find(sources, set->policies[i].name, NULL)) {
			policy_set_free(set);
			return;
		}
	}
	check(!sources_append(sources, "file", false, set));
}

/* ---- what comes of it ---- */

static void complain(const struct source *source, const struct policy *lost, const char *file,
		     struct policy_pos pos, const char *message, void *ctx)
{
	check(source && *message && pos.line > 0);
}

static void check_same(const struct plan *a, const struct plan *b)
{
	size_t x = 0, y = 0;

	check(a->n_wants == b->n_wants && a->n_births == b->n_births);
	check(a->n_patterns == b->n_patterns && a->n_ties == b->n_ties);
	for (size_t i = 0; i < a->n_wants; i++)
		check(a->wants[i].cgroup == b->wants[i].cgroup &&
		      !strcmp(a->wants[i].policy->name, b->wants[i].policy->name));
	for (size_t i = 0; i < a->n_births; i++)
		check(!strcmp(a->births[i].path, b->births[i].path) &&
		      !strcmp(a->births[i].policy->name, b->births[i].policy->name));
	for (size_t i = 0; i < a->n_patterns; i++)
		check(!memcmp(&a->patterns[i].pattern, &b->patterns[i].pattern,
			      sizeof(a->patterns[i].pattern)) &&
		      !strcmp(a->patterns[i].policy->name, b->patterns[i].policy->name));
	for (size_t i = 0; i < a->n_ties; i++) {
		x += a->ties[i].n;
		y += b->ties[i].n;
	}
	check(x == y && !a->any == !b->any);
	check(!a->any || !strcmp(a->any->name, b->any->name));
}

static const struct selector *selector_of(const struct want *w)
{
	for (size_t i = 0; i < w->policy->n_selectors; i++) {
		const struct selector *s = &w->policy->selectors[i];

		if (s->pos.line == w->pos.line && s->pos.column == w->pos.column)
			return s;
	}
	return NULL;
}

static bool ask_alike(const struct selector *a, const struct selector *b)
{
	if (a->n_labels != b->n_labels || !a->name != !b->name || !a->runtime != !b->runtime ||
	    !a->pod != !b->pod || !a->pod_namespace != !b->pod_namespace ||
	    !a->pod_container != !b->pod_container)
		return false;
	for (size_t i = 0; i < a->n_labels; i++) {
		if (strcmp(a->labels[i].name, b->labels[i].name) != 0)
			return false;
	}
	return true;
}

/* An image has several names, and so has a unit: those ties only show on the host. */
static void check_tie(const struct plan_tie *tie)
{
	const struct selector *a = selector_of(&tie->winner), *b = selector_of(&tie->loser);

	check(strcmp(tie->winner.policy->name, tie->loser.policy->name) < 0);
	if (a && b && !a->image && !b->image && a->kind != SELECT_UNIT && ask_alike(a, b))
		check(selectors_overlap(a, b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct plan_host host = {.who = who};
	_cleanup_free_ char *text = strndup((const char *)data, size);
	struct sources sources = {}, reversed = {};
	struct plan one = {}, two = {};
	char *rest = text;

	read_subjects(next_part(&rest));
	while (rest && sources.n < FILES)
		add_file(&sources, next_part(&rest));
	reversed.items = calloc(sources.n + 1, sizeof(*reversed.items));
	for (size_t i = sources.n; i--;)
		reversed.items[reversed.n++] = sources.items[i];
	check(!plan_make(&sources, &host, complain, NULL, &one));
	check(!plan_make(&reversed, &host, complain, NULL, &two));
	check_same(&one, &two);
	for (size_t i = 0; i < one.n_ties; i++)
		check_tie(&one.ties[i]);
	plan_done(&one);
	plan_done(&two);
	free(reversed.items);
	sources_done(&sources);
	return 0;
}
