/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which program belongs to which rule, and what this kernel has for it.
 *
 * A program of a rule that no policy needs is neither loaded nor attached. The same goes for a program whose hook this
 * kernel has not, and for variants: of lc_setattr_2 and lc_setattr_3 the one with as many parameters as the hook has.
 */
#include "kernel/internal.h"

#include <ctype.h>
#include <string.h>

#include <bpf/libbpf.h>

#define MOUNTS LEASTCAP_RULE_BIT(LEASTCAP_RULE_MOUNTS)
#define MODULES LEASTCAP_RULE_BIT(LEASTCAP_RULE_MODULES)
#define UNIX LEASTCAP_RULE_BIT(LEASTCAP_RULE_UNIX)
#define CONNECT LEASTCAP_RULE_BIT(LEASTCAP_RULE_CONNECT)
#define FAMILIES LEASTCAP_RULE_BIT(LEASTCAP_RULE_FAMILIES)
#define DEVICES LEASTCAP_RULE_BIT(LEASTCAP_RULE_DEVICES)
#define ATTRIBUTES LEASTCAP_RULE_BIT(LEASTCAP_RULE_ATTRIBUTES)
#define FILESYSTEMS LEASTCAP_RULE_BIT(LEASTCAP_RULE_FILESYSTEMS)
#define NAMESPACES LEASTCAP_RULE_BIT(LEASTCAP_RULE_NAMESPACES)
#define BPF LEASTCAP_RULE_BIT(LEASTCAP_RULE_BPF)

/* Without the number of a variant. */
static const struct {
	const char *name;
	uint32_t rules;
} programs[] = {
	{"lc_capable", PROGRAM_ALWAYS},
	{"lc_uring_creds", PROGRAM_ALWAYS},
	{"lc_kern_mount", PROGRAM_ALWAYS},
	{"lc_ptrace", PROGRAM_ALWAYS},
	{"lc_exec", PROGRAM_ALWAYS},
	{"lc_exec_thread", PROGRAM_ALWAYS},
	{"lc_move", PROGRAM_ALWAYS},
	{"lc_moved", PROGRAM_ALWAYS},
	{"lc_fork", PROGRAM_ALWAYS},
	{"lc_exit", PROGRAM_ALWAYS},
	{"lc_release", PROGRAM_ALWAYS},
	{"lc_task", PROGRAM_ALWAYS},
	{"lc_mkdir", PROGRAM_ALWAYS},
	{"lc_rmdir", PROGRAM_ALWAYS},
	{"lc_quiet", PROGRAM_ALWAYS},

	{"lc_mount", MOUNTS},
	{"lc_umount", MOUNTS},
	{"lc_pivot_root", MOUNTS},
	{"lc_fs_param", MOUNTS},
	{"lc_move_mount", MOUNTS},
	{"lc_clone_mntns", MOUNTS},

	{"lc_modprobe", MODULES},
	{"lc_crypto_sock", MODULES},

	{"lc_userns", NAMESPACES},

	{"lc_bpf", BPF},
	{"lc_bpf_map", BPF},
	{"lc_bpf_prog", BPF},

	{"lc_unix_connect", UNIX},
	{"lc_unix_send", UNIX},
	{"lc_connect", CONNECT},
	{"lc_sendmsg", CONNECT},
	{"lc_setsockopt", CONNECT},
	{"lc_sctp_connect", CONNECT},
	{"lc_socket", FAMILIES},

	{"lc_mknod", DEVICES},

	{"lc_setattr", ATTRIBUTES},
	{"lc_setxattr", ATTRIBUTES},
	{"lc_removexattr", ATTRIBUTES},
	{"lc_set_acl", ATTRIBUTES},
	{"lc_remove_acl", ATTRIBUTES},
	{"lc_ioctl", ATTRIBUTES},
	{"lc_ioctl_compat", ATTRIBUTES},
	{"lc_file_setattr", ATTRIBUTES},
	{"lc_new_create", ATTRIBUTES},
	{"lc_new_mknod", ATTRIBUTES},
	{"lc_new_mkdir", ATTRIBUTES},
	{"lc_new_symlink", ATTRIBUTES},
	{"lc_new_link", ATTRIBUTES},
	{"lc_new_inode", ATTRIBUTES},
	{"lc_new_open", ATTRIBUTES},

	{"lc_fs_access", FILESYSTEMS | BPF},
	{"lc_fs_open", FILESYSTEMS | BPF},
	{"lc_fs_receive", FILESYSTEMS | BPF},
	{"lc_fs_attr", FILESYSTEMS | BPF},
	{"lc_fs_xattr", FILESYSTEMS | BPF},
	{"lc_fs_rmxattr", FILESYSTEMS | BPF},
	{"lc_fs_acl", FILESYSTEMS | BPF},
	{"lc_fs_rmacl", FILESYSTEMS | BPF},
};

/*
 * The hooks that a rule cannot do without on any kernel. Not here: hooks of later kernels that guard only what
 * came with them (inode_set_acl in v6.2, inode_file_setattr in v6.17), and file_ioctl_compat: before it was added (v6.8)
 * a 32-bit ioctl passed file_ioctl.
 */
static const struct {
	const char *hook;
	uint32_t rules;
} needs[] = {
	{"sb_mount", MOUNTS},
	{"sb_umount", MOUNTS},
	{"sb_pivotroot", MOUNTS},
	{"fs_context_parse_param", MOUNTS},
	{"move_mount", MOUNTS},
	{"task_alloc", MOUNTS},
	{"kernel_module_request", MODULES},
	{"socket_create", MODULES | FAMILIES},
	{"unix_stream_connect", UNIX},
	{"unix_may_send", UNIX},
	{"socket_connect", CONNECT},
	{"socket_sendmsg", CONNECT},
	{"socket_setsockopt", CONNECT},
	{"sctp_bind_connect", CONNECT},
	{"inode_mknod", DEVICES | ATTRIBUTES},
	{"inode_setattr", ATTRIBUTES},
	{"inode_setxattr", ATTRIBUTES},
	{"inode_removexattr", ATTRIBUTES},
	{"inode_create", ATTRIBUTES},
	{"file_ioctl", ATTRIBUTES},
	{"file_open", FILESYSTEMS | ATTRIBUTES},
	{"inode_permission", FILESYSTEMS | BPF},
	{"file_receive", FILESYSTEMS},
	{"userns_create", NAMESPACES}, /* since v6.1 */
	{"bpf", BPF},
	{"bpf_map", BPF},
	{"bpf_prog", BPF},
};

/* ---- the programs ---- */

/* Of "lc_setattr_3": 3, and the length of "lc_setattr". 0: the program is no variant. */
static unsigned int variant(const char *name, size_t *ret_len)
{
	size_t len = strlen(name);

	*ret_len = len;
	if (len < 3 || name[len - 2] != '_' || !isdigit((unsigned char)name[len - 1]))
		return 0;
	*ret_len = len - 2;
	return (unsigned int)(name[len - 1] - '0');
}

uint32_t program_rules(const char *name)
{
	size_t len;

	(void)variant(name, &len);
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		if (strlen(programs[i].name) == len && !strncmp(programs[i].name, name, len))
			return programs[i].rules;
	}
	return 0;
}

bool program_fits(const struct bpf_program *prog)
{
	const char *hook = program_hook(prog);
	int has, expected;
	size_t len;

	if (!hook)
		return true;
	has = hook_parameters(hook);
	expected = (int)variant(bpf_program__name(prog), &len);
	return has >= 0 && (!expected || expected == has);
}

bool program_wanted(const struct bpf_program *prog, uint32_t rules)
{
	uint32_t own = program_rules(bpf_program__name(prog));

	return program_fits(prog) && (!own || (own & (rules | PROGRAM_ALWAYS)));
}

/* ---- which rules can be held ---- */

static struct {
	uint32_t rules;
	char why[LEASTCAP_RULES][96]; /* of those that are not in `rules` */
	bool known;
} held;

/* Is there a program for this hook, for one of the rules, that this kernel takes? */
static bool hook_covered(const struct bpf_object *object, const char *hook, uint32_t rules)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, object)
	{
		const char *name = program_hook(prog);
		uint32_t own = program_rules(bpf_program__name(prog));

		if (name && !strcmp(name, hook) && (!own || (own & rules)) && program_fits(prog))
			return true;
	}
	return false;
}

static void find_held(void)
{
	struct bpf_object *object = object_open();
	int err = object ? hooks_read() : -ENOMEM;

	held.rules = err ? 0 : (1U << LEASTCAP_RULES) - 1;
	for (size_t rule = 0; err && rule < LEASTCAP_RULES; rule++)
		snprintf(held.why[rule], sizeof(held.why[rule]), "the kernel's BTF: %s",
			 strerror(-err));
	for (size_t i = 0; !err && i < ARRAY_SIZE(needs); i++) {
		for (uint32_t rule = 0; rule < LEASTCAP_RULES; rule++) {
			uint32_t bit = LEASTCAP_RULE_BIT(rule);

			if (!(needs[i].rules & held.rules & bit) ||
			    hook_covered(object, needs[i].hook, bit))
				continue;
			held.rules &= ~bit;
			snprintf(held.why[rule], sizeof(held.why[rule]), "hook %s%s", needs[i].hook,
				 hook_parameters(needs[i].hook) >= 0
					 ? ", which has other parameters in this kernel"
					 : "");
		}
	}
	bpf_object__close(object);
	held.known = true;
}

uint32_t kernel_rules_held(uint32_t wanted, char **ret_why)
{
	uint32_t lacking;

	if (!held.known)
		find_held();
	lacking = wanted & ~held.rules;
	if (ret_why)
		*ret_why = NULL;
	if (ret_why && lacking) {
		int rule = __builtin_ctz(lacking);

		*ret_why = strdup(rule < LEASTCAP_RULES ? held.why[rule] : "a later leastcap");
	}
	return wanted & held.rules;
}
