/* SPDX-License-Identifier: GPL-2.0-only */
/* Policy files with mistakes, and what is said of them. Included behind cmocka.h. */
#ifndef LEASTCAP_TESTS_MISTAKES_H
#define LEASTCAP_TESTS_MISTAKES_H

#include <string.h>

#include "policy/policy.h"

/* Errors without source line and caret: "line:column message" or "line:column message | hint". */
struct mistake {
	const char *text;
	const char *errors[4];
};

static inline void check_mistakes(const struct mistake *m, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct policy_set *set = NULL;
		struct policy_errors errs;
		int err = policy_parse("t", m[i].text, strlen(m[i].text), &set, &errs);

		if (err != -EINVAL)
			fail_msg("not refused (%d): %s", err, m[i].text);
		for (size_t k = 0; k < errs.n_errors || (k < 4 && m[i].errors[k]); k++) {
			const struct policy_error *e = k < errs.n_errors ? &errs.errors[k] : NULL;
			const char *want = k < 4 && m[i].errors[k] ? m[i].errors[k] : "nothing";
			char got[800] = "nothing";

			if (e)
				snprintf(got, sizeof(got), "%u:%u %s%s%s", e->pos.line,
					 e->pos.column, e->message, e->hint ? " | " : "",
					 e->hint ? e->hint : "");
			if (strcmp(got, want))
				fail_msg("of\n%s\nis said\n%s\nnot\n%s", m[i].text, got, want);
		}
		policy_errors_done(&errs);
	}
}

#endif
