/* SPDX-License-Identifier: GPL-2.0-only */
#include "audit/prom.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"

/* Integers up to here are exact in a double, and shown without an exponent. */
#define EXACT 9007199254740992.0

int prom_open(struct prom *p)
{
	*p = (struct prom){};
	p->f = open_memstream(&p->text, &p->size);
	return p->f ? 0 : -ENOMEM;
}

char *prom_close(struct prom *p)
{
	int failed = ferror(p->f);

	if (!fclose(p->f) && !failed)
		return p->text;
	free(p->text);
	return NULL;
}

void prom_family(struct prom *p, const char *name, const char *type, const char *help)
{
	p->name = name;
	fprintf(p->f, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* The bytes of the value are made safe to show first, so that the file is UTF-8 whatever the value is. */
static void label(FILE *f, const char *name, const char *value)
{
	_cleanup_free_ char *safe = escape_dup(value, strlen(value));

	fprintf(f, "%s=\"", name);
	for (const char *c = safe ? safe : "?"; *c; c++) {
		if (*c == '\\' || *c == '"')
			fputc('\\', f);
		fputc(*c, f);
	}
	fputc('"', f);
}

void prom_sample(struct prom *p, double value, ...)
{
	const char *name, *before = "{";
	va_list args;

	fputs(p->name, p->f);
	va_start(args, value);
	while ((name = va_arg(args, const char *))) {
		const char *text = va_arg(args, const char *);

		fputs(before, p->f);
		label(p->f, name, text ? text : "");
		before = ",";
	}
	va_end(args);
	if (*before == ',')
		fputc('}', p->f);
	if (value >= 0 && value < EXACT && value == (double)(unsigned long long)value)
		fprintf(p->f, " %llu\n", (unsigned long long)value);
	else
		fprintf(p->f, " %.9g\n", value);
}

void prom_one(struct prom *p, const char *name, const char *type, const char *help, double value)
{
	prom_family(p, name, type, help);
	prom_sample(p, value, NULL);
}
