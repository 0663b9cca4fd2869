/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/procfs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The 22nd field. The second is the name, which may hold spaces and parentheses. */
int stat_start(const char *stat, uint64_t *ret)
{
	const char *p = strrchr(stat, ')');
	char *end;

	for (int field = 2; p && field < 22; field++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	if (!p || *p < '0' || *p > '9')
		return -EBADMSG;
	errno = 0;
	*ret = strtoull(p, &end, 10);
	return errno || (*end && *end != ' ' && *end != '\n') ? -EBADMSG : 0;
}
