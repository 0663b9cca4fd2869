/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line of leastcapd. */
#ifndef LEASTCAP_OPTIONS_H
#define LEASTCAP_OPTIONS_H

#include <stdbool.h>

#include "audit/sink.h"
#include "kernel/kernel.h"

struct options {
	const char *config_dir;
	const char *state_dir;
	const char *socket;
	struct sink_options sink;
	const char *metrics; /* a loopback address and a port; NULL: none */
	struct kernel_options kernel;
	uint64_t quiet_ns; /* after so long without a refusal its kind is quiet */
	bool watch; /* the files of policies */
	bool hold_start; /* hold entrypoints until their container is known */
	uint64_t hold_limit_ns;
	uint64_t prove_ns; /* between two proofs of enforcement; 0: none */
	bool prove_exit; /* when one fails */
	bool let_go; /* what is held, and nothing else */
	bool debug;
};

/* Return values of options_parse() besides an exit status. */
#define OPTIONS_GO_ON (-1)

/* Fills *ret, which points into argv. Wrong use is told on stderr. Returns OPTIONS_GO_ON or an exit status. */
int options_parse(int argc, char **argv, struct options *ret);

#endif
