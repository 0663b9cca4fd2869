/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The verbs of leastcap and what they share: options, wrong use, exit status.
 * One file per verb; the table is in main.c.
 */
#ifndef LEASTCAP_CLI_H
#define LEASTCAP_CLI_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

/* Exit status. `run` also returns the status of the command. */
enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

struct verb {
	const char *name;
	const char *args; /* what follows the name in the usage line */
	/* argv[0] is the name. Returns the exit status. */
	int (*fn)(const struct verb *verb, int argc, char **argv);
	const char *help; /* one line, for the list of verbs */
	const char *text; /* the rest of --help; lines of 80 columns at most */
};

extern const struct verb verb_run, verb_check, verb_apply, verb_remove, verb_list, verb_status,
	verb_show, verb_confirm, verb_promote, verb_mode, verb_disarm, verb_rearm, verb_sampling,
	verb_events, verb_explain, verb_trace, verb_learn, verb_suggest, verb_report, verb_top,
	verb_doctor, verb_unload;

/* Options that every verb has; the last line of its table. */
#define CLI_OPT_JSON 'j'
#define CLI_OPT_HELP 0x100
#define CLI_OPT_VERSION 0x101
/* clang-format off */
#define CLI_OPTIONS						\
	{"json", no_argument, NULL, CLI_OPT_JSON},		\
	{"help", no_argument, NULL, CLI_OPT_HELP},		\
	{"version", no_argument, NULL, CLI_OPT_VERSION},	\
	{NULL, 0, NULL, 0}
/* clang-format on */

/* What cli_option() returns besides an option's val and -1 for the end. */
#define CLI_OPT_EXIT (-2) /* all is said: return *ret_status */

/*
 * The next option of a verb, as getopt_long(). --help and --version are done here; wrong use is reported
 * with the nearest right option. shorts begins with "+" or not; ':' and error output are seen to.
 */
int cli_option(const struct verb *verb, int argc, char **argv, const char *shorts,
	       const struct option *longs, int *ret_status);

/* The options of a verb that has --json and no others, and its arguments. Returns CLI_OPT_EXIT, and *ret_status, when all is
 * said, else 0. */
int cli_only_json(const struct verb *verb, int argc, char **argv, int min, int max,
		  const char *what, bool *ret_json, int *ret_status);

/* One line on stderr and where to find help. verb may be NULL. Returns CLI_USAGE. */
int cli_usage_error(const struct verb *verb, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Wrong use if there are fewer than min or more than max arguments; else CLI_DONE. what: "FILE". */
int cli_arguments(const struct verb *verb, int argc, char **argv, int min, int max,
		  const char *what);

/* Logs that a SUBJECT is not one. */
void cli_several(const char *subject);

/*
 * Reads a file ("-": standard input) that may be POLICY_FILE_MAX long; *ret is to be freed.
 * -EFBIG: it is longer.
 */
int cli_read_file(const char *path, char **ret, size_t *ret_len);

/* What is wrong with policies, as the API has it: an array of {"file","line",...}. file: the one that they were asked of. */
struct policy_errors;
json_t *cli_policy_errors(const struct policy_errors *errs, const char *file);

/* doctor runs leastcap with this word as its only argument: a confined probe, see doctor.c. */
#define CLI_DOCTOR_PROBE "doctor-probe"
int doctor_probe(void);

#endif
