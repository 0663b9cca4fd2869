// SPDX-License-Identifier: GPL-2.0-only
/* What `leastcap apply --dry-run` prints. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/client.h"
#include "cli/dry_run.h"
#include "cli/output.h"

static void print_policy(const json_t *p)
{
	_cleanup_free_ char *name = out_member(p, "name"), *change = out_member(p, "change"),
			    *mode = out_member(p, "mode"), *by = out_member(p, "mode_by"),
			    *file = out_member(p, "defined_in"),
			    *why = out_member(p, "unsupported");
	const json_t *rule;
	size_t i;

	printf("%s: %s, mode %s%s\n", name ?: "?", change ?: "?", mode ?: "?",
	       by && !strcmp(by, "override") ? " (leastcap mode)" : "");
	if (file && *file)
		printf("  %-12s%s\n", "defined in", file);
	if (why && *why)
		printf("  %-12s%s\n", "unsupported", why);
	json_array_foreach(json_object_get(p, "left_out"), i, rule)
		printf("  %-12s%s: this kernel cannot hold it\n", "left out",
		       json_string_value(rule) ?: "?");
}

static bool print_set(const char *label, const json_t *part, const char *key)
{
	const json_t *words = json_object_get(part, key);

	if (!json_array_size(words))
		return false;
	out_words(label, words);
	return true;
}

static void print_subject(const json_t *s)
{
	_cleanup_free_ char *cgroup = out_member(s, "cgroup"), *policy = out_member(s, "policy"),
			    *old = out_member(s, "bound_by");
	const json_t *refused = json_object_get(s, "refused"),
		     *reported = json_object_get(s, "reported");
	bool any = false;

	printf("\n%s\n  %-12s%s, now %s\n", cgroup ?: "?", "policy", policy ?: "?",
	       old && *old ? old : "free");
	if (!json_is_true(json_object_get(s, "history"))) {
		printf("  %-12sno history: nothing is known of what it uses\n", "would");
		return;
	}
	any |= print_set("refuse", refused, "capabilities");
	any |= print_set("refuse of", refused, "rules");
	any |= print_set("report", reported, "capabilities");
	any |= print_set("report of", reported, "rules");
	if (!any)
		printf("  %-12srefuse nothing that it has used\n", "would");
}

int dry_run_print(const json_t *answer, const char *file)
{
	const json_t *each, *errors = json_object_get(answer, "errors");
	size_t i;

	json_array_foreach(json_object_get(answer, "policies"), i, each)
		print_policy(each);
	if (!json_array_size(json_object_get(answer, "subjects")))
		puts("\nno subject is there now");
	json_array_foreach(json_object_get(answer, "subjects"), i, each)
		print_subject(each);
	if (json_is_true(json_object_get(answer, "would_apply"))) {
		puts("\nnothing was changed");
		return CLI_DONE;
	}
	puts("\nit would not be applied; nothing was changed");
	fflush(stdout);
	api_errors_print(errors, file);
	return CLI_FAILED;
}
