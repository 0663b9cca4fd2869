/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of `leastcap learn`: what it says while it watches, and how it ends. */
#ifndef LEASTCAP_CLI_LEARN_H
#define LEASTCAP_CLI_LEARN_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/suggest.h"
#include "suggest/evidence.h"

/* On standard error: a line that changes on a terminal, else plain lines. */
struct progress {
	bool terminal;
	bool shown; /* the line that changes is on the screen */
	uint64_t caps; /* used until now */
	uint64_t since; /* CLOCK_BOOTTIME ns: of the last new one */
	uint64_t told; /* of the last plain line */
};

/* caps: by the masks, from before. */
void progress_start(struct progress *p, uint64_t caps);
/* A kind of check came; told if its capability is new. */
void progress_item(struct progress *p, const struct evidence_item *item);
/* What is known without a kind of check; how: in words. */
void progress_caps(struct progress *p, uint64_t caps, const char *how);
/* "3 capabilities; nothing new for 4m12s". */
void progress_show(struct progress *p);
/* Room for a line of the log. */
void progress_clear(struct progress *p);
void progress_end(struct progress *p);

/* The suggestion of what was watched, and of all that `leastcap suggest` knows. Logs. Returns an exit status. */
int learn_conclude(const struct suggest_options *o, const char *text, struct evidence *evidence);

#endif
