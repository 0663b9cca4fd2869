/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LEASTCAP_FILES_H
#define LEASTCAP_FILES_H

#include <stddef.h>

/*
 * Reads what is there, but not more than one byte above max: *ret_len > max tells of a file that is larger. *ret is to be
 * freed, and not NUL-terminated. -errno of read(); -ENOMEM.
 */
int file_read(int fd, size_t max, char **ret, size_t *ret_len);

#endif
