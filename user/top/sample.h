/* SPDX-License-Identifier: GPL-2.0-only */
/* What `leastcap top` shows, as numbers: the bindings of a status (docs/api.md), and rates from two of them. Pure. */
#ifndef LEASTCAP_TOP_SAMPLE_H
#define LEASTCAP_TOP_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/cleanup.h"

enum top_count { TOP_SEEN, TOP_DENIED, TOP_WOULD, TOP_COUNTS };

/* One binding. */
struct top_row {
	uint64_t id; /* of the cgroup */
	char *name, *cgroup, *policy; /* printable ASCII */
	bool audit; /* its policy only reports */
	uint64_t n[TOP_COUNTS];
	double rate[TOP_COUNTS]; /* a second; negative: not known */
	unsigned int used, unused; /* capabilities; unused: granted and allowed, never used */
	const json_t *binding; /* of the sample's status */
};

struct top_sample {
	json_t *status;
	uint64_t time; /* CLOCK_BOOTTIME nanoseconds */
	struct top_row *rows;
	size_t n;
	uint64_t total[TOP_COUNTS];
	double rate[TOP_COUNTS]; /* sums of what is known; negative: nothing is */
};

/*
 * Takes status over, also when it fails. Its bindings may have `name`, and `seen`, a count of checks; where that is
 * missing its rate is not known. before: an earlier sample, or NULL, and then no rate is known. What was not in it
 * began with nothing; a count that is smaller now has begun again. -ENOMEM.
 */
int top_sample_new(json_t *status, uint64_t time, const struct top_sample *before,
		   struct top_sample **ret);
struct top_sample *top_sample_free(struct top_sample *s); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(struct top_sample *, top_sample_free);

/* NULL: it is not there. */
const struct top_row *top_sample_find(const struct top_sample *s, uint64_t id);

/* How much a count has grown in so many seconds, each; negative: not known. */
double top_rate(uint64_t before, uint64_t now, double seconds);

#endif
