/* SPDX-License-Identifier: GPL-2.0-only */
#include "audit/sink.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "audit/event.h"
#include "base/duration.h"

/* kind with a target is one output more. target NULL: it is not wanted. */
static int add(struct sink *s, const struct output_kind *kind, const char *target)
{
	if (!target)
		return 0;
	return output_init(&s->outputs[s->n_outputs++], kind, target);
}

static int add_file(struct sink *s, const struct sink_options *o)
{
	struct output *out = &s->outputs[s->n_outputs];
	int err = add(s, &output_file, o->file);

	if (err || !o->file)
		return err;
	out->limit = o->file_size;
	out->keep = o->file_keep;
	output_reopen(out);
	return 0;
}

int sink_init(struct sink *s, const struct sink_options *o)
{
	char host[256] = "", boot[37] = "";
	int err;

	*s = (struct sink){};
	(void)gethostname(host, sizeof(host) - 1);
	boot_id(boot);
	s->host = event_string(*host ? host : NULL);
	s->boot = event_string(*boot ? boot : NULL);
	err = s->host && s->boot ? 0 : -ENOMEM;
	err = err ?: add_file(s, o) ?: add(s, &output_journal, o->journal) ?:
	      add(s, &output_stdout, o->standard_output ? "standard output" : NULL) ?:
	      add(s, &output_audit, o->audit ? "kernel" : NULL);
	for (size_t i = 0; i < SINK_SYSLOGS && !err; i++)
		err = add(s, &output_syslog, o->syslog[i]);
	return err;
}

void sink_done(struct sink *s)
{
	memory_done(&s->memory);
	for (size_t i = 0; i < s->n_outputs; i++)
		output_done(&s->outputs[i]);
	json_decref(s->host);
	json_decref(s->boot);
	*s = (struct sink){};
}

uint64_t sink_next(const struct sink *s)
{
	return s->memory.last + 1;
}

void sink_emit(struct sink *s, json_t *event)
{
	char *line, *longer;
	size_t len;

	if (event &&
	    (json_object_set(event, "host", s->host) || json_object_set(event, "boot", s->boot))) {
		json_decref(event);
		event = NULL;
	}
	line = event ? json_dumps(event, JSON_COMPACT) : NULL;
	len = line ? strlen(line) : 0;
	longer = line ? realloc(line, len + 2) : NULL;
	if (!longer) {
		free(line);
		s->dropped++;
		memory_add(&s->memory, NULL, 0);
		json_decref(event);
		return;
	}
	memcpy(longer + len, "\n", 2);
	for (size_t i = 0; i < s->n_outputs; i++)
		output_emit(&s->outputs[i], event, longer, len + 1);
	memory_add(&s->memory, longer, len + 1);
	json_decref(event);
}

/* Takes members over. */
static void tell_recovered(struct sink *s, json_t *members)
{
	json_t *event = event_new("sink", sink_next(s));

	if (event && (json_object_set_new(event, "action", json_string("recovered")) ||
		      json_object_update(event, members))) {
		json_decref(event);
		event = NULL;
	}
	json_decref(members);
	sink_emit(s, event);
}

bool sink_flush(struct sink *s)
{
	bool more = false;

	for (size_t i = 0; i < s->n_outputs; i++)
		more = output_flush(&s->outputs[i]) || more;
	for (size_t i = 0; i < s->n_outputs; i++) {
		json_t *members = output_recovered(&s->outputs[i]);

		if (members)
			tell_recovered(s, members);
	}
	return more;
}

bool sink_quiet(const struct sink *s)
{
	for (size_t i = 0; i < s->n_outputs; i++) {
		const struct output *o = &s->outputs[i];

		if (o->first || o->err || o->was)
			return false;
	}
	return true;
}

void sink_reopen(struct sink *s)
{
	for (size_t i = 0; i < s->n_outputs; i++) {
		if (s->outputs[i].kind == &output_file)
			output_reopen(&s->outputs[i]);
	}
}

json_t *sink_to_json(const struct sink *s)
{
	json_t *all = json_array();

	for (size_t i = 0; all && i < s->n_outputs; i++) {
		if (json_array_append_new(all, output_to_json(&s->outputs[i]))) {
			json_decref(all);
			return NULL;
		}
	}
	return all;
}
