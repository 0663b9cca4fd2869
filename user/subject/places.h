/* SPDX-License-Identifier: GPL-2.0-only */
/* Files of the host's own, found by patterns and read with distrust. */
#ifndef LEASTCAP_PLACES_H
#define LEASTCAP_PLACES_H

#include <jansson.h>

/*
 * Reads JSON files below root. pattern: a relative path, whose component "*" is any name and "ID" is id; with id NULL
 * it is a path as it stands. No component is followed if it is a symbolic link, nor used unless it belongs to root (or to who runs this, in tests) and only
 * they can write there. use() gets each file and the name that "*" stood for ("" without one), until it returns
 * non-zero, which is returned. 0: no use() returned more; else as bundle_read() says.
 */
int places_read(const char *root, const char *pattern, const char *id,
		int (*use)(const json_t *document, const char *star, void *ctx), void *ctx);

#endif
