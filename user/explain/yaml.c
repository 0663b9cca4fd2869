/* SPDX-License-Identifier: GPL-2.0-only */
#include "explain/yaml.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/escape.h"

/* Deeper than any value of a policy. */
#define DEPTH_MAX 8

/* ---- values ---- */

/* Fit to stand without quotes: a word that YAML can take for nothing else. */
static bool plain(const char *text)
{
	static const char *const others[] = {"true", "false", "yes", "no", "on",
					     "off",  "null",  "y",   "n"};
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char rest[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./@-";
	bool address = *text && strspn(text, "0123456789./") == strlen(text) && strchr(text, '.');

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (!strcasecmp(others[i], text))
			return false;
	}
	return address || (*text && (strchr(letters, *text) || *text == '/') &&
			   strspn(text, rest) == strlen(text));
}

static void put_quoted(FILE *f, const char *text)
{
	size_t left = strlen(text), n;
	bool safe;

	putc('"', f);
	for (; left; text += n, left -= n) {
		n = utf8_next(text, left, &safe);
		if (n && safe && *text != '"' && *text != '\\') {
			fwrite(text, 1, n, f);
		} else if (n == 1) {
			fprintf(f, *text == '"' || *text == '\\' ? "\\%c" : "\\x%02x",
				(unsigned char)*text);
		} else {
			_cleanup_free_ char *escaped = NULL;
			json_auto_t *json = n ? json_stringn(text, n) : NULL;

			/* What turns the direction of writing is "\u202e" in JSON and YAML. */
			escaped = json ? json_dumps(json, JSON_ENCODE_ANY | JSON_ENSURE_ASCII)
				       : NULL;
			if (escaped)
				fprintf(f, "%.*s", (int)strlen(escaped) - 2, escaped + 1);
			n = n ?: 1;
		}
	}
	putc('"', f);
}

static void put_text(FILE *f, const char *text)
{
	if (plain(text))
		fputs(text, f);
	else
		put_quoted(f, text);
}

static void put(FILE *f, const json_t *value, int depth)
{
	const char *key;
	json_t *each;
	size_t i;

	if (json_is_string(value)) {
		put_text(f, json_string_value(value));
	} else if (depth < DEPTH_MAX && json_is_array(value)) {
		putc('[', f);
		json_array_foreach(value, i, each) {
			fputs(i ? ", " : "", f);
			put(f, each, depth + 1);
		}
		putc(']', f);
	} else if (depth < DEPTH_MAX && json_is_object(value)) {
		bool first = true;

		fputs("{ ", f);
		json_object_foreach((json_t *)value, key, each) {
			fputs(first ? "" : ", ", f);
			first = false;
			put_text(f, key);
			fputs(": ", f);
			put(f, each, depth + 1);
		}
		fputs(" }", f);
	}
}

/* ---- what goes without saying ---- */

static bool is_word(const json_t *value, const char *word)
{
	const char *text = json_string_value(value);

	return text && !strcmp(text, word);
}

/* "10.1.2.3/32:80" -> "10.1.2.3:80", as people write one address. */
static void shorten_address(json_t *list, size_t i)
{
	const char *text = json_string_value(json_array_get(list, i)) ?: "";
	const char *colon = strchr(text, ':');
	bool ipv6 = *text == '[' || (colon && strchr(colon + 1, ':'));
	const char *whole = ipv6 ? "/128" : "/32", *at = strstr(text, whole), *rest;

	if (!at)
		return;
	rest = at + strlen(whole);
	if (!*rest || *rest == ':' || *rest == ']')
		json_array_set_new(list, i, json_sprintf("%.*s%s", (int)(at - text), text, rest));
}

static json_t *tidy_rule(const json_t *value)
{
	static const char *const lists[] = {"allow", "deny", "read-only"};
	json_t *tidy = json_deep_copy(value);

	if (!json_is_object(tidy))
		return tidy;
	if (is_word(json_object_get(tidy, "mode"), "enforce") ||
	    is_word(json_object_get(tidy, "mode"), "deny"))
		json_object_del(tidy, "mode");
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		json_t *list = json_object_get(tidy, lists[i]);

		if (json_is_array(list) && !json_array_size(list))
			json_object_del(tidy, lists[i]);
		for (size_t j = 0; j < json_array_size(list); j++)
			shorten_address(list, j);
	}
	return tidy;
}

/* Parts that restrict nothing are left out; none left: "allow". */
static json_t *tidy_sockets(const json_t *value)
{
	json_t *tidy = json_object(), *each;
	const char *part;

	json_object_foreach((json_t *)value, part, each) {
		if (!is_word(each, "allow"))
			json_object_set_new(tidy, part, tidy_rule(each));
	}
	if (json_object_size(tidy))
		return tidy;
	json_decref(tidy);
	return json_string("allow");
}

/* Docker's list is what people know: a set that has all of it is told by what it has besides. */
static json_t *tidy_capabilities(const json_t *value)
{
	static const char docker[] =
		"CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP "
		"SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE";
	const json_t *allow = json_is_object(value) ? json_object_get(value, "allow") : value;
	uint64_t base = 0, set = caps_from_json(allow);

	if (!json_is_array(allow) || caps_parse_list(docker, &base, NULL, NULL) ||
	    (set & base) != base)
		return json_deep_copy(value);
	if (set == base)
		return json_pack("{s:s}", "base", "docker-default");
	return json_pack("{s:s, s:o}", "base", "docker-default", "add", caps_to_json(set & ~base));
}

static json_t *tidy(const char *key, const json_t *value)
{
	if (!strcmp(key, "capabilities"))
		return tidy_capabilities(value);
	return !strcmp(key, "sockets") && json_is_object(value) ? tidy_sockets(value)
								: tidy_rule(value);
}

/* ---- */

static char *finish(FILE *f, char **text)
{
	bool failed = ferror(f);

	if (!fclose(f) && !failed)
		return *text;
	free(*text);
	return NULL;
}

char *yaml_rule(const char *key, const json_t *value)
{
	json_auto_t *written = tidy(key, value);
	char *text = NULL;
	size_t size;
	FILE *f = written ? open_memstream(&text, &size) : NULL;

	if (!f)
		return NULL;
	fprintf(f, "%s: ", key);
	put(f, written, 0);
	return finish(f, &text);
}

/* "unit: web.service" of {"unit": "web.service"}, a list item. */
static void put_selectors(FILE *f, const json_t *selectors)
{
	const char *key;
	json_t *each, *value;
	size_t i;

	if (json_array_size(selectors))
		fputs("    select:\n", f);
	json_array_foreach(selectors, i, each) {
		json_object_foreach(each, key, value) {
			fprintf(f, "      - %s: ", key);
			put(f, value, 0);
			putc('\n', f);
		}
	}
}

char *yaml_policy(const json_t *policy)
{
	const char *key;
	char *text = NULL;
	json_t *value;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	fputs("policies:\n  - name: ", f);
	put(f, json_object_get(policy, "name"), 0);
	putc('\n', f);
	put_selectors(f, json_object_get(policy, "select"));
	json_object_foreach((json_t *)policy, key, value) {
		_cleanup_free_ char *line = NULL;

		if (!strcmp(key, "name") || !strcmp(key, "select"))
			continue;
		line = yaml_rule(key, value);
		/* Of what is not restricted nothing need be said. */
		if (line && strcmp(line + strlen(key), ": allow") != 0)
			fprintf(f, "    %s\n", line);
	}
	return finish(f, &text);
}
