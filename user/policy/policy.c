/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "policy/internal.h"

static void policy_done(struct policy *policy)
{
	for (size_t i = 0; i < policy->n_selectors; i++)
		selector_done(&policy->selectors[i]);
	free(policy->selectors);
	free(policy->name);
	policy_lists_done(&policy->lists);
}

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

int policy_parse(const char *file, const char *text, size_t len, struct policy_set **ret,
		 struct policy_errors *errs)
{
	_cleanup_(policy_set_freep) struct policy_set *set = calloc(1, sizeof(*set));
	struct parse p = {.errs = errs};
	int err = 0;

	*errs = (struct policy_errors){};
	if (!set)
		return -ENOMEM;
	set->file = strdup(file);
	if (!set->file || source_init(&p.source, text, len > POLICY_FILE_MAX ? 0 : len) < 0)
		return -ENOMEM;
	if (len > POLICY_FILE_MAX)
		complain(&p, (struct policy_pos){}, NULL, "larger than %d MiB",
			 POLICY_FILE_MAX / (1024 * 1024));
	else
		parse_text(&p, set);
	errors_finish(&p);
	if (p.no_memory) {
		policy_errors_done(errs);
		err = -ENOMEM;
	} else if (errs->n_errors > 0) {
		err = -EINVAL;
	}
	parse_done(&p);
	if (!err)
		*ret = TAKE_PTR(set);
	return err;
}

static int read_file(const char *path, char **ret, size_t *ret_len)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : file_read(fd, POLICY_FILE_MAX, ret, ret_len);
}

int policy_parse_file(const char *path, struct policy_set **ret, struct policy_errors *errs)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	int err = read_file(path, &text, &len);
	struct parse p = {.errs = errs};
	char why[128];

	if (!err)
		return policy_parse(path, text, len, ret, errs);
	*errs = (struct policy_errors){};
	complain(&p, (struct policy_pos){}, NULL, "cannot be read: %s",
		 strerror_r(-err, why, sizeof(why)));
	return err;
}
