/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The smallest whitelist for what was seen: masks of bindings and evidence of a trace -> a suggestion -> text in the
 * forms that others read. Pure, but for suggest_select(), which reads who a container is.
 */
#ifndef LEASTCAP_SUGGEST_H
#define LEASTCAP_SUGGEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include <leastcap/restrictions.h>

#include "base/cleanup.h"
#include "audit/event.h"
#include "suggest/evidence.h"

/* What a text means that is no policy's name, in the order in which it is looked for. */
enum subject_kind {
	SUBJECT_NOTHING, /* nothing that is there, or is known to have ended */
	SUBJECT_CGROUP, /* a path */
	SUBJECT_UNIT, /* a full name */
	SUBJECT_ID, /* a container's, or its beginning */
	SUBJECT_NAME, /* a container's */
	SUBJECT_SERVICE, /* a name without ".service" */
};

/* What is asked for. */
struct suggest_subject {
	const char *text; /* as the user wrote it; borrowed */
	char *path; /* the cgroup that it means; NULL: none that is there */
	char *shown; /* that path, or one that was asked for, as a status and events have it: escaped; NULL: none */
	enum subject_kind kind; /* what else is called so is not meant */
	bool policy; /* the text is the name of a policy: what else is called so is not meant either */
	bool several; /* containers have that name: none of them is meant */
};

/* With the cgroup that the text means, taken over; NULL: none that is there. -ENOMEM. */
int suggest_subject_init(struct suggest_subject *subject, const char *text, char *path);
void suggest_subject_done(struct suggest_subject *subject);

/* A policy of that name goes before all that is called so: one that binds anything, or one of the daemon's (an array as GET
 * /v1/policies has it, may be NULL). Before what follows. */
void suggest_subject_settle(struct suggest_subject *subject, const json_t *status,
			    const json_t *policies);

/* A line of the audit trail: a policy that is no more is known by what has ended under it, and so is what a text means of
 * which nothing is there. After suggest_subject_settle(), with all lines before what follows. */
void suggest_subject_ended(struct suggest_subject *subject, const char *line, size_t len);

struct suggestion {
	char *subject; /* printable */
	char *name; /* good for a policy */
	json_t *selectors; /* an array, as policies have it */
	uint64_t used; /* was asked for and given: without it something would break */
	uint64_t denied; /* was refused by leastcap */
	uint64_t missing; /* was asked for, and the process did not have it */
	uint64_t granted; /* what its processes hold now */
	uint32_t rules_used, rules_would, rules_denied; /* enum leastcap_rule is the bit */
	uint32_t
		watched; /* rules that every binding enforces or audits: nothing of them was overlooked */
	bool any_watched; /* some binding has said it */
	uint32_t bound_watched; /* the same by what is bound now */
	/* The end of the last that has not watched as much; "": there is none. */
	char unwatched_until[EVENT_TIME];
	/* What was told before is left out: the beginning of a time as events have it; NULL: nothing; borrowed. */
	const char *since;
	json_t *written; /* the one policy of all bindings in its own language; NULL: several, or not known */
	json_t *optional; /* what may be left out, of the policy that is replaced; NULL: nothing */
	json_t *services; /* Compose's names of the containers -> true */
	json_t *details; /* {"host-unix": ["/run/x.sock"]}: what events name of a rule */
	json_t *bindings; /* [{"cgroup","policy","mode"}] */
	json_t *cgroups; /* their paths -> true */
	/*
	 * Boot and id of bound cgroups that are gone or bound no more, and whose end was recorded -> true; where that does not say
	 * what was watched (an older leastcap has told it) the policy's name, and false once that has been asked instead.
	 */
	json_t *ended;
	json_t *policies; /* names of the policies concerned -> true */
	/* Ids of cgroups that are called as the subject, and are of another kind or under other policies -> true. */
	json_t *namesakes;
	uint32_t around; /* bit n: LEASTCAP_ITEM_URING_CREDS + n was used; no whitelist has it */
	uint64_t unrecorded; /* checks that no mask has */
	bool with_denied; /* what was refused is suggested, too */
	struct evidence *evidence; /* NULL: none was gathered */
	json_t *trail; /* evidence of the audit trail: what distinguishes it -> as in JSON */
	json_t *trail_seen; /* set: events that are in it */
	uint64_t trail_more; /* events for which there was no room */
	bool incomplete; /* masks, policies or the audit trail could not be read */
	bool traced_only; /* nothing is bound: the evidence is all there is */
};

void suggestion_done(struct suggestion *s);

/* ---- gathering ---- */

int suggestion_init(struct suggestion *s, const char *subject);

/*
 * The bindings of a status (as GET /v1/status has it) that the subject names join: those of the policy, the unit, the
 * container, the cgroup, and those below it. May be called again, later. -ENOMEM.
 */
int suggest_bindings(struct suggestion *s, const struct suggest_subject *subject,
		     const json_t *status);

/*
 * What the policies (as GET /v1/policies has them) say themselves, also of what has ended and does not say it; after all
 * that joins. -ENOMEM.
 */
int suggest_policies(struct suggestion *s, const json_t *policies);

/*
 * A line of the audit trail: of bound cgroups that are gone the masks join, and of refusals what was tried. Anything else,
 * also what is no JSON, is passed over. After suggest_bindings(), which says which policies are concerned.
 */
int suggest_event(struct suggestion *s, const struct suggest_subject *subject, const char *line,
		  size_t len);

/* Of how many that have ended it is not known what was watched there, and of how many it is what the policy says now. */
size_t suggest_unsaid(const struct suggestion *s, size_t *ret_by_policy);

/* "2026-01-02", "2026-01-02 03:04[:05]", in UTC: as events have it, to be freed. NULL: it is no such time, or no memory. */
char *suggest_time(const char *text);

/* Not all of it could be read: nothing is said of what was never used. */
void suggest_incomplete(struct suggestion *s);

/* The evidence joins: all of it where nothing is bound. */
void suggest_evidence(struct suggestion *s, struct evidence *evidence, bool only);

/* Was anything found that says what is used? */
bool suggest_knows(const struct suggestion *s);

/* A policy's name made of a subject's, to be freed. NULL: no memory. */
char *suggest_name(const char *subject);
bool suggest_name_good(const char *name);

/* Compose's name of a container joins, if it can be one; NULL: it has none. -ENOMEM. */
int suggest_service(struct suggestion *s, const char *service);

/* A selector of the cgroup joins: of its container, its unit, or itself. What cannot be selected is left out. -ENOMEM. */
int suggest_select(struct suggestion *s, const char *path);

/* Selectors and a name where there are none yet. name: the user's, may be NULL. -ENOMEM. */
int suggest_identify(struct suggestion *s, const struct suggest_subject *subject, const char *name);

/* ---- what it comes to ---- */

uint64_t suggest_allowed(const struct suggestion *s);

enum suggest_rule {
	SUGGEST_UNKNOWN, /* nobody has watched it */
	SUGGEST_DENY, /* never used */
	SUGGEST_ALLOW, /* used */
	SUGGEST_KEEP, /* used, and nothing that the policy's own rule refuses: it can stay as it is written */
};

enum suggest_rule suggest_rule(const struct suggestion *s, uint32_t rule);

/* The rule as the policy has it: see SUGGEST_KEEP. NULL: not known, or a plain word. Borrowed. */
const json_t *suggest_written(const struct suggestion *s, uint32_t rule);

/* ---- forms ---- */

enum suggest_format {
	SUGGEST_POLICY,
	SUGGEST_DOCKER,
	SUGGEST_COMPOSE,
	SUGGEST_KUBERNETES,
	SUGGEST_SYSTEMD,
	SUGGEST_QUADLET,
	SUGGEST_LABEL,
	SUGGEST_FORMATS,
};

/* Their names, NULL-terminated, in the order of the numbers. */
extern const char *const suggest_formats[SUGGEST_FORMATS + 1];

/* To be freed; NULL: no memory. comments: with the reasons. */
char *suggest_text(const struct suggestion *s, enum suggest_format format, bool comments);

/* All of it, and the text as member `text`. NULL: no memory. */
json_t *suggest_json(const struct suggestion *s, enum suggest_format format, const char *text);

/* ---- between gathering and its parts ---- */

/* Is a binding of a status the subject's; or of what is below it? */
bool suggest_binds(const struct suggest_subject *subject, const json_t *binding);
bool suggest_binds_below(const struct suggest_subject *subject, const json_t *binding);

/* Is an event about the subject, or about what it has bound? */
bool suggest_about(struct suggestion *s, const struct suggest_subject *subject,
		   const json_t *event);

/* One more binding, in which nothing of these rules was overlooked. */
void suggest_watched(struct suggestion *s, uint32_t rules);

/* ---- between the forms ---- */

/* Comments: "# " and words, wrapped. Text of others is in it only printable, and never at the end of a line. */
void suggest_note(FILE *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What the numbers are from, what is granted and never used, what is to be known. */
void suggest_notes(const struct suggestion *s, FILE *f);

/* The evidence of one capability, a line for each program; indent: what stands before it. */
void suggest_reasons(const struct suggestion *s, FILE *f, unsigned int cap, const char *indent);

/* An event about the subject joins the evidence of the audit trail. -ENOMEM. */
int suggest_trail(struct suggestion *s, const json_t *event);

/* As an array; NULL: no memory. */
json_t *suggest_trail_json(const struct suggestion *s);

/* ", 2026-01-02 03:04:05 to 2026-01-02 04:05:06 UTC" of two times as events have them. */
void suggest_span(FILE *f, const char *first, const char *last);

/* A line for each of the first max programs that an event says used it; returns how many there are. */
size_t suggest_trail_reasons(const struct suggestion *s, FILE *f, unsigned int cap,
			     const char *indent, size_t max);

/* The policy language. */
void suggest_policy(const struct suggestion *s, FILE *f, bool comments);

#endif
