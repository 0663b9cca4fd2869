/* SPDX-License-Identifier: GPL-2.0-only */
/* The text format of Prometheus, 0.0.4. */
#ifndef LEASTCAP_PROM_H
#define LEASTCAP_PROM_H

#include <stddef.h>
#include <stdio.h>

#define PROM_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct prom {
	FILE *f;
	char *text;
	size_t size;
	const char *name; /* of the family that is being written */
};

/* -ENOMEM. */
int prom_open(struct prom *p);
/* The text, to be freed; NULL: no memory. */
char *prom_close(struct prom *p);

/* Begins a family: a name is begun once, and all its samples follow. type: "gauge", "counter". */
void prom_family(struct prom *p, const char *name, const char *type, const char *help);

/* A sample of it. Then pairs of a label's name and value, and NULL. Values may hold any bytes. */
void prom_sample(struct prom *p, double value, ...) __attribute__((sentinel));

/* A family of one sample without labels. */
void prom_one(struct prom *p, const char *name, const char *type, const char *help, double value);

#endif
