/* SPDX-License-Identifier: GPL-2.0-only */
/* FNV-1a: tells contents apart that nobody has made alike on purpose. */
#ifndef LEASTCAP_HASH_H
#define LEASTCAP_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_BEGIN 0xcbf29ce484222325ULL

static inline void hash_bytes(uint64_t *hash, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++)
		*hash = (*hash ^ bytes[i]) * 0x100000001b3ULL;
}

#endif
