/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of kernel functions by address, from /proc/kallsyms. */
#ifndef LEASTCAP_TRACE_SYMBOLS_H
#define LEASTCAP_TRACE_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"

struct symbols;

/* Reads the whole list. -EPERM: the kernel hides the addresses (kptr_restrict). */
int symbols_read(FILE *f, struct symbols **ret);

/* Of the kernel that runs; of a program that is loaded later the frames look like the function before them. */
int symbols_of_kernel(struct symbols **ret);

/* The function that holds this address; NULL: none. Valid as long as s. */
const char *symbols_find(const struct symbols *s, uint64_t address);

struct symbols *symbols_free(struct symbols *s); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(struct symbols *, symbols_free);

#endif
