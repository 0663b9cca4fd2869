/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "policy/internal.h"

static void error_done(struct policy_error *e)
{
	free(e->file);
	free(e->message);
	free(e->hint);
	free(e->source_line);
}

void policy_errors_done(struct policy_errors *errs)
{
	for (size_t i = 0; i < errs->n_errors; i++)
		error_done(&errs->errors[i]);
	free(errs->errors);
	*errs = (struct policy_errors){};
}

/* Takes hint over. One element more than the limit is there for "too many errors". */
__attribute__((format(printf, 4, 0))) static void add(struct parse *p, struct policy_pos pos,
						      char *hint, const char *fmt, va_list ap)
{
	struct policy_errors *errs = p->errs;
	_cleanup_free_ char *owned_hint = hint, *message = NULL;
	struct policy_error *e;

	if (errs->n_errors >= POLICY_ERRORS_MAX) {
		p->too_many_errors = true;
		return;
	}
	if (!errs->errors)
		errs->errors = calloc(POLICY_ERRORS_MAX + 1, sizeof(*errs->errors));
	if (!errs->errors || vasprintf(&message, fmt, ap) < 0) {
		p->no_memory = true;
		return;
	}
	e = &errs->errors[errs->n_errors++];
	e->pos = pos;
	e->message = escape_dup(message, strlen(message));
	e->hint = TAKE_PTR(owned_hint);
	e->source_line = source_line(&p->source, pos);
	if (!e->message)
		p->no_memory = true;
}

void complain(struct parse *p, struct policy_pos pos, const char *hint, const char *fmt, ...)
{
	char *escaped = hint ? escape_dup(hint, strlen(hint)) : NULL;
	va_list ap;

	if (hint && !escaped)
		p->no_memory = true;
	va_start(ap, fmt);
	add(p, pos, escaped, fmt, ap);
	va_end(ap);
}

void complain_nearest(struct parse *p, struct policy_pos pos, const char *right,
		      const char *otherwise, const char *fmt, ...)
{
	char *hint = NULL;
	va_list ap;

	if (right) {
		if (asprintf(&hint, "did you mean %s?", right) < 0)
			hint = NULL;
	} else if (otherwise) {
		hint = strdup(otherwise);
	}
	if ((right || otherwise) && !hint)
		p->no_memory = true;
	va_start(ap, fmt);
	add(p, pos, hint, fmt, ap);
	va_end(ap);
}

bool parse_failed(const struct parse *p)
{
	return p->no_memory || p->errs->n_errors > 0 || p->included.n_errors > 0;
}

struct quoted quote(const struct node *scalar)
{
	struct quoted q = {.text = "\""};
	size_t len = escape_text(q.text + 1, sizeof(q.text) - 2, scalar->text, scalar->len);

	memcpy(q.text + 1 + len, "\"", 2);
	return q;
}

static bool before(struct policy_pos a, struct policy_pos b)
{
	return a.line < b.line || (a.line == b.line && a.column < b.column);
}

void errors_adopt(struct parse *p, const char *file, struct policy_errors *errs)
{
	struct policy_errors *to = &p->included;

	for (size_t i = 0; i < errs->n_errors; i++) {
		struct policy_error *grown =
			reallocarray(to->errors, to->n_errors + 1, sizeof(*grown));

		if (!grown) {
			p->no_memory = true;
			break;
		}
		to->errors = grown;
		grown[to->n_errors] = errs->errors[i];
		errs->errors[i] = (struct policy_error){};
		if (!grown[to->n_errors].file)
			grown[to->n_errors].file = strdup(file);
		if (!grown[to->n_errors++].file)
			p->no_memory = true;
	}
	policy_errors_done(errs);
}

/* Those of included files go in front: what is wrong here may follow from them. */
static void join_included(struct parse *p)
{
	struct policy_errors *own = p->errs, all = p->included;
	struct policy_error *grown;

	p->included = (struct policy_errors){};
	if (!all.n_errors)
		return;
	grown = reallocarray(all.errors, POLICY_ERRORS_MAX + 2 + all.n_errors, sizeof(*grown));
	if (!grown) {
		p->no_memory = true;
		policy_errors_done(&all);
		return;
	}
	all.errors = grown;
	for (size_t i = 0; i < own->n_errors; i++)
		grown[all.n_errors++] = own->errors[i];
	free(own->errors);
	*own = all;
	for (; own->n_errors > POLICY_ERRORS_MAX; p->too_many_errors = true)
		error_done(&own->errors[--own->n_errors]);
}

/* In the order of their places. Insertion: there are few, and equal ones keep their order. */
void errors_finish(struct parse *p)
{
	struct policy_errors *errs = p->errs;

	for (size_t i = 1; i < errs->n_errors; i++) {
		struct policy_error e = errs->errors[i];
		size_t j = i;

		for (; j > 0 && before(e.pos, errs->errors[j - 1].pos); j--)
			errs->errors[j] = errs->errors[j - 1];
		errs->errors[j] = e;
	}
	join_included(p);
	if (p->too_many_errors) {
		struct policy_error *e = &errs->errors[errs->n_errors];

		*e = (struct policy_error){.pos = errs->errors[errs->n_errors - 1].pos};
		e->message = strdup("too many errors: no more are shown");
		if (e->message)
			errs->n_errors++;
		else
			p->no_memory = true;
	}
}

bool policy_errors_add(struct policy_errors *errs, struct policy_pos pos, const char *file,
		       const char *message, const char *hint)
{
	struct policy_error *grown = reallocarray(errs->errors, errs->n_errors + 1, sizeof(*grown));
	struct policy_error e = {.pos = pos};

	if (!grown)
		return false;
	errs->errors = grown;
	e.message = escape_dup(message, strlen(message));
	e.file = file ? strdup(file) : NULL;
	e.hint = hint ? escape_dup(hint, strlen(hint)) : NULL;
	if (!e.message || (file && !e.file) || (hint && !e.hint)) {
		error_done(&e);
		return false;
	}
	grown[errs->n_errors++] = e;
	return true;
}

static void print_caret(const struct policy_error *e, FILE *out)
{
	unsigned int before = source_line_before(e->pos.column);
	const char *s = e->source_line;

	fprintf(out, "  %s\n  ", s);
	for (; before && *s; before--) {
		/* A tab is as wide here as in the line above only as a tab. */
		fputc(*s == '\t' ? '\t' : ' ', out);
		s += utf8_next(s, strlen(s), NULL);
	}
	fputs("^\n", out);
}

void policy_errors_print(const struct policy_errors *errs, const char *file, FILE *out)
{
	for (size_t i = 0; i < errs->n_errors; i++) {
		const struct policy_error *e = &errs->errors[i];
		const char *in = e->file ?: file;
		_cleanup_free_ char *name = escape_dup(in, strlen(in));

		fprintf(out, "%s:", name ? name : "?");
		if (e->pos.line > 0)
			fprintf(out, "%u:%u:", e->pos.line, e->pos.column);
		fprintf(out, " error: %s\n", e->message ? e->message : "out of memory");
		if (e->source_line && e->pos.line > 0)
			print_caret(e, out);
		if (e->hint)
			fprintf(out, "  %s\n", e->hint);
	}
}
