// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/cleanup.h"
#include "base/duration.h"
#include "base/log.h"
#include "cli/learn.h"

#define NSEC_PER_SEC 1000000000ULL
/* Between two lines where there is no terminal and nothing is new. */
#define TELL_NS (60 * NSEC_PER_SEC)

void progress_clear(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}

void progress_start(struct progress *p, uint64_t caps)
{
	_cleanup_free_ char *words = caps ? caps_to_text(caps) : NULL;

	*p = (struct progress){
		.terminal = isatty(STDERR_FILENO),
		.caps = caps,
		.since = boot_now(),
		.told = boot_now(),
	};
	if (words)
		log_info("used before: %s", words);
}

static void found(struct progress *p, uint64_t caps)
{
	progress_clear(p);
	p->caps |= caps;
	p->since = p->told = boot_now();
}

void progress_item(struct progress *p, const struct evidence_item *item)
{
	uint64_t bit = item->cap < 64 ? 1ULL << item->cap : 0;
	char name[32];

	if (item->verdict != LEASTCAP_TRACE_ALLOWED || (p->caps & bit))
		return;
	found(p, bit);
	/* log_info() makes the name of a program printable. */
	log_info("%s: '%.*s'%s%s%s%s%s", caps_name(item->cap, name), LEASTCAP_COMM_LEN, item->comm,
		 *item->syscall ? ", " : "", item->syscall, *item->syscall ? "()" : "",
		 *item->function ? ", for " : "", item->function);
}

void progress_caps(struct progress *p, uint64_t caps, const char *how)
{
	uint64_t fresh = caps & ~p->caps;
	_cleanup_free_ char *words = fresh ? caps_to_text(fresh) : NULL;

	if (!words)
		return;
	found(p, fresh);
	log_info("%s: %s", words, how);
}

void progress_show(struct progress *p)
{
	uint64_t now = boot_now();
	int n = __builtin_popcountll(p->caps);
	char quiet[DURATION_TEXT];

	duration_text((now - p->since) / NSEC_PER_SEC, quiet);
	if (p->terminal) {
		fprintf(stderr, "\r%d capabilit%s; nothing new for %s\033[K", n,
			n == 1 ? "y" : "ies", quiet);
		fflush(stderr);
		p->shown = true;
	} else if (now - p->told >= TELL_NS) {
		log_info("%d capabilit%s; nothing new for %s", n, n == 1 ? "y" : "ies", quiet);
		p->told = now;
	}
}

void progress_end(struct progress *p)
{
	progress_clear(p);
}
