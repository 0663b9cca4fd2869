/* SPDX-License-Identifier: GPL-2.0-only */
/* libFuzzer: the policy parser on any bytes. A crash, a leak, a hang or a raw control character is a find. */
#include <stdlib.h>

#include "base/escape.h"
#include "policy/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(policy_set_freep) struct policy_set *set = NULL;
	struct policy_errors errs = {};
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int err = policy_parse("fuzz.yaml", (const char *)data, size, &set, &errs);

	policy_errors_print(&errs, "fuzz.yaml", out);
	fclose(out);
	if ((err == 0) != (set != NULL) || (err == 0) == (errs.n_errors > 0))
		abort();
	for (size_t i = 0; i < len;) {
		bool safe;
		size_t n = utf8_next(text + i, len - i, &safe);

		if (!safe && text[i] != '\n' && text[i] != '\t')
			abort();
		i += n;
	}
	for (size_t i = 0; set && i < set->n_policies; i++) {
		for (size_t k = 0; k < set->policies[i].n_selectors; k++)
			free(selector_to_text(&set->policies[i].selectors[k]));
	}
	policy_errors_done(&errs);
	return 0;
}
