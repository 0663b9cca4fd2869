/* SPDX-License-Identifier: GPL-2.0-only */
/* The labels of a container in an event. Images choose them: they are bounded, whatever there is. */
#ifndef LEASTCAP_LABELS_H
#define LEASTCAP_LABELS_H

#include <stdbool.h>

#include <jansson.h>

#include "subject/identity.h"

/* Of a name and of a value so many bytes are told, and of all names and values together. */
#define LABEL_VALUE_TOLD 256
#define LABELS_TOLD 2048

/* {"tier": "web"}; null where nothing is known of the container. *ret_cut: there is more. NULL: no memory. */
json_t *labels_json(const struct identity *who, bool *ret_cut);

#endif
