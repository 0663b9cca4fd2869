/* SPDX-License-Identifier: GPL-2.0-only */
/* Can this host enforce at all? */
#include "kernel/kernel.h"

#include <fcntl.h>
#include <string.h>
#include <sys/vfs.h>

#include <linux/magic.h>
#include <sys/capability.h>

#define LSM_FILE "/sys/kernel/security/lsm"
#define BTF_FILE "/sys/kernel/btf/vmlinux"

static bool privileged(void)
{
	static const cap_value_t needed[] = {CAP_SYS_ADMIN, CAP_BPF, CAP_PERFMON};
	cap_t caps = cap_get_proc();
	bool all = caps != NULL;

	for (size_t i = 0; caps && i < ARRAY_SIZE(needed); i++) {
		cap_flag_value_t value = CAP_CLEAR;

		if (cap_get_flag(caps, needed[i], CAP_EFFECTIVE, &value) || value != CAP_SET)
			all = false;
	}
	if (caps)
		cap_free(caps);
	return all;
}

/* One line of a small file, without its newline. To be freed; NULL: not readable. */
static char *read_line(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	if (!f || getline(&line, &size, f) < 0)
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	return TAKE_PTR(line);
}

static bool list_has(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; p && *p; p += strcspn(p, ","), p += *p == ',') {
		if (strcspn(p, ",") == len && !strncmp(p, word, len))
			return true;
	}
	return false;
}

unsigned int kernel_probe(char **ret_lsm)
{
	_cleanup_free_ char *lsm = read_line(LSM_FILE);
	unsigned int lack = 0;
	struct statfs fs;

	if (!privileged())
		lack |= KERNEL_LACK_ROOT;
	if (access(BTF_FILE, R_OK))
		lack |= KERNEL_LACK_BTF;
	/* Without "bpf" in the list LSM programs load and attach, and are never called. */
	if (!list_has(lsm, "bpf"))
		lack |= KERNEL_LACK_BPF_LSM;
	if (statfs("/sys/fs/cgroup", &fs) || fs.f_type != CGROUP2_SUPER_MAGIC)
		lack |= KERNEL_LACK_CGROUP2;
	if (access("/sys/fs/bpf", F_OK))
		lack |= KERNEL_LACK_BPFFS;
	if (ret_lsm)
		*ret_lsm = TAKE_PTR(lsm);
	return lack;
}

const char *kernel_lack_text(enum kernel_lack lack)
{
	switch (lack) {
	case KERNEL_LACK_ROOT:
		return "not root: CAP_SYS_ADMIN, CAP_BPF and CAP_PERFMON are needed; run it as root, or with sudo";
	case KERNEL_LACK_BTF:
		return "the kernel has no type information (" BTF_FILE
		       "): a kernel with CONFIG_DEBUG_INFO_BTF=y is needed";
	case KERNEL_LACK_BPF_LSM:
		return "\"bpf\" is not among the active security modules (" LSM_FILE
		       "): the kernel would load the programs and never call them; it is set on the boot line";
	case KERNEL_LACK_CGROUP2:
		return "no cgroup2 at /sys/fs/cgroup: policies are bound to cgroups of version 2; boot with "
		       "systemd.unified_cgroup_hierarchy=1";
	case KERNEL_LACK_BPFFS:
		return "the kernel has no BPF file system (/sys/fs/bpf)";
	}
	return "unknown";
}

char *kernel_boot_line(const char *lsm)
{
	char *line = NULL;
	const char *fallback = "lockdown,capability,landlock,yama,apparmor";

	/* lsm= replaces the whole list. "capability" is always there and need not be named. */
	if (!lsm || !*lsm)
		lsm = fallback;
	if (asprintf(&line, "lsm=%s%s", lsm, list_has(lsm, "bpf") ? "" : ",bpf") < 0)
		return NULL;
	return line;
}
