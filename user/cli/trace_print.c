// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "audit/event.h"
#include "base/caps.h"
#include "base/duration.h"
#include "base/log.h"
#include "cli/output.h"
#include "cli/trace.h"
#include "trace/record.h"

#define NSEC_PER_SEC 1000000000LL

/* Columns: time 8, subject, process 12 or all of its 15, pid 7, capability 16, verdict 7, and what is left of 80 for the system
 * call. */
#define SUBJECT_MIN 12
#define SUBJECT_MAX 40
#define PROCESS_MIN 12
#define PROCESS_MAX (LEASTCAP_COMM_LEN - 1)

int trace_printer_init(struct trace_printer *p, bool stack)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	p->clock_ns = now.tv_sec * NSEC_PER_SEC + now.tv_nsec - (int64_t)boot_now();
	p->columns = out_columns();
	p->names = trace_names_new();
	if (!p->names)
		return -ENOMEM;
	return stack ? symbols_of_kernel(&p->symbols) : 0;
}

void trace_printer_done(struct trace_printer *p)
{
	trace_names_free(p->names);
	symbols_free(p->symbols);
}

/* ---- a line ---- */

static int subject_width(const struct trace_printer *p)
{
	unsigned int width = SUBJECT_MIN + (p->columns > 80 ? p->columns - 80 : 0);

	/* No terminal: what is written to a file or a pipe is looked for there. */
	return p->columns && width < SUBJECT_MAX ? (int)width : SUBJECT_MAX;
}

static int process_width(const struct trace_printer *p)
{
	return p->columns && p->columns <= 80 ? PROCESS_MIN : PROCESS_MAX;
}

static void print_clock(int64_t ns)
{
	time_t seconds = (time_t)(ns / NSEC_PER_SEC);
	struct tm local;
	char text[16];

	if (!localtime_r(&seconds, &local) || !strftime(text, sizeof(text), "%H:%M:%S", &local))
		strcpy(text, "?");
	printf("%-8s ", text);
}

static void print_frames(const struct trace_printer *p, const struct leastcap_trace_stack *r)
{
	const char *name;
	char buf[32];

	for (size_t n = 0; (name = trace_frame(r, p->symbols, n, buf)); n++) {
		_cleanup_free_ char *shown = out_printable(name);

		printf("%9s%s\n", "", shown ?: "?");
	}
}

static void print_text(const struct trace_printer *p, const struct leastcap_trace_stack *r,
		       const struct trace_name *name)
{
	const struct leastcap_trace_check *c = &r->check;
	_cleanup_free_ char *call = event_syscall(c->syscall, c->flags);
	_cleanup_free_ char *remarks = trace_remarks(c);
	char buf[32];

	print_clock((int64_t)(c->time + (uint64_t)p->clock_ns));
	out_cell(trace_name_short(name, buf), (size_t)subject_width(p));
	out_cell(c->comm, (size_t)process_width(p));
	printf("%7u ", c->pid);
	printf("%-16s %-7s %s\n", caps_name(c->cap, buf), trace_verdict(c->verdict), call ?: "-");
	if (remarks && *remarks)
		printf("%9s(%s)\n", "", remarks);
	if (p->symbols)
		print_frames(p, r);
}

void trace_print_head(const struct trace_printer *p)
{
	if (p->json)
		puts("{\"type\":\"started\"}");
	else
		printf("%-8s %-*s %-*s %7s %-16s %-7s %s\n", "TIME", subject_width(p), "SUBJECT",
		       process_width(p), "PROCESS", "PID", "CAPABILITY", "VERDICT", "SYSCALL");
	fflush(stdout);
}

static void print_object(struct trace_printer *p, json_t *json)
{
	/* ASCII: a terminal obeys some characters above it. */
	if (!json || json_dumpf(json, stdout, JSON_COMPACT | JSON_ENSURE_ASCII))
		p->failed = true;
	putchar('\n');
	json_decref(json);
}

void trace_print(const void *record, size_t size, void *ctx)
{
	struct trace_printer *p = ctx;
	struct leastcap_trace_stack r;
	const struct trace_name *name;

	if (trace_decode(record, size, &r)) {
		p->bad++;
		return;
	}
	name = trace_names_get(p->names, r.check.cgroup);
	if (p->json)
		print_object(p, trace_to_json(&r, name, p->symbols, p->clock_ns));
	else
		print_text(p, &r, name);
	p->failed = p->failed || ferror(stdout);
	p->shown++;
}

/* ---- what was lost ---- */

void trace_print_lost(struct trace_printer *p, const struct trace *session)
{
	struct trace_counts counts;

	trace_count(session, &counts);
	if (counts.lost == p->told_lost)
		return;
	p->told_lost = counts.lost;
	if (p->json)
		print_object(p, json_pack("{s:s, s:I}", "type", "lost", "lost",
					  (json_int_t)counts.lost));
	else
		log_warn(0, "%llu lost: more than can be shown; %s",
			 (unsigned long long)counts.lost,
			 counts.unfit ? "--unique cannot tell so many kinds apart: name a SUBJECT"
				      : "--unique loses nothing");
}

int trace_printer_loaded(struct trace_printer *p, bool loaded)
{
	struct symbols *symbols = NULL;
	int err;

	if (p->json)
		print_object(p, json_pack("{s:s, s:b}", "type", "loaded", "loaded", loaded));
	else
		log_info("%s",
			 loaded ? "leastcap was loaded meanwhile: from here on it is known who is "
				  "confined, and what leastcap refuses"
				: "leastcap was unloaded meanwhile: nobody is confined");
	fflush(stdout);
	if (!p->symbols)
		return 0;
	/* The program that traces is another one, too. */
	err = symbols_of_kernel(&symbols);
	if (err)
		return err;
	symbols_free(p->symbols);
	p->symbols = symbols;
	return 0;
}

void trace_print_came(struct trace_printer *p, const struct follower *f)
{
	if (p->json) {
		print_object(p, json_pack("{s:s, s:I, s:I, s:I}", "type", "came", "cgroups",
					  (json_int_t)f->came, "late", (json_int_t)f->late,
					  "unwatched", (json_int_t)f->unwatched));
		fflush(stdout);
		return;
	}
	log_info("'%s': %llu more cgroup%s since the beginning", f->subject,
		 (unsigned long long)f->came, f->came == 1 ? "" : "s");
	follower_tell(f);
}

void trace_print_summary(struct trace_printer *p, const struct trace *session)
{
	struct trace_counts c;

	trace_count(session, &c);
	/* Records that cannot be read are not shown either. */
	c.lost += p->bad;
	if (p->json) {
		print_object(p, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "type", "summary",
					  "checks", (json_int_t)c.seen, "shown",
					  (json_int_t)p->shown, "repeated", (json_int_t)c.repeated,
					  "lost", (json_int_t)c.lost, "unfit", (json_int_t)c.unfit,
					  "missed", (json_int_t)c.missed));
		return;
	}
	fflush(stdout);
	log_info("%llu checks: %llu shown, %llu repeated, %llu lost", (unsigned long long)c.seen,
		 (unsigned long long)p->shown, (unsigned long long)c.repeated,
		 (unsigned long long)c.lost);
	if (c.unfit)
		log_info("%llu were shown though they may be repeated: there were too many kinds",
			 (unsigned long long)c.unfit);
	if (c.missed)
		log_info(
			"%llu more checks came in the middle of another one and were not looked at",
			(unsigned long long)c.missed);
}
