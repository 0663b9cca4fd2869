/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "policy/internal.h"

struct policy_set *policy_set_free(struct policy_set *set)
{
	if (!set)
		return NULL;
	for (size_t i = 0; i < set->n_policies; i++)
		policy_done(&set->policies[i]);
	free(set->policies);
	free(set->file);
	free(set);
	return NULL;
}

const char *policy_file(const struct policy_set *set, const struct policy *policy)
{
	return policy->file ?: set->file;
}

bool policy_file_name(const char *name)
{
	size_t len = strlen(name);

	return name[0] != '.' && ((len > 5 && !strcmp(name + len - 5, ".yaml")) ||
				  (len > 4 && !strcmp(name + len - 4, ".yml")));
}

static void parse_text(struct parse *p, struct policy_set *set)
{
	const struct node *root;

	source_check(p);
	if (parse_failed(p))
		return;
	root = yaml_load(p);
	if (root)
		model_build(p, root, set);
	else if (!parse_failed(p))
		complain(p, (struct policy_pos){}, "a policy file begins with `policies:`",
			 "no policies");
}

void parse_bytes(struct parse *p, const char *text, size_t len, struct policy_set *set)
{
	if (source_init(&p->source, text, len > POLICY_FILE_MAX ? 0 : len) < 0) {
		p->no_memory = true;
		return;
	}
	if (len > POLICY_FILE_MAX)
		complain(p, (struct policy_pos){}, NULL, "larger than %d MiB",
			 POLICY_FILE_MAX / (1024 * 1024));
	else
		parse_text(p, set);
	errors_finish(p);
}

/* What policy_parse() and its like have in common. */
int parse_whole(struct parse *p, const char *text, size_t len, struct policy_set **ret)
{
	_cleanup_(policy_set_freep) struct policy_set *set = calloc(1, sizeof(*set));
	struct bases bases = {};
	int err = 0;

	p->bases = &bases;
	if (set)
		set->file = strdup(p->file);
	if (set && set->file)
		parse_bytes(p, text, len, set);
	else
		p->no_memory = true;
	if (p->no_memory) {
		policy_errors_done(p->errs);
		err = -ENOMEM;
	} else if (p->errs->n_errors > 0) {
		err = -EINVAL;
	}
	bases_done(&bases);
	parse_done(p);
	if (!err)
		*ret = TAKE_PTR(set);
	return err;
}

int policy_parse(const char *file, const char *text, size_t len, struct policy_set **ret,
		 struct policy_errors *errs)
{
	struct parse p = {.file = file, .errs = errs};

	*errs = (struct policy_errors){};
	return parse_whole(&p, text, len, ret);
}

/* Its text, and what of it counts for those that it includes. -EINVAL: it is no file, and is to be one. */
static int read_file(struct parse *p, char **ret, size_t *ret_len)
{
	const struct policy_reads *reads = p->family->reads;
	_cleanup_close_ int fd = -EBADF;
	struct stat st;

	/* Asked before it is opened: a FIFO waits there for its other end. */
	if (reads && reads->only_files && !stat(p->file, &st) && !S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	fd = open(p->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st))
		return -errno;
	p->id = (struct file_id){st.st_dev, st.st_ino};
	p->trusted = st.st_uid == 0 || st.st_uid == geteuid();
	return file_read(fd, POLICY_FILE_MAX, ret, ret_len);
}

int policy_parse_file(const char *path, struct policy_reads *reads, struct policy_set **ret,
		      struct policy_errors *errs)
{
	struct family family = {.reads = reads};
	struct parse p = {.file = path, .errs = errs, .family = &family};
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int err = read_file(&p, &text, &len);
	char why[128];

	*errs = (struct policy_errors){};
	if (!reads_content(reads, path, err ? (void *)&err : text, err ? sizeof(err) : len))
		return -ENOMEM;
	if (err) {
		complain(&p, (struct policy_pos){}, NULL, "cannot be read: %s",
			 err == -EINVAL ? "it is no regular file"
					: strerror_r(-err, why, sizeof(why)));
		return err;
	}
	if (!family_add(&p, p.id) || !reads_text(reads, path, text, len)) {
		free(family.files);
		return -ENOMEM;
	}
	err = parse_whole(&p, text, len, ret);
	free(family.files);
	return err;
}
