/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text of the watched side, made fit to be shown: names, paths and policy files may hold any bytes, and a
 * terminal obeys some of them.
 */
#ifndef LEASTCAP_ESCAPE_H
#define LEASTCAP_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The length of the UTF-8 character that text begins with; 0: none, or len is 0. *ret_safe (may be NULL): it
 * can be shown as it is, that is, no control character and nothing that turns the direction of writing.
 */
size_t utf8_next(const char *text, size_t len, bool *ret_safe);

/*
 * Copies text with every byte of unsafe or invalid characters as \xNN; valid UTF-8 otherwise. What does not
 * fit is cut and ends in "...". Always NUL-terminated if size > 0; size must be at least 8. Returns the
 * length.
 */
size_t escape_text(char *buf, size_t size, const char *text, size_t len);

/* The same, whole; to be freed by the caller. NULL: no memory. */
char *escape_dup(const char *text, size_t len);

/*
 * A word that a POSIX shell takes as nothing but that word: in single quotes, where it has anything that could mean something
 * else. To be freed by the caller. NULL: no memory.
 */
char *shell_word(const char *text);

#endif
