/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LEASTCAP_DRY_RUN_H
#define LEASTCAP_DRY_RUN_H

#include <jansson.h>

/* Prints the answer to a dry run. Returns an exit status: CLI_FAILED if the file would not be applied. */
int dry_run_print(const json_t *answer, const char *file);

#endif
