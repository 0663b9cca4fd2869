// SPDX-License-Identifier: GPL-2.0-only
/* What `leastcap status` says of the proof of enforcement. */
#include <stdio.h>

#include "cli/output.h"
#include "cli/status.h"

static void print_proven(const json_t *restrictions, const char *time)
{
	const json_t *each;
	size_t i;

	printf("proof       proven at %s:", time);
	json_array_foreach(restrictions, i, each) {
		_cleanup_free_ char *name = out_member(each, "name");

		printf(" %s", name ? name : "?");
	}
	putchar('\n');
}

static void print_unproven(const json_t *restrictions, const char *time)
{
	const json_t *each;
	size_t i;

	printf("proof       ENFORCEMENT IS NOT PROVEN, at %s:\n", time);
	json_array_foreach(restrictions, i, each) {
		_cleanup_free_ char *name = out_member(each, "name"),
				    *reason = out_member(each, "reason");

		if (reason && *reason)
			printf("            %s: %s\n", name ? name : "?", reason);
	}
}

void status_proof_print(const json_t *proof)
{
	const json_t *restrictions = json_object_get(proof, "restrictions"),
		     *proven = json_object_get(proof, "proven");
	_cleanup_free_ char *time = out_member(proof, "time");

	if (!json_is_object(proof))
		return;
	if (!json_is_boolean(proven))
		puts("proof       not tried yet");
	else if (json_is_true(proven))
		print_proven(restrictions, time ? time : "?");
	else
		print_unproven(restrictions, time ? time : "?");
}
