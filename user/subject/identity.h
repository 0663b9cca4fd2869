/* SPDX-License-Identifier: GPL-2.0-only */
/* What is known of a container, from its runtime. The container's owner chooses names and labels: they are hostile. */
#ifndef LEASTCAP_IDENTITY_H
#define LEASTCAP_IDENTITY_H

#include <stddef.h>

struct identity_label {
	char *name, *value;
};

struct identity {
	char id[65];
	char *runtime, *name, *image; /* NULL, here and below: not known */
	struct identity_label *labels;
	size_t n_labels;
	char *pod_namespace, *pod, *pod_container;
};

#endif
