/* SPDX-License-Identifier: GPL-2.0-only */
/* Which containers, units and cgroups a selector fits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policies.h"
#include "policy/match.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct identity_label labels[] = {
	{(char *)"tier", (char *)"web"},
	{(char *)"empty", (char *)""},
	{(char *)"com.docker.compose.project", (char *)"shop"},
};

static const struct identity web = {
	.id = ID,
	.runtime = (char *)"docker",
	.name = (char *)"web-1",
	.image = (char *)"docker.io/library/nginx:1.25",
	.labels = labels,
	.n_labels = ARRAY_SIZE(labels),
	.pod_namespace = (char *)"prod",
	.pod = (char *)"web-7f9c",
	.pod_container = (char *)"app",
};
/* The shape of its cgroup says that it is one, and no more. */
static const struct identity unknown = {.id = ID};

/* The first selector of a policy that has this line. */
static struct policy_set *parsed(const char *line)
{
	char text[1024];

	snprintf(text, sizeof(text), "select:\n  - %s", line);
	return good_rules(text);
}

static bool fits(const char *line, const struct identity *who)
{
	_cleanup_(policy_set_freep) struct policy_set *set = parsed(line);

	return selector_matches(&set->policies[0].selectors[0], who);
}

static void check(const char *line, bool want)
{
	if (fits(line, &web) != want)
		fail_msg("%s: %s", line, want ? "does not fit" : "fits");
}

static void all_keys_must_fit(void **state)
{
	check("container: { id: 0123456789ab }", true);
	check("container: { id: " ID " }", true);
	check("container: { id: 1123456789ab }", false);
	check("container: { name: web-1 }", true);
	check("container: { name: \"web-?\" }", true);
	check("container: { name: web }", false);
	check("container: { runtime: docker }", true);
	check("container: { runtime: \"*d*\" }", true);
	check("container: { runtime: podman }", false);
	check("container: { image: \"nginx*\", label: { tier: web } }", true);
	check("container: { image: \"nginx*\", label: { tier: db } }", false);
	check("container: { image: \"apache*\", label: { tier: web } }", false);
	check("container: { id: 0123456789ab, name: \"web-*\", runtime: docker }", true);
	check("container: { id: 0123456789ab, name: \"db-*\" }", false);
	check("container: { id: 0123456789ab, runtime: podman }", false);
	check("container: { id: 1123456789ab, name: \"web-*\" }", false);
	check("any: container", true);
}

static void all_labels_must_fit(void **state)
{
	check("container: { label: { tier: \"w*\", com.docker.compose.project: shop } }", true);
	check("container: { label: { tier: web, com.docker.compose.project: bank } }", false);
	check("container: { label: { tier: web, other: \"*\" } }", false);
	check("container: { label: { empty: \"\" } }", true);
	check("container: { label: { empty: \"*\" } }", true);
	check("container: { label: { empty: \"?*\" } }", false);
	check("container: { label: { tier: \"\" } }", false);
	check("container: { label: { Tier: web } }", false);
}

static void pods_are_known_by_three_names(void **state)
{
	check("pod: { namespace: prod }", true);
	check("pod: { namespace: prod, name: \"web-*\", container: app }", true);
	check("pod: { namespace: prod, name: \"web-*\", container: sidecar }", false);
	check("pod: { namespace: test, name: \"web-*\" }", false);
	check("pod: { name: web }", false);
	check("pod: { container: \"*\" }", true);
}

/* Also what any text would fit. */
static void what_is_not_known_does_not_fit(void **state)
{
	static const char *const lines[] = {
		"container: { name: \"*\" }",
		"container: { image: \"*\" }",
		"container: { runtime: \"*\" }",
		"container: { label: { tier: \"*\" } }",
		"container: { id: 0123456789ab, name: \"*\" }",
		"pod: { namespace: \"*\" }",
		"pod: { name: \"*\" }",
		"pod: { container: \"*\" }",
	};
	struct identity_label half[] = {{(char *)"tier", NULL}, {NULL, (char *)"web"}};
	struct identity strange = {.id = "", .labels = half, .n_labels = 2};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		check(lines[i], true);
		if (fits(lines[i], &unknown))
			fail_msg("%s fits", lines[i]);
	}
	assert_true(fits("container: { id: 0123456789ab }", &unknown));
	assert_true(fits("any: container", &unknown));
	assert_false(fits("container: { id: 0123456789ab }", &strange));
	assert_false(fits("container: { label: { tier: web } }", &strange));
	assert_false(fits("unit: a.service", &web));
	assert_false(fits("cgroup: \"/*/a\"", &web));
}

static void images_fit_by_their_long_and_short_names(void **state)
{
	static const char digest[] =
		"quay.io:443/team/app:v1@sha256:0123456789abcdef0123456789abcdef";
	static const struct {
		const char *image, *fits[8], *not [6];
	} cases[] = {
		{"docker.io/library/nginx:1.25",
		 {"docker.io/library/nginx:1.25", "docker.io/library/nginx", "nginx:1.25", "nginx",
		  "nginx*", "nginx:1.*", "*/nginx", "docker.io/*"},
		 {"library/nginx", "nginx:1.26", "docker.io/nginx", "ngin", "1.25", ":1.25"}},
		{"nginx:1.25",
		 {"nginx:1.25", "nginx"},
		 {"docker.io/library/nginx", "library/nginx"}},
		{"nginx", {"nginx", "n*"}, {"nginx:latest", "nginx:*"}},
		{"library/nginx", {"library/nginx", "nginx"}, {}},
		{digest,
		 {digest, "quay.io:443/team/app:v1", "quay.io:443/team/app", "team/app:v1",
		  "team/app", "team/*", "*@sha256:0123*", "team/app:v1@*"},
		 {"app", "quay.io/team/app", "team/app@sha256*", "quay.io"}},
		{"localhost/app:latest", {"app", "localhost/app", "app:latest"}, {"localhost"}},
		{"localhost:5000/app", {"app", "localhost:5000/app"}, {"localhost", "localhost*0"}},
		/* No registry: neither dot nor port. */
		{"team/app:1", {"team/app", "team/app:1"}, {"app", "app:1"}},
		{"sha256:0123", {"sha256:0123", "sha256:*"}, {"0123"}},
		/* What nobody should be called. */
		{"", {"*"}, {"?"}},
		{"/", {"/", "*"}, {"?*?"}},
		{"@", {"@"}, {"a"}},
		{":", {":"}, {"a"}},
		{"a.b/", {"a.b/", ""}, {"a.b"}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t k = 0; k < 8 && cases[i].fits[k]; k++) {
			if (!image_matches(cases[i].fits[k], cases[i].image))
				fail_msg("%s does not fit %s", cases[i].fits[k], cases[i].image);
		}
		for (size_t k = 0; k < 6 && cases[i].not [k]; k++) {
			if (image_matches(cases[i].not [k], cases[i].image))
				fail_msg("%s fits %s", cases[i].not [k], cases[i].image);
		}
	}
}

static bool fits_unit(const char *line, const char *unit)
{
	_cleanup_(policy_set_freep) struct policy_set *set = parsed(line);

	return selector_matches_unit(&set->policies[0].selectors[0], unit);
}

static bool fits_cgroup(const char *line, const char *path)
{
	_cleanup_(policy_set_freep) struct policy_set *set = parsed(line);

	return selector_matches_cgroup(&set->policies[0].selectors[0], path);
}

static void units_and_cgroups_fit(void **state)
{
	assert_true(fits_unit("unit: a.service", "a.service"));
	assert_false(fits_unit("unit: a.service", "b.service"));
	assert_true(fits_unit("unit: \"web-*.service\"", "web-1.service"));
	assert_false(fits_unit("unit: \"web-*.service\"", "web-1.scope"));
	assert_true(fits_unit("unit: getty@.service", "getty@tty1.service"));
	assert_false(fits_unit("unit: getty@.service", "getty.service"));
	assert_true(fits_unit("unit: \"a\\\\x2d*.service\"", "a\\x2db.service"));
	assert_true(fits_unit("unit: \"*.slice\"", "system.slice"));
	assert_false(fits_unit("unit: \"*.slice\"", "-.slice"));
	assert_false(fits_unit("cgroup: /a.service", "a.service"));

	assert_true(fits_cgroup("cgroup: /a/b", "/a/b"));
	assert_false(fits_cgroup("cgroup: /a/b", "/a/b/c"));
	assert_true(fits_cgroup("cgroup: \"/system.slice/web-*\"", "/system.slice/web-1.scope"));
	assert_false(fits_cgroup("cgroup: \"/system.slice/web-*\"", "/system.slice/web-1/b"));
	assert_true(fits_cgroup("cgroup: \"/[!s]*\"", "/user.slice"));
	assert_true(fits_cgroup("cgroup: \"/*a*\"", "/a"));
	assert_false(fits_cgroup("cgroup: \"/*a*\"", "/"));
	assert_false(fits_cgroup("cgroup: \"/*/*\"", "/"));
	assert_false(fits_cgroup("unit: a.service", "/a.service"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_keys_must_fit),
		cmocka_unit_test(all_labels_must_fit),
		cmocka_unit_test(pods_are_known_by_three_names),
		cmocka_unit_test(what_is_not_known_does_not_fit),
		cmocka_unit_test(images_fit_by_their_long_and_short_names),
		cmocka_unit_test(units_and_cgroups_fit),
	};

	return cmocka_run_group_tests_name("matching", tests, NULL, NULL);
}
