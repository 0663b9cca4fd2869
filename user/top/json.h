/* SPDX-License-Identifier: GPL-2.0-only */
/* One refresh of `leastcap top --json`. Pure. */
#ifndef LEASTCAP_TOP_JSON_H
#define LEASTCAP_TOP_JSON_H

#include "top/view.h"

/* Of the rows that the view shows, in its order. time: "2026-01-02T03:04:05.678901Z"; seconds: what rates are about. NULL:
 * no memory. */
json_t *top_json(const struct top_view *v, const char *time, double seconds);

#endif
