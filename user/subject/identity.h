/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who a container is, as its runtime tells. Images and users choose most of these words, so they are hostile:
 * everything here is bounded, valid UTF-8, and free of control characters; what is not was left out.
 */
#ifndef LEASTCAP_IDENTITY_H
#define LEASTCAP_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes without the NUL. A file name, Docker's and Kubernetes' names fit into 255; a reference of an image has up to
 * 255 of a name, 128 of a tag and 71 of a digest. */
#define IDENTITY_NAME_MAX 255
#define IDENTITY_IMAGE_MAX 512
#define IDENTITY_LABELS_MAX 256
#define IDENTITY_LABEL_NAME_MAX 256
#define IDENTITY_LABEL_VALUE_MAX 4096

struct identity_label {
	char *name, *value;
};

/* NULL: not known. */
struct identity {
	char id[65];
	char *runtime, *name, *image;
	struct identity_label *labels;
	size_t n_labels;
	bool labels_cut; /* there are others, which cannot be held or shown */
	char *pod_namespace, *pod, *pod_container;
};

/* Sets a field to a copy; an empty text changes nothing. -EINVAL: too long, or not fit to be shown; the field stays. */
int identity_set(char **field, const char *text, size_t len, size_t max);

/* Adds a label, or gives it another value. -EINVAL as above; -ENOSPC: there are 256. */
int identity_set_label(struct identity *i, const char *name, size_t name_len, const char *value,
		       size_t value_len);

/* Value of a label; NULL: there is none of that name. */
const char *identity_label(const struct identity *i, const char *name);

/* What `from` knows of name, image and labels replaces what `to` has: it is newer. The rest fills gaps alone. `from` is
 * left empty. 1: `to` has become another, 0: it is as it was. */
int identity_merge(struct identity *to, struct identity *from);

/* Nothing but the id is known. */
int identity_is_empty(const struct identity *i);

/* Frees what it holds and empties it. */
void identity_done(struct identity *i);

#endif
