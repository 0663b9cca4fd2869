/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LEASTCAP_FILES_H
#define LEASTCAP_FILES_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Reads what is there, but not more than one byte above max: *ret_len > max tells of a file that is larger. *ret is to be
 * freed, and not NUL-terminated. -errno of read(); -ENOMEM.
 */
int file_read(int fd, size_t max, char **ret, size_t *ret_len);

/*
 * Writes a text. A regular file is replaced whole or stays as it was; where path is a symbolic link, that is the file it
 * points to. Into what is there and is no regular file, a device or a pipe, it is written. -errno; -ENOENT also of a
 * symbolic link that points to nothing.
 */
int file_replace(const char *path, const char *text, mode_t mode);

/* Could it be, as far as that can be known before? Changes nothing. -errno as above. */
int file_try_replace(const char *path);

#endif
