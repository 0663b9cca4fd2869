/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests ask the log of events: jq's start costs an emulated guest more than a whole test. The filter is a small
 * part of jq's language, with the same meaning: paths, literals, == != < <= > >=, and, or, parentheses, length,
 * startswith("..."), endswith("..."), not.
 *
 *	events size LOG				its length; 0 where there is none
 *	events find LOG OFFSET FILTER		the lines behind OFFSET that match
 *	events wait LOG OFFSET FILTER SECONDS	the same, as soon as there is one
 *	events sample LOG			the first of each kind, and what is no JSON: to be validated elsewhere
 *
 * Exit status: 0 found   1 nothing found   2 wrong use, or a filter that only jq understands
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

enum { FOUND = 0, NOTHING = 1, WRONG = 2 };

static const char *filter, *at; /* the whole, and where it is read */

__attribute__((noreturn)) static void wrong(const char *what)
{
	fprintf(stderr, "events: %s: %s\nthe filter: %s\n", what, at ? at : "",
		filter ? filter : "");
	exit(WRONG);
}

static void skip_space(void)
{
	while (*at == ' ' || *at == '\n' || *at == '\t')
		at++;
}

static bool taken(const char *word)
{
	size_t len = strlen(word);

	skip_space();
	if (strncmp(at, word, len) ||
	    (isalpha((unsigned char)word[0]) && isalnum((unsigned char)at[len])))
		return false;
	at += len;
	return true;
}

/* ---- values: every one is a new reference ---- */

static json_t *pipeline(json_t *input);

static json_t *path(json_t *input)
{
	json_t *value = json_incref(input);

	do {
		size_t len = strspn(
			++at, "abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
		char name[64];
		json_t *member;

		if (len >= sizeof(name))
			wrong("too long");
		memcpy(name, at, len);
		name[len] = '\0';
		at += len;
		member = len ? json_object_get(value, name) : value;
		member = member ? json_incref(member) : json_null();
		json_decref(value);
		value = member;
	} while (*at == '.');
	if (*at == '[' || *at == '?')
		wrong("only paths of names");
	return value;
}

static json_t *literal(void)
{
	json_error_t error;
	json_t *value = json_loads(at, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, &error);

	if (!value)
		wrong("no value");
	at += error.position;
	return value;
}

static json_t *term(json_t *input)
{
	json_t *value;

	skip_space();
	if (taken("(")) {
		value = pipeline(input);
		if (!taken(")"))
			wrong("no )");
		return value;
	}
	return *at == '.' ? path(input) : literal();
}

static int compare(const json_t *a, const json_t *b)
{
	json_int_t x = json_integer_value(a), y = json_integer_value(b);

	if (!json_is_integer(a) || !json_is_integer(b))
		wrong("only numbers have an order here");
	return x < y ? -1 : x > y;
}

static json_t *comparison(json_t *input)
{
	static const char *const operators[] = {"==", "!=", "<=", ">=", "<", ">"};
	json_t *left = term(input), *right;
	size_t i;
	bool yes;

	for (i = 0; i < sizeof(operators) / sizeof(*operators); i++) {
		if (taken(operators[i]))
			break;
	}
	if (i == sizeof(operators) / sizeof(*operators))
		return left;
	right = term(input);
	switch (i) {
	case 0:
		yes = json_equal(left, right);
		break;
	case 1:
		yes = !json_equal(left, right);
		break;
	case 2:
		yes = compare(left, right) <= 0;
		break;
	case 3:
		yes = compare(left, right) >= 0;
		break;
	case 4:
		yes = compare(left, right) < 0;
		break;
	default:
		yes = compare(left, right) > 0;
	}
	json_decref(left);
	json_decref(right);
	return json_boolean(yes);
}

static bool truth(json_t *value)
{
	bool yes = !json_is_null(value) && !json_is_false(value);

	json_decref(value);
	return yes;
}

/* Both sides are always read: that is how the reader comes to the end of them. */
static json_t *conjunction(json_t *input)
{
	json_t *left = comparison(input);

	while (taken("and")) {
		bool right = truth(comparison(input));

		left = json_boolean(truth(left) && right);
	}
	return left;
}

static json_t *disjunction(json_t *input)
{
	json_t *left = conjunction(input);

	while (taken("or")) {
		bool right = truth(conjunction(input));

		left = json_boolean(truth(left) || right);
	}
	return left;
}

static json_t *length(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return json_integer((json_int_t)json_string_length(value));
	case JSON_ARRAY:
		return json_integer((json_int_t)json_array_size(value));
	case JSON_OBJECT:
		return json_integer((json_int_t)json_object_size(value));
	default:
		return json_integer(0);
	}
}

/* startswith and endswith, behind the parenthesis */
static json_t *affix(const json_t *value, bool end)
{
	json_t *part = literal();
	size_t whole = json_string_length(value), len = json_string_length(part);
	bool yes = json_is_string(value) && json_is_string(part) && len <= whole &&
		   !memcmp(json_string_value(value) + (end ? whole - len : 0),
			   json_string_value(part), len);

	json_decref(part);
	if (!taken(")"))
		wrong("no )");
	return json_boolean(yes);
}

static json_t *function(json_t *input)
{
	if (taken("length"))
		return length(input);
	if (taken("not"))
		return json_boolean(!truth(json_incref(input)));
	if (taken("startswith("))
		return affix(input, false);
	if (taken("endswith("))
		return affix(input, true);
	return disjunction(input);
}

static json_t *pipeline(json_t *input)
{
	json_t *value = disjunction(input);

	while (taken("|")) {
		json_t *next = function(value);

		json_decref(value);
		value = next;
	}
	return value;
}

static bool matches(json_t *event)
{
	json_t *value;

	at = filter;
	value = pipeline(event);
	skip_space();
	if (*at)
		wrong("not understood");
	return truth(value);
}

/* ---- the log ---- */

/* Prints what matches behind *offset, and leaves it behind the last whole line. */
static bool search(const char *log, long *offset)
{
	FILE *f = fopen(log, "re");
	char *line = NULL;
	bool any = false;
	size_t room = 0;
	ssize_t n;

	if (!f)
		return false;
	fseek(f, *offset, SEEK_SET);
	while ((n = getline(&line, &room, f)) > 0 && line[n - 1] == '\n') {
		json_t *event = json_loadb(line, (size_t)n, 0, NULL);

		*offset += n;
		if (!event) {
			fprintf(stderr, "events: no JSON: %s", line);
			exit(WRONG);
		}
		if (matches(event)) {
			fwrite(line, 1, (size_t)n, stdout);
			any = true;
		}
		json_decref(event);
	}
	free(line);
	fclose(f);
	return any;
}

/* ---- a sample ---- */

/* Lines that are looked at, and kinds that are printed: of a log of any length, a few. */
#define SAMPLE_LINES 4000
#define SAMPLE_KINDS 60

static const char *word(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

/* What makes its members others. */
static void kind_of(const json_t *e, char *buf, size_t size)
{
	const json_t *s = json_object_get(e, "subject"), *p = json_object_get(e, "process");

	snprintf(buf, size, "%s %s %s %s %d%d%d%d%d", word(e, "type"), word(e, "action"),
		 word(e, "restriction"), *word(e, "detail") ? word(e, "item") : "",
		 !*word(s, "name"), !*word(s, "container"), !*word(s, "unit"), !*word(p, "exe"),
		 json_is_null(json_object_get(e, "rule")));
}

static int sample(const char *log)
{
	json_t *kinds = json_object();
	FILE *f = fopen(log, "re");
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	for (int i = 0; f && i < SAMPLE_LINES && (n = getline(&line, &room, f)) > 0; i++) {
		json_t *event = json_loadb(line, (size_t)n, 0, NULL);
		char kind[512] = "no JSON";

		if (event)
			kind_of(event, kind, sizeof(kind));
		json_decref(event);
		/* What is still being written. */
		if (line[n - 1] != '\n' || json_object_get(kinds, kind) ||
		    json_object_size(kinds) == SAMPLE_KINDS)
			continue;
		json_object_set_new_nocheck(kinds, kind, json_true());
		fwrite(line, 1, (size_t)n, stdout);
	}
	if (f)
		fclose(f);
	free(line);
	json_decref(kinds);
	return FOUND;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	double end = now() + (argc == 6 ? atof(argv[5]) : 0);
	struct stat st;
	long offset;

	if (argc == 3 && !strcmp(argv[1], "size")) {
		printf("%lld\n", stat(argv[2], &st) ? 0LL : (long long)st.st_size);
		return FOUND;
	}
	if (argc == 3 && !strcmp(argv[1], "sample"))
		return sample(argv[2]);
	if (argc != (argc > 1 && !strcmp(argv[1], "wait") ? 6 : 5) ||
	    (strcmp(argv[1], "find") && strcmp(argv[1], "wait"))) {
		fputs("events size LOG | sample LOG | find LOG OFFSET FILTER | wait LOG OFFSET FILTER SECONDS\n",
		      stderr);
		return WRONG;
	}
	offset = atol(argv[3]);
	filter = argv[4];
	/* A filter that is not understood shall be told without an event, too. */
	(void)matches(json_object());
	for (;;) {
		if (search(argv[2], &offset))
			return FOUND;
		if (now() >= end)
			return NOTHING;
		usleep(20000);
	}
}
