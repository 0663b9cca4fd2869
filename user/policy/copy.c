/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "policy/internal.h"

void policy_done(struct policy *policy)
{
	for (size_t i = 0; i < policy->n_selectors; i++)
		selector_done(&policy->selectors[i]);
	free(policy->selectors);
	free(policy->name);
	free(policy->file);
	policy_lists_done(&policy->lists);
	capability_places_done(&policy->places);
	*policy = (struct policy){};
}

int policy_name_file(struct policy *policy, const char *file)
{
	char *copy = escape_dup(file, strlen(file));

	if (!copy)
		return -ENOMEM;
	free(policy->file);
	policy->file = copy;
	return 0;
}

/* "" is not NULL: what is not there stays so. */
static bool text_copy(const char *from, char **ret)
{
	*ret = from ? strdup(from) : NULL;
	return *ret || !from;
}

int policy_copy(const struct policy *from, struct policy *ret)
{
	struct policy copy = *from;

	copy.name = copy.file = NULL;
	copy.n_selectors = 0;
	copy.lists = (struct policy_lists){};
	copy.places = (struct capability_places){};
	copy.selectors = from->n_selectors ? calloc(from->n_selectors, sizeof(*copy.selectors))
					   : NULL;
	if ((from->n_selectors && !copy.selectors) || !text_copy(from->name, &copy.name) ||
	    !text_copy(from->file, &copy.file) || policy_lists_copy(&from->lists, &copy.lists) ||
	    !capability_places_copy(&from->places, &copy.places))
		goto fail;
	for (; copy.n_selectors < from->n_selectors; copy.n_selectors++) {
		if (selector_copy(&from->selectors[copy.n_selectors],
				  &copy.selectors[copy.n_selectors]))
			goto fail;
	}
	*ret = copy;
	return 0;
fail:
	policy_done(&copy);
	return -ENOMEM;
}
