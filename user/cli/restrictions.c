// SPDX-License-Identifier: GPL-2.0-only
/* What `doctor` says of the restrictions: which this kernel can hold. By its BTF, which everybody may read. */
#include <stdio.h>

#include <bpf/btf.h>

#include "audit/event.h"
#include "base/words.h"
#include "cli/doctor.h"
#include "kernel/kernel.h"

json_t *doctor_restrictions(void)
{
	json_t *list = json_array();

	for (uint32_t rule = 0; list && rule < LEASTCAP_RULES; rule++) {
		_cleanup_free_ char *why = NULL;
		bool held = kernel_rules_held(LEASTCAP_RULE_BIT(rule), &why) != 0;

		if (json_array_append_new(
			    list, json_pack("{s:s, s:s, s:b, s:o}", "name", word_rule(rule),
					    "restriction", word_restriction(rule_restriction(rule)),
					    "held", held, "why", event_string(why)))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static void add_word(FILE *f, const char *word)
{
	fprintf(f, "%s%s", ftell(f) > 0 ? ", " : "", word);
}

void doctor_later_hooks(char **ret_used, char **ret_missing)
{
	/* Each guards what came with it; an older kernel has other ways for that, or nothing to guard. */
	static const char *const hooks[] = {"file_ioctl_compat", "inode_set_acl",
					    "inode_remove_acl", "inode_file_setattr"};
	struct btf *btf = btf__load_vmlinux_btf();
	FILE *used, *missing;
	size_t size[2];

	*ret_used = *ret_missing = NULL;
	used = open_memstream(ret_used, &size[0]);
	missing = open_memstream(ret_missing, &size[1]);
	for (size_t i = 0; btf && used && missing && i < ARRAY_SIZE(hooks); i++) {
		char name[64];

		snprintf(name, sizeof(name), "bpf_lsm_%s", hooks[i]);
		add_word(btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0 ? used : missing,
			 hooks[i]);
	}
	if (used)
		fclose(used);
	if (missing)
		fclose(missing);
	btf__free(btf);
}
