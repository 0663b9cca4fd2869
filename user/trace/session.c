/* SPDX-License-Identifier: GPL-2.0-only */
#include "trace/session.h"

#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "audit/reader.h"
#include "base/log.h"
#include "kernel/kernel.h"
#include "subject/cgroup.h"
#include "trace/record.h"
#include "trace.skel.h"

struct trace {
	struct trace_bpf *skel;
	struct bpf_link *link, *births;
	ino_t loaded; /* which leastcap's maps it has; 0: none */
	struct trace_counts before; /* of the sessions in whose place it came */
	bool follow;
	bool doubtful; /* leastcap came or went while it was attached */
	struct reader *reader;
	void (*fn)(const void *record, size_t size, void *ctx);
	void *ctx;
};

/* Maps that are leastcap's own where it is loaded, and the names of their pins. */
static const struct {
	const char *map, *pin;
} shared[] = {
	{"tasks", "tasks"},
	{"bindings", "bindings"},
	{"policies", "policies"},
	{".data.state", "state"},
};

/* libbpf's words: it warns only of what fails, and the verifier's log is many lines. */
__attribute__((format(printf, 2, 0))) static int print_warnings(enum libbpf_print_level level,
								const char *fmt, va_list args)
{
	_cleanup_free_ char *words = NULL;

	if (level != LIBBPF_WARN || vasprintf(&words, fmt, args) < 0)
		return 0;
	for (char *save = NULL, *line = strtok_r(words, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		log_warn(0, "%s", line);
	return 0;
}

static const char *pin_path(const char *name, char buf[96])
{
	snprintf(buf, 96, KERNEL_PIN_DIR "/v%d/%s", LEASTCAP_ABI, name);
	return buf;
}

/* Which leastcap is loaded: pins are made anew with it. 0: none, or not all of it is there yet. */
static ino_t loaded_now(void)
{
	struct stat st = {};

	for (size_t i = 0; i < ARRAY_SIZE(shared); i++) {
		char pin[96];

		if (stat(pin_path(shared[i].pin, pin), &st))
			return 0;
	}
	return st.st_ino;
}

bool trace_loaded(void)
{
	return loaded_now() != 0;
}

bool trace_stale(const struct trace *t)
{
	return t->loaded != loaded_now();
}

/* -ENOENT: leastcap is not loaded. */
static int share_maps(struct trace_bpf *skel)
{
	for (size_t i = 0; i < ARRAY_SIZE(shared); i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(skel->obj, shared[i].map);
		char pin[96];
		_cleanup_close_ int fd = bpf_obj_get(pin_path(shared[i].pin, pin));
		int err;

		if (fd < 0 || !map)
			return map ? fd : -ENOENT;
		err = bpf_map__reuse_fd(map, fd);
		if (err)
			return err;
	}
	return 0;
}

static int configure(struct trace_bpf *skel, const struct trace_options *o, ino_t *ret_loaded)
{
	ino_t loaded = loaded_now();
	int err = loaded ? share_maps(skel) : -ENOENT;

	if (err && err != -ENOENT)
		return err;
	*ret_loaded = err ? 0 : loaded;
	skel->rodata->config = (struct leastcap_trace_config){
		.caps = o->caps,
		.who = o->who,
		.tgid = o->pid,
		.loaded = !err,
		.denied = o->denied,
		.audited = o->audited,
		.entering = o->entering,
		.overridden = o->overridden,
		.unique = o->unique,
		.stack = o->stack,
		.self = (uint32_t)getpid(),
	};
	return 0;
}

/* What is too long, or too much, is found late, and that is told: see `places` in trace.bpf.c. */
static void list_place(struct trace_bpf *skel, uint64_t subject)
{
	_cleanup_free_ char *path = NULL;
	struct leastcap_birth place = {};
	uint32_t value = 0;

	if (cgroup_path(subject, &path) || strlen(path) >= sizeof(place.path))
		return;
	memcpy(place.path, path, strlen(path));
	(void)bpf_map__update_elem(skel->maps.places, &place, sizeof(place), &value, sizeof(value),
				   BPF_ANY);
}

/* 1: it was there. */
static int list_subject(const struct trace *t, uint64_t subject)
{
	uint32_t value = LEASTCAP_TRACE_LISTED;
	int err;

	if (t->follow)
		list_place(t->skel, subject);
	err = bpf_map__update_elem(t->skel->maps.subjects, &subject, sizeof(subject), &value,
				   sizeof(value), BPF_NOEXIST);
	return err == -EEXIST ? 1 : err;
}

static int list_subjects(const struct trace *t, const uint64_t *subjects, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int err = list_subject(t, subjects[i]);

		if (err < 0)
			return err;
	}
	return 0;
}

static void hand_over(const void *record, size_t size, void *ctx)
{
	struct trace *t = ctx;
	struct leastcap_trace_stack copy;

	if (t->doubtful && size >= sizeof(copy.check) && size <= sizeof(copy)) {
		memcpy(&copy, record, size);
		trace_doubt(&copy.check);
		record = &copy;
	}
	t->fn(record, size, t->ctx);
}

static int load(const struct trace_options *options, struct trace **ret)
{
	_cleanup_(trace_closep) struct trace *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	libbpf_set_print(print_warnings);
	t->skel = trace_bpf__open();
	if (!t->skel)
		return -errno;
	t->follow = options->who == LEASTCAP_TRACE_SUBJECTS;
	bpf_program__set_autoload(t->skel->progs.lc_trace_birth, t->follow);
	err = configure(t->skel, options, &t->loaded);
	err = err ?: trace_bpf__load(t->skel);
	err = err ?: list_subjects(t, options->subjects, options->n_subjects);
	err = err ?: reader_new(bpf_map__fd(t->skel->maps.checks), hand_over, t, &t->reader);
	if (err)
		return err;
	*ret = TAKE_PTR(t);
	return 0;
}

static int attach(struct trace *t)
{
	if (t->follow) {
		t->births = bpf_program__attach_trace(t->skel->progs.lc_trace_birth);
		if (!t->births)
			return -errno;
	}
	t->link = bpf_program__attach_trace(t->skel->progs.lc_trace);
	return t->link ? 0 : -errno;
}

int trace_open(const struct trace_options *options, struct trace **ret)
{
	_cleanup_(trace_closep) struct trace *t = NULL;
	int err = load(options, &t) ?: attach(t);

	if (!err)
		*ret = TAKE_PTR(t);
	return err;
}

int trace_renew(struct trace *old, const struct trace_options *options, struct trace **ret)
{
	_cleanup_(trace_closep) struct trace *t = NULL;
	int err = load(options, &t);

	if (err)
		return err;
	/* No check is seen by both, and between the two lines only what comes within microseconds by none. */
	trace_stop(old);
	err = attach(t);
	if (err)
		return err;
	trace_count(old, &t->before);
	old->doubtful = true;
	*ret = TAKE_PTR(t);
	return 0;
}

int trace_drain(struct trace *t, unsigned int max,
		void (*fn)(const void *record, size_t size, void *ctx), void *ctx)
{
	t->fn = fn;
	t->ctx = ctx;
	return reader_drain(t->reader, max);
}

int trace_watch(struct trace *t, uint64_t subject)
{
	return list_subject(t, subject);
}

/* Nothing is ever removed but a kind that was lost: at worst the walk begins again, which the limit ends. */
int trace_kind_each(const struct trace *t,
		    void (*fn)(const struct leastcap_trace_key *key, uint64_t n, void *ctx),
		    void *ctx)
{
	const struct bpf_map *map = t->skel->maps.kinds;
	struct leastcap_trace_key key, *last = NULL;
	uint64_t n;

	for (unsigned int i = 0; i < LEASTCAP_TRACE_KINDS; i++) {
		int err = bpf_map__get_next_key(map, last, &key, sizeof(key));

		if (err)
			return err == -ENOENT ? 0 : err;
		if (!bpf_map__lookup_elem(map, &key, sizeof(key), &n, sizeof(n), 0))
			fn(&key, n, ctx);
		last = &key;
	}
	return 0;
}

void trace_stop(struct trace *t)
{
	bpf_link__destroy(t->births);
	bpf_link__destroy(t->link);
	t->births = t->link = NULL;
}

void trace_count(const struct trace *t, struct trace_counts *ret)
{
	const volatile struct leastcap_trace_counts *counts = t->skel->bss->counts;
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	*ret = t->before;
	for (size_t cpu = 0; cpu < LEASTCAP_TRACE_CPUS; cpu++) {
		ret->seen += counts[cpu].seen;
		ret->repeated += counts[cpu].repeated;
		ret->lost += counts[cpu].lost;
		ret->unfit += counts[cpu].unfit;
	}
	for (size_t v = 0; v < LEASTCAP_TRACE_VERDICTS; v++)
		ret->lost_caps[v] |= t->skel->bss->lost_caps[v];
	if (!bpf_obj_get_info_by_fd(bpf_program__fd(t->skel->progs.lc_trace), &info, &len))
		ret->missed += info.recursion_misses;
}

struct trace *trace_close(struct trace *t)
{
	if (t) {
		trace_stop(t);
		reader_free(t->reader);
		trace_bpf__destroy(t->skel);
		free(t);
	}
	return NULL;
}
