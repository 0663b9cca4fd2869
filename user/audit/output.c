/* SPDX-License-Identifier: GPL-2.0-only */
#include "audit/output.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "audit/event.h"
#include "base/cleanup.h"
#include "base/duration.h"
#include "base/log.h"

struct output_item {
	struct output_item *next;
	char *text;
	size_t len;
};

int output_init(struct output *o, const struct output_kind *kind, const char *target)
{
	*o = (struct output){.kind = kind, .fd = -EBADF, .target = strdup(target)};
	return o->target ? 0 : -ENOMEM;
}

static void close_it(struct output *o)
{
	if (o->fd >= 0)
		close(o->fd);
	o->fd = -EBADF;
}

int output_connect(struct output *o)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (strlen(o->target) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, o->target);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	o->fd = TAKE_FD(fd);
	return 0;
}

/* ---- the queue ---- */

static void pop(struct output *o)
{
	struct output_item *item = o->first;

	o->first = item->next;
	if (!o->first)
		o->last = NULL;
	o->n_items--;
	o->n_bytes -= item->len;
	o->done = 0;
	free(item->text);
	free(item);
}

/* Takes text over. */
static int push(struct output *o, char *text, size_t len)
{
	struct output_item *item = malloc(sizeof(*item));

	if (!item) {
		free(text);
		return -ENOMEM;
	}
	*item = (struct output_item){.text = text, .len = len};
	if (o->last)
		o->last->next = item;
	else
		o->first = item;
	o->last = item;
	o->n_items++;
	o->n_bytes += len;
	return 0;
}

/* ---- failing, and working again ---- */

static const char *reason(const struct output *o, int err)
{
	const char *text = o->kind->reason ? o->kind->reason(err) : NULL;

	if (text)
		return text;
	return err == -EAGAIN ? "it does not keep up" : strerror(-err);
}

static void fail(struct output *o, int err)
{
	if (!o->err)
		log_warn(0, "events do not get to %s %s: %s, ignoring", o->kind->name, o->target,
			 reason(o, err));
	o->err = err;
}

static uint64_t newly_lost(const struct output *o)
{
	uint64_t n = 0;

	for (size_t i = 0; i < OUTPUT_LOSSES; i++)
		n += o->lost[i] - o->told[i];
	return n;
}

static void recover(struct output *o)
{
	if (!o->err)
		return;
	log_info("events get to %s %s again; it misses %llu", o->kind->name, o->target,
		 (unsigned long long)newly_lost(o));
	o->was = o->err;
	o->err = 0;
}

/* ---- writing ---- */

static int write_first(struct output *o)
{
	const struct output_item *item = o->first;
	ssize_t n;
	int err;

	if (o->fd < 0) {
		err = o->kind->open(o);
		if (err)
			return err;
	}
	n = o->kind->write(o, item->text + o->done, item->len - o->done);
	if (n == -EMSGSIZE) {
		o->lost[OUTPUT_LOSS_REFUSED]++;
		pop(o);
		return 0;
	}
	if (n < 0)
		return (int)n;
	o->done += (size_t)n;
	if (o->done == item->len) {
		o->written++;
		pop(o);
	}
	return 0;
}

bool output_flush(struct output *o)
{
	uint64_t before = o->written;
	int err = 0;

	if (o->err && o->err != -EAGAIN && boot_now() < o->retry)
		return false;
	if (o->err && o->fd < 0)
		err = o->kind->open(o);
	while (o->first && !err)
		err = write_first(o);
	if (!err) {
		recover(o);
	} else if (err != -EAGAIN) {
		fail(o, err);
		close_it(o);
		o->retry = boot_now() + OUTPUT_RETRY_NS;
	}
	return o->first && o->written != before;
}

void output_emit(struct output *o, const json_t *event, const char *line, size_t len)
{
	size_t n = 0;
	char *text;

	if (o->first)
		(void)output_flush(o);
	text = o->kind->text(event, line, len, &n);
	if (text && (o->n_items >= OUTPUT_QUEUE_EVENTS || n > OUTPUT_QUEUE_BYTES - o->n_bytes)) {
		free(text);
		o->lost[OUTPUT_LOSS_FULL]++;
		if (!o->err)
			fail(o, -EAGAIN);
		return;
	}
	if (!text || push(o, text, n)) {
		o->lost[OUTPUT_LOSS_MEMORY]++;
		return;
	}
	(void)output_flush(o);
}

void output_reopen(struct output *o)
{
	int err;

	close_it(o);
	err = o->kind->open(o);
	if (err) {
		fail(o, err);
		o->retry = boot_now() + OUTPUT_RETRY_NS;
		return;
	}
	o->retry = 0;
	(void)output_flush(o);
}

void output_done(struct output *o)
{
	if (o->first)
		(void)output_flush(o);
	if (o->n_items)
		log_warn(0, "%zu events have not got to %s %s", o->n_items, o->kind->name,
			 o->target);
	while (o->first)
		pop(o);
	close_it(o);
	free(o->target);
	*o = (struct output){.fd = -EBADF};
}

/* ---- telling ---- */

static json_t *losses_json(const uint64_t lost[OUTPUT_LOSSES], const uint64_t told[OUTPUT_LOSSES])
{
	static const char *const names[OUTPUT_LOSSES] = {
		[OUTPUT_LOSS_FULL] = "full",
		[OUTPUT_LOSS_REFUSED] = "refused",
		[OUTPUT_LOSS_MEMORY] = "memory",
	};
	json_t *all = json_object();

	for (size_t i = 0; all && i < OUTPUT_LOSSES; i++)
		json_object_set_new(all, names[i],
				    json_integer((json_int_t)(lost[i] - (told ? told[i] : 0))));
	return all;
}

json_t *output_to_json(const struct output *o)
{
	return json_pack("{s:s, s:o, s:I, s:I, s:s?, s:o}", "sink", o->kind->name, "target",
			 event_string(o->target), "written", (json_int_t)o->written, "queued",
			 (json_int_t)o->n_items, "failing", o->err ? reason(o, o->err) : NULL,
			 "losses", losses_json(o->lost, NULL));
}

json_t *output_recovered(struct output *o)
{
	json_t *told;

	if (!o->was)
		return NULL;
	told = json_pack("{s:s, s:o, s:s, s:o}", "sink", o->kind->name, "target",
			 event_string(o->target), "reason", reason(o, o->was), "losses",
			 losses_json(o->lost, o->told));
	if (!told)
		return NULL;
	memcpy(o->told, o->lost, sizeof(o->told));
	o->was = 0;
	return told;
}
