// SPDX-License-Identifier: GPL-2.0-only
/* leastcap: the table of verbs, and what is common to their command lines. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/log.h"
#include "base/nearest.h"
#include "cli/cli.h"
#include "policy/policy.h"

static const struct verb *const verbs[] = {
	&verb_run,    &verb_check,  &verb_apply,   &verb_confirm,  &verb_promote, &verb_remove,
	&verb_mode,   &verb_disarm, &verb_rearm,   &verb_sampling, &verb_list,	  &verb_status,
	&verb_show,   &verb_events, &verb_explain, &verb_trace,	   &verb_learn,	  &verb_suggest,
	&verb_report, &verb_top,    &verb_doctor,  &verb_unload,
};

/* Most options that a verb may have, for the list of words to compare a wrong one with. */
#define OPTIONS_MAX 16

int cli_usage_error(const struct verb *verb, const char *fmt, ...)
{
	const char *space = verb ? " " : "", *name = verb ? verb->name : "";
	char message[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	/* log_at() keeps control characters of a mistyped word off the terminal. */
	log_at(LOG_LEVEL_ERR, 0, "%s", message);
	fprintf(stderr, "try 'leastcap%s%s --help'\n", space, name);
	return CLI_USAGE;
}

void cli_several(const char *subject)
{
	log_err(0,
		"'%s' is the name of several containers, or the beginning of their ids: more of an "
		"id, or the path of the cgroup, is needed",
		subject);
}

static void print_help(const struct verb *verb)
{
	printf("usage: leastcap %s %s\n\n%s\n", verb->name, verb->args, verb->text);
	printf("      --json     output for programs\n"
	       "      --help     this text\n"
	       "      --version  the version\n\n"
	       "Exit status: 0 done, 1 failed, 2 wrong use. More: leastcap(1)\n");
}

static void print_overview(FILE *out)
{
	fputs("usage: leastcap VERB [OPTION...] [ARGUMENT...]\n\n"
	      "Holds containers, services and cgroups to the capabilities they need.\n\n",
	      out);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		fprintf(out, "  %-8s %s\n", verbs[i]->name, verbs[i]->help);
	fputs("\n'leastcap VERB --help' explains a verb; --version tells the version.\n"
	      "Exit status: 0 done, 1 failed, 2 wrong use. More: leastcap(1)\n",
	      out);
}

static int option_error(const struct verb *verb, char **argv, const struct option *longs, int opt)
{
	const char *names[OPTIONS_MAX] = {NULL}, *word = argv[optind - 1], *near;
	const struct option *known = NULL;
	size_t n = 0, len;

	for (const struct option *o = longs; o->name; o++) {
		if (n < ARRAY_SIZE(names) - 1)
			names[n++] = o->name;
		if (optopt && o->val == optopt)
			known = o;
	}
	if (opt == ':' && known)
		return cli_usage_error(verb, "option '--%s' needs an argument", known->name);
	if (known)
		return cli_usage_error(verb, "option '--%s' takes no argument", known->name);
	if (optopt)
		return cli_usage_error(verb, "unknown option '-%c'", optopt);
	if (strncmp(word, "--", 2))
		return cli_usage_error(verb, "unknown option '%s'", word);
	len = strcspn(word + 2, "=");
	near = nearest_word(word + 2, len, names);
	if (near)
		return cli_usage_error(verb, "unknown option '--%.*s', did you mean '--%s'?",
				       (int)len, word + 2, near);
	return cli_usage_error(verb, "unknown option '--%.*s'", (int)len, word + 2);
}

int cli_option(const struct verb *verb, int argc, char **argv, const char *shorts,
	       const struct option *longs, int *ret_status)
{
	char all[32];
	int opt;

	/* The order of these prefixes is getopt's: "+" first, then ":". */
	snprintf(all, sizeof(all), "%s:%s", *shorts == '+' ? "+" : "",
		 *shorts == '+' ? shorts + 1 : shorts);
	opterr = 0;
	opt = getopt_long(argc, argv, all, longs, NULL);
	switch (opt) {
	case CLI_OPT_HELP:
		print_help(verb);
		*ret_status = CLI_DONE;
		return CLI_OPT_EXIT;
	case CLI_OPT_VERSION:
		puts("leastcap " LEASTCAP_VERSION);
		*ret_status = CLI_DONE;
		return CLI_OPT_EXIT;
	case '?':
	case ':':
		*ret_status = option_error(verb, argv, longs, opt);
		return CLI_OPT_EXIT;
	default:
		return opt;
	}
}

int cli_arguments(const struct verb *verb, int argc, char **argv, int min, int max,
		  const char *what)
{
	int n = argc - optind;

	if (n < min)
		return cli_usage_error(verb, "%s: no %s given", verb->name, what);
	if (n > max)
		return cli_usage_error(verb, "%s: unexpected argument '%s'", verb->name,
				       argv[optind + max]);
	return CLI_DONE;
}

int cli_only_json(const struct verb *verb, int argc, char **argv, int min, int max,
		  const char *what, bool *ret_json, int *ret_status)
{
	static const struct option options[] = {CLI_OPTIONS};
	int opt;

	*ret_status = CLI_DONE;
	*ret_json = false;
	while ((opt = cli_option(verb, argc, argv, "", options, ret_status)) >= 0)
		*ret_json = *ret_json || opt == CLI_OPT_JSON;
	if (opt == CLI_OPT_EXIT)
		return opt;
	*ret_status = cli_arguments(verb, argc, argv, min, max, what);
	return *ret_status ? CLI_OPT_EXIT : 0;
}

int cli_read_file(const char *path, char **ret, size_t *ret_len)
{
	_cleanup_close_ int opened = -EBADF;
	_cleanup_free_ char *text = NULL;
	int fd = STDIN_FILENO;
	size_t len = 0;
	int err;

	if (strcmp(path, "-")) {
		opened = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (opened < 0)
			return -errno;
		fd = opened;
	}
	err = file_read(fd, POLICY_FILE_MAX, &text, &len);
	if (err)
		return err;
	if (len > POLICY_FILE_MAX)
		return -EFBIG;
	*ret = TAKE_PTR(text);
	*ret_len = len;
	return 0;
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(verbs[i]->name, name))
			return verbs[i];
	return NULL;
}

static int unknown_verb(const char *word)
{
	const char *names[ARRAY_SIZE(verbs) + 1] = {NULL}, *near;

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		names[i] = verbs[i]->name;
	near = nearest_word(word, strlen(word), names);
	if (near)
		return cli_usage_error(NULL, "unknown verb '%s', did you mean '%s'?", word, near);
	return cli_usage_error(NULL, "unknown verb '%s'", word);
}

/* Options before the verb: only the two that end the program. */
static int option_before_verb(char **argv)
{
	const char *const words[] = {"help", "version", NULL}, *near;
	const char *word = argv[1];

	if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
		print_overview(stdout);
		return CLI_DONE;
	}
	if (!strcmp(word, "--version")) {
		puts("leastcap " LEASTCAP_VERSION);
		return CLI_DONE;
	}
	near = strncmp(word, "--", 2) ? NULL : nearest_word(word + 2, strlen(word + 2), words);
	if (near)
		return cli_usage_error(NULL, "unknown option '%s', did you mean '--%s'?", word,
				       near);
	return cli_usage_error(NULL, "unknown option '%s' before the verb", word);
}

static int run_verb(int argc, char **argv)
{
	const struct verb *verb;

	if (argc < 2)
		return cli_usage_error(NULL, "no verb given");
	if (argv[1][0] == '-')
		return option_before_verb(argv);
	if (!strcmp(argv[1], "help")) {
		verb = argc > 2 ? find_verb(argv[2]) : NULL;
		if (verb)
			print_help(verb);
		else if (argc > 2)
			return unknown_verb(argv[2]);
		else
			print_overview(stdout);
		return CLI_DONE;
	}
	verb = find_verb(argv[1]);
	return verb ? verb->fn(verb, argc - 1, argv + 1) : unknown_verb(argv[1]);
}

int main(int argc, char **argv)
{
	int status;

	if (argc == 2 && !strcmp(argv[1], CLI_DOCTOR_PROBE))
		return doctor_probe();

	log_set_prefix("leastcap: ", 0);
	status = run_verb(argc, argv);
	/* A full disk must not look like success. */
	if ((fflush(stdout) || ferror(stdout)) && status == CLI_DONE) {
		log_err(-errno, "cannot write to standard output");
		status = CLI_FAILED;
	}
	return status;
}
