/* SPDX-License-Identifier: GPL-2.0-only */
/* What `leastcap suggest` and `leastcap learn` share: options, where masks are read, where a suggestion goes. */
#ifndef LEASTCAP_CLI_SUGGEST_H
#define LEASTCAP_CLI_SUGGEST_H

#include <stdbool.h>

#include "cli/cli.h"
#include "suggest/suggest.h"

struct suggest_options {
	const struct verb *verb;
	char *since; /* as events have it; NULL: all counts */
	const char *name; /* of the policy; NULL: made of the subject's */
	const char *file; /* where it goes; NULL: standard output */
	enum suggest_format format;
	bool with_denied, quiet, json;
	bool once; /* it cannot be had again: what cannot be written to the file is printed */
};

/* clang-format off */
#define SUGGEST_OPTIONS							\
	{"format", required_argument, NULL, 'F'},			\
	{"include-denied", no_argument, NULL, 'D'},			\
	{"name", required_argument, NULL, 'N'},				\
	{"output", required_argument, NULL, 'o'},			\
	{"quiet", no_argument, NULL, 'q'},				\
	{"since", required_argument, NULL, 'S'},			\
	CLI_OPTIONS
/* clang-format on */
#define SUGGEST_SHORTS "o:q"

/* Their help. */
#define SUGGEST_HELP                                                                         \
	"      --format FORM    policy (default), docker, compose, kubernetes, systemd,\n"   \
	"                       quadlet, label\n"                                            \
	"      --include-denied add what was refused\n"                                      \
	"      --name NAME      what the policy is called\n"                                 \
	"  -o, --output FILE    write it there, whole or not at all; - is standard output\n" \
	"  -q, --quiet          no comments\n"                                               \
	"      --since TIME     what ended or was told before counts no more\n"

/* One of SUGGEST_OPTIONS, in optarg its argument. Reports wrong use; returns an exit status. */
int suggest_option(struct suggest_options *o, int opt);

/*
 * What the text means, if it is no policy's name, which suggest_gather() finds out. With an error, too, *ret is to be done with.
 * Logs. -errno.
 */
int suggest_find(const char *text, struct suggest_subject *ret);

/*
 * Masks of the kernel, policies, and the masks of what has ended join: from the daemon, or without it from the pinned
 * maps and the log. Logs. -errno.
 */
int suggest_gather(struct suggestion *s, struct suggest_subject *subject);

/* Why nothing is known of it, and what to do. Logs. */
void suggest_unknown(const struct suggest_subject *subject);

/* The policy that binds a cgroup above this one, if any does. Logs. */
void suggest_tell_above(const char *shown);

/* Names it, checks it, writes it. Logs. Returns an exit status. */
int suggest_finish(const struct suggest_options *o, struct suggestion *s,
		   const struct suggest_subject *subject);

#endif
