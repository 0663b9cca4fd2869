/* SPDX-License-Identifier: GPL-2.0-only */
/* Each entry of a policy knows where it is written. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/capability.h>

#include <leastcap/decide.h>

#include "folder.h"
#include "policies.h"

static void check_pos(struct policy_pos pos, unsigned int line, unsigned int column)
{
	if (pos.line != line || pos.column != column)
		fail_msg("%u:%u, wanted %u:%u", pos.line, pos.column, line, column);
}

static void check_cap(const struct policy *p, int cap, unsigned int line, unsigned int column)
{
	assert_true(p->allow >> cap & 1);
	check_pos(p->places.pos[cap], line, column);
}

static void capabilities_have_theirs(void **state)
{
	struct policy_set *set =
		good("bases: { web: [CHOWN, KILL, SYSLOG] }\n"
		     "defaults: { capabilities: [FOWNER] }\n"
		     "policies:\n"
		     "- name: list\n"
		     "  capabilities: [CHOWN,\n"
		     "    cap_kill]\n"
		     "- name: whole\n"
		     "  capabilities: { allow: all }\n"
		     "- name: own\n"
		     "  capabilities: { base: web, add: [SYS_TIME, KILL], drop: [SYSLOG] }\n"
		     "- name: built-in\n"
		     "  capabilities: { base: restricted }\n"
		     "- name: default\n"
		     "- name: profile\n"
		     "  profile: container\n");
	const struct policy *p = set->policies;

	check_cap(&p[0], CAP_CHOWN, 5, 18);
	check_cap(&p[0], CAP_KILL, 6, 5);
	assert_null(p[0].places.base);
	check_cap(&p[1], CAP_CHOWN, 8, 26);
	check_cap(&p[1], CAP_CHECKPOINT_RESTORE, 8, 26);
	check_cap(&p[2], CAP_CHOWN, 10, 25);
	check_cap(&p[2], CAP_KILL, 10, 46);
	check_cap(&p[2], CAP_SYS_TIME, 10, 36);
	assert_string_equal(p[2].places.base, "web");
	assert_string_equal(p[2].places.base_file, "t.yaml");
	check_pos(p[2].places.base_pos, 1, 10);
	assert_true(p[2].places.of_base >> CAP_CHOWN & 1);
	assert_false(p[2].places.of_base >> CAP_KILL & 1);
	check_cap(&p[3], CAP_NET_BIND_SERVICE, 12, 25);
	assert_string_equal(p[3].places.base, "restricted");
	assert_null(p[3].places.base_file);
	check_cap(&p[4], CAP_FOWNER, 2, 28);
	check_cap(&p[5], CAP_CHOWN, 15, 3);
	assert_null(p[5].places.base);
	policy_set_free(set);
}

static void a_policy_knows_where_it_ends(void **state)
{
	static const unsigned int lines[][2] = {{2, 5}, {8, 8}, {9, 11}, {13, 13}, {16, 17}};
	struct policy_set *set = good("policies:\n"
				      "- name: block\n"
				      "  capabilities:\n"
				      "    allow:\n"
				      "    - CHOWN # web[1]\n"
				      "  # no more\n"
				      "\n"
				      "- { name: flow, capabilities: none }\n"
				      "- { name: lines, capabilities: [\n"
				      "      CHOWN ]\n"
				      "  }\n"
				      "- mounts: deny\n"
				      "  name: last-of-all\n"
				      "\n"
				      "# of all\n"
				      "- name: end\n"
				      "  mounts: deny\n"
				      "\n"
				      "defaults:\n"
				      "  capabilities: none\n");

	assert_int_equal(set->n_policies, ARRAY_SIZE(lines));
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		assert_int_equal(set->policies[i].pos.line, lines[i][0]);
		assert_int_equal(set->policies[i].pos.last_line, lines[i][1]);
	}
	assert_int_equal(set->policies[4].capabilities_pos.line, 20);
	policy_set_free(set);
}

static void a_base_is_in_its_own_file(void **state)
{
	struct policy_set *set = NULL;
	struct policy_errors errs;

	folder_make();
	folder_write("a.yaml",
		     "include: [s/b.yaml]\npolicies:\n- name: a\n  capabilities: { base: web }\n");
	folder_write("s/b.yaml", "\nbases: { web: [CHOWN] }\n");
	assert_int_equal(policy_parse_file(folder_path("a.yaml"), NULL, &set, &errs), 0);
	check_cap(&set->policies[0], CAP_CHOWN, 4, 25);
	assert_string_equal(set->policies[0].places.base_file, folder_path("s/b.yaml"));
	check_pos(set->policies[0].places.base_pos, 2, 10);
	policy_set_free(set);
	folder_remove();
}

/* What is said of a rule's entries, without blanks: {"deny":[[1,2],null]}. */
static void check_places(const struct policy *p, enum leastcap_rule rule, const char *want)
{
	json_auto_t *places = policy_rule_places(p, rule), *short_form = json_object();
	json_t *list, *each;
	const char *key;
	char *text;
	size_t i;

	json_object_foreach(places, key, list) {
		json_t *to = json_array();

		json_array_foreach(list, i, each)
			json_array_append_new(
				to, json_is_null(each)
					    ? json_null()
					    : json_pack("[O, O]", json_object_get(each, "line"),
							json_object_get(each, "column")));
		json_object_set_new(short_form, key, to);
	}
	text = json_dumps(short_form, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, want);
	free(text);
}

static void entries_of_lists_have_theirs(void **state)
{
	struct policy_set *set =
		good("defaults:\n"
		     "  capabilities: none\n"
		     "  filesystems: { deny: [debugfs], read-only: [proc,\n"
		     "    sysfs, proc] }\n"
		     "policies:\n"
		     "- name: a\n"
		     "  sockets:\n"
		     "    host-unix: { default: deny, allow: [/run/a, \"@b\"] }\n"
		     "    connect: { default: deny, allow: [10.0.0.0/8,\n"
		     "      \"127.0.0.1:80\"], deny: [10.1.0.0/16] }\n"
		     "    families: { deny: [vsock, alg] }\n"
		     "- name: b\n"
		     "  sockets: { families: { allow: [inet, unix] }, host-unix: deny }\n"
		     "  filesystems: { deny: [tracefs] }\n"
		     "- name: c\n"
		     "  sockets: { connect: { deny: [\"8000::/1\", \"::/0\"] } }\n"
		     "  filesystems: deny\n");
	const struct policy *a = &set->policies[0], *b = &set->policies[1], *c = &set->policies[2];
	struct policy copy;

	check_places(a, LEASTCAP_RULE_FILESYSTEMS,
		     "{\"deny\":[[3,25]],\"read-only\":[[3,47],[4,5]]}");
	check_places(a, LEASTCAP_RULE_UNIX, "{\"allow\":[[8,41],[8,49]]}");
	check_places(a, LEASTCAP_RULE_CONNECT, "{\"allow\":[[9,39],[10,7]],\"deny\":[[10,31]]}");
	/* In the order of the families. */
	check_places(a, LEASTCAP_RULE_FAMILIES, "{\"deny\":[[11,31],[11,24]]}");
	check_places(a, LEASTCAP_RULE_MOUNTS, "{}");
	check_places(b, LEASTCAP_RULE_FAMILIES, "{\"allow\":[[13,40],[13,34]]}");
	check_places(b, LEASTCAP_RULE_UNIX, "{\"allow\":[]}");
	check_places(b, LEASTCAP_RULE_FILESYSTEMS, "{\"deny\":[[14,25]],\"read-only\":[]}");
	check_places(
		c, LEASTCAP_RULE_FILESYSTEMS,
		"{\"deny\":[null,null,null,null,null,null,null],\"read-only\":[null,null,null,null,null]}");
	assert_int_equal(policy_copy(a, &copy), 0);
	check_places(&copy, LEASTCAP_RULE_UNIX, "{\"allow\":[[8,41],[8,49]]}");
	policy_done(&copy);
	policy_set_free(set);
}

static void what_ipv6_adds_has_its_place(void **state)
{
	struct policy_set *set =
		good(BEGIN "  sockets: { connect: { default: allow, deny: [\"::/0\"] } }\n");
	json_auto_t *places = policy_rule_places(&set->policies[0], LEASTCAP_RULE_CONNECT);
	const json_t *list, *each;
	const char *key;
	size_t i, n = 0;

	json_object_foreach(places, key, list) {
		json_array_foreach(list, i, each) {
			assert_int_equal(json_integer_value(json_object_get(each, "line")), 4);
			assert_int_equal(json_integer_value(json_object_get(each, "column")), 48);
			n++;
		}
	}
	assert_int_equal(n, 3);
	policy_set_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capabilities_have_theirs),
		cmocka_unit_test(a_policy_knows_where_it_ends),
		cmocka_unit_test(a_base_is_in_its_own_file),
		cmocka_unit_test(entries_of_lists_have_theirs),
		cmocka_unit_test(what_ipv6_adds_has_its_place),
	};

	return cmocka_run_group_tests_name("places", tests, NULL, NULL);
}
