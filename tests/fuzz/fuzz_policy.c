/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libFuzzer: the policy parser on any bytes, and what the kernel side would get. A crash, a leak, a hang, a raw control
 * character or a policy that contradicts itself is a find.
 */
#include <linux/capability.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "policy/compile.h"
#include "policy/match.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The kernel here holds nothing: what is optional is left out, what is not has a reason. */
uint32_t kernel_rules_held(uint32_t wanted, char **ret_why)
{
	if (ret_why)
		*ret_why = strdup("a kernel");
	return 0;
}

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_shown(const char *text, size_t len)
{
	for (size_t i = 0; i < len;) {
		bool safe;
		size_t n = utf8_next(text + i, len - i, &safe);

		check(safe || text[i] == '\n' || text[i] == '\t');
		i += n;
	}
}

/* A list is there only with its rule, has something in it, and each name once. */
static void check_names(char *const *names, bool rule, size_t max_len)
{
	check(!names || (rule && names[0]));
	for (size_t i = 0; names && names[i]; i++) {
		check(strlen(names[i]) > 0 && strlen(names[i]) <= max_len);
		for (size_t k = 0; k < i; k++)
			check(strcmp(names[i], names[k]) != 0);
	}
}

/* No address behind a prefix, and no key twice. */
static void check_destination(const struct policy_lists *l, size_t i)
{
	const struct leastcap_destination *d = &l->destinations[i];
	uint32_t prefix = l->destination_rules[i].prefix;

	check(prefix <= 128 && d->prefix == LEASTCAP_DESTINATION_FIXED + prefix);
	check(d->port <= 65535 && !d->policy[0] && !d->policy[1]);
	for (uint32_t bit = prefix; bit < 128; bit++)
		check(!(d->address[bit / 8] & 0x80 >> bit % 8));
	for (size_t k = 0; k < i; k++)
		check(memcmp(d, &l->destinations[k], sizeof(*d)) != 0);
}

static void check_policy(const struct policy *p)
{
	const struct policy_lists *l = &p->lists;
	uint32_t rules = p->deny | p->would;
	bool connect = rules & LEASTCAP_RULE_BIT(LEASTCAP_RULE_CONNECT);
	bool unix_rule = rules & LEASTCAP_RULE_BIT(LEASTCAP_RULE_UNIX);
	bool fs_rule = rules & LEASTCAP_RULE_BIT(LEASTCAP_RULE_FILESYSTEMS);

	check(!(p->deny & p->would) && rules < LEASTCAP_RULE_BIT(LEASTCAP_RULES));
	check(!l->families == !(rules & LEASTCAP_RULE_BIT(LEASTCAP_RULE_FAMILIES)));
	check(unix_rule || !(l->flags & LEASTCAP_LIST_UNIX_DENY));
	check(connect || (!(l->flags & LEASTCAP_LIST_CONNECT_DENY) && !l->n_destinations));
	check_names(l->unix_names, unix_rule, LEASTCAP_UNIX_LEN - 1);
	check_names(l->fs_deny, fs_rule, LEASTCAP_FS_LEN - 1);
	check_names(l->fs_read_only, fs_rule, LEASTCAP_FS_LEN - 1);
	for (size_t i = 0; i < l->n_destinations; i++)
		check_destination(l, i);
	for (int rule = 0; rule < LEASTCAP_RULES; rule++)
		check(!p->rule_pos[rule].line == !(rules & LEASTCAP_RULE_BIT(rule)));
}

/* Whatever is allowed has a line that says so, and whatever has a line is there. */
static void check_places(const struct policy *p)
{
	const struct policy_lists *l = &p->lists;

	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		check(!(p->allow >> cap & 1) || p->places.pos[cap].line);
	check(!p->places.of_base || p->places.base);
	for (size_t i = 0; i < l->n_places; i++) {
		const struct entry_place *e = &l->places[i];

		check(e->pos.line && e->list <= POLICY_LIST_FS_READ_ONLY);
		check(e->list != POLICY_LIST_CONNECT || e->entry < l->n_destinations);
		check(e->list != POLICY_LIST_UNIX || l->unix_names);
	}
	for (int rule = 0; rule < LEASTCAP_RULES; rule++)
		json_decref(policy_rule_places(p, (enum leastcap_rule)rule));
}

static void compile(const struct policy *p)
{
	_cleanup_free_ char *why = policy_unsupported(p);
	uint32_t rules = p->deny | p->would, left_out;
	struct leastcap_policy compiled;
	struct kernel_lists lists;

	policy_compile(p, &compiled, &lists, &left_out);
	check(left_out == (rules & p->optional));
	check((compiled.deny | compiled.would) == (rules & ~p->optional));
	check(!why == !(rules & ~p->optional));
	check(!why || strstr(why, "a kernel"));
}

/* The bytes as the value of --deny, on top of a policy or on none. */
static void deny_words(const uint8_t *data, size_t size, struct policy *policy)
{
	_cleanup_free_ char *list = strndup((const char *)data, size), *error = NULL;
	int err = policy_deny_words(list, policy, &error);

	check((err == 0 && !error) || (err == -EINVAL && error));
	if (error)
		check_shown(error, strlen(error));
}

/* Any name ends the work; a copy is the same. The bytes are what a container says of itself. */
static void check_selector(const struct selector *s, const char *said)
{
	_cleanup_free_ char *text = selector_to_text(s), *again = NULL;
	_cleanup_(selector_done) struct selector copy = {};
	struct identity_label label = {(char *)said, (char *)said};
	struct identity who = {
		.runtime = (char *)said,
		.name = (char *)said,
		.image = (char *)said,
		.pod_namespace = (char *)said,
		.pod = (char *)said,
		.pod_container = (char *)said,
		.labels = &label,
		.n_labels = 1,
	};

	check(!selector_copy(s, &copy));
	again = selector_to_text(&copy);
	check(!strcmp(text, again));
	check_shown(text, strlen(text));
	check(selector_matches(s, &who) == selector_matches(&copy, &who));
	check(!selector_matches_cgroup(s, "/") && !selector_matches_unit(s, "-.slice"));
	(void)selector_matches_cgroup(s, said);
	(void)selector_matches_unit(s, said);
}

/* What is saved is read back as it was. Aliases can stand for more than can be read: not those. */
static void check_saved(const struct policy *p)
{
	json_auto_t *json = json_pack("{s:[o]}", "policies", policy_to_json(p)), *again = NULL;
	_cleanup_free_ char *text = json_dumps(json, 0);
	struct policy_set *set = NULL;
	struct policy_errors errs;

	check(text);
	if (strlen(text) > 32768)
		return;
	check(!policy_parse("saved", text, strlen(text), &set, &errs));
	again = json_pack("{s:[o]}", "policies", policy_to_json(&set->policies[0]));
	check(json_equal(json, again));
	policy_set_free(set);
}

/* The bytes as a file that is handed over with those that it includes. */
static void family(const char *json, size_t len)
{
	_cleanup_(policy_texts_done) struct policy_texts texts = {};
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;
	struct policy_errors errs;

	if (policy_texts_from_json(json, len, &texts))
		return;
	check(!policy_parse_texts(&texts, &set, &errs) == !errs.n_errors);
	for (size_t i = 0; i < errs.n_errors; i++)
		check_shown(errs.errors[i].message, strlen(errs.errors[i].message));
	for (size_t i = 0; set && i < set->n_policies; i++)
		check_places(&set->policies[i]);
	policy_errors_done(&errs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *said = strndup((const char *)data, size);
	struct policy none = {};
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;
	struct policy_errors errs = {};
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int err = policy_parse("fuzz.yaml", (const char *)data, size, &set, &errs);

	policy_errors_print(&errs, "fuzz.yaml", out);
	fclose(out);
	check((err == 0) == (set != NULL) && (err == 0) != (errs.n_errors > 0));
	check_shown(text, len);
	for (size_t i = 0; set && i < set->n_policies; i++) {
		for (size_t k = 0; k < set->policies[i].n_selectors; k++)
			check_selector(&set->policies[i].selectors[k], said);
		check_saved(&set->policies[i]);
		check_policy(&set->policies[i]);
		check_places(&set->policies[i]);
		compile(&set->policies[i]);
	}
	if (set)
		deny_words((const uint8_t *)"sockets,filesystems", 19, &set->policies[0]);
	family((const char *)data, size);
	deny_words(data, size, &none);
	policy_lists_done(&none.lists);
	policy_errors_done(&errs);
	return 0;
}
