/* SPDX-License-Identifier: GPL-2.0-only */
/* Requests of the API about what the daemon knows: their arguments, checked, go to state.h. */
#ifndef LEASTCAP_REQUESTS_H
#define LEASTCAP_REQUESTS_H

#include <microhttpd.h>

#include "daemon/state.h"

struct request_call {
	struct state *state;
	struct MHD_Connection *connection; /* has the arguments; all are UTF-8 */
	const char *name; /* what follows the route's path; "" */
	const char *body;
	size_t len;
	const struct peer *peer;
};

/* Digits only. -EINVAL, -ERANGE. */
int request_number(const char *text, uint64_t *ret);

/* An HTTP status, and the answer. */
typedef unsigned int (*request_fn)(const struct request_call *call, json_t **ret);

unsigned int request_apply(const struct request_call *call, json_t **ret);
unsigned int request_remove(const struct request_call *call, json_t **ret);
unsigned int request_confirm(const struct request_call *call, json_t **ret);
unsigned int request_promote(const struct request_call *call, json_t **ret);
unsigned int request_mode(const struct request_call *call, json_t **ret);
unsigned int request_disarm(const struct request_call *call, json_t **ret);
unsigned int request_rearm(const struct request_call *call, json_t **ret);
unsigned int request_sampling(const struct request_call *call, json_t **ret);
unsigned int request_sample(const struct request_call *call, json_t **ret);
unsigned int request_policy(const struct request_call *call, json_t **ret);
unsigned int request_show(const struct request_call *call, json_t **ret);

#endif
