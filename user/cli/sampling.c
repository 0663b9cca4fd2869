// SPDX-License-Identifier: GPL-2.0-only
/* leastcap sampling: how often a refusal of the same kind is told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "cli/cli.h"
#include "cli/client.h"
#include "cli/output.h"

#define MAX_MS 3600000ULL

/* "250ms", "5s", "10m"; "0": each. */
static int parse_interval(const char *text, uint64_t *ret)
{
	_cleanup_free_ char *error = NULL;
	uint64_t seconds = 0;
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !errno && (!strcmp(end, "ms") || !strcmp(text, "0"))) {
		if (*ret <= MAX_MS)
			return CLI_DONE;
	} else if (duration_parse(text, &seconds, &error)) {
		return cli_usage_error(&verb_sampling, "--interval: %s; 250ms or 0 are fine, too",
				       error ?: "out of memory");
	}
	*ret = seconds * 1000;
	if (seconds && *ret <= MAX_MS)
		return CLI_DONE;
	return cli_usage_error(&verb_sampling, "--interval: '%s' is longer than 1h", text);
}

static void print_interval(const json_t *answer)
{
	json_int_t ms = out_number(answer, "interval_ms");

	if (ms)
		printf("one event of a kind every %lld ms\n", (long long)ms);
	else
		puts("an event for each refusal");
}

static void print_changed(const json_t *answer)
{
	print_interval(answer);
	printf("before: %lld ms\n", (long long)out_number(answer, "old_interval_ms"));
}

static int sampling(const struct verb *verb, int argc, char **argv)
{
	static const struct option options[] = {{"interval", required_argument, NULL, 'i'},
						CLI_OPTIONS};
	const char *interval = NULL;
	int opt, status = CLI_DONE;
	uint64_t ms = 0;
	char path[64];
	bool json = false;

	while ((opt = cli_option(verb, argc, argv, "i:", options, &status)) >= 0) {
		json = json || opt == CLI_OPT_JSON;
		interval = opt == 'i' ? optarg : interval;
	}
	if (opt == CLI_OPT_EXIT)
		return status;
	status = cli_arguments(verb, argc, argv, 0, 0, "");
	if (!status && interval)
		status = parse_interval(interval, &ms);
	if (status)
		return status;
	if (!interval)
		return api_ask("GET", "/v1/sampling", json, print_interval);
	snprintf(path, sizeof(path), "/v1/sampling?interval_ms=%llu", (unsigned long long)ms);
	return api_ask("POST", path, json, print_changed);
}

const struct verb verb_sampling = {
	.name = "sampling",
	.args = "[--interval TIME]",
	.fn = sampling,
	.help = "tell, or change, how often a refusal of the same kind is told",
	.text = "Of the refusals between two events of the same kind the next one says how many\n"
		"there were. Holds over restarts of the daemon, unless it is started with\n"
		"--sample-interval. Changing it needs root.\n\n"
		"  -i, --interval TIME  250ms, 5s, 10m; at most 1h; 0: an event for each\n",
};
