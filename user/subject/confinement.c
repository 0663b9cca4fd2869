/* SPDX-License-Identifier: GPL-2.0-only */
#include "subject/confinement.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

static void set(struct confinement *ret, const char *by, const char *label)
{
	*ret = (struct confinement){.by = by};
	snprintf(ret->label, sizeof(ret->label), "%s", label);
	ret->label[strcspn(ret->label, "\n")] = '\0';
}

/* "unconfined", "NAME (enforce)", "NAME (complain)", and of newer kernels also other words in the brackets. */
void confinement_of_apparmor(const char *label, struct confinement *ret)
{
	const char *mode;

	set(ret, "AppArmor", label);
	mode = strrchr(ret->label, '(');
	ret->enforces = mode && (!strcmp(mode, "(enforce)") || !strcmp(mode, "(kill)"));
}

/* USER:ROLE:TYPE:LEVEL; these types are refused nothing, or hardly anything. */
void confinement_of_selinux(const char *label, bool enforcing, struct confinement *ret)
{
	static const char *const types[] = {
		":unconfined_t:", ":spc_t:", ":kernel_t:", ":initrc_t:"};

	set(ret, "SELinux", label);
	ret->enforces = enforcing;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		ret->enforces = ret->enforces && !strstr(ret->label, types[i]);
}

static bool read_text(const char *path, char *buf, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	size_t n = f ? fread(buf, 1, size - 1, f) : 0;

	buf[n] = '\0';
	return n > 0;
}

void confinement_read(pid_t pid, struct confinement *ret)
{
	char path[64], label[512], enforce[8] = "";

	*ret = (struct confinement){};
	/* The folder is there with AppArmor alone; attr/current is whoever comes first. */
	snprintf(path, sizeof(path), "/proc/%d/attr/apparmor/current", (int)pid);
	if (read_text(path, label, sizeof(label))) {
		confinement_of_apparmor(label, ret);
		return;
	}
	if (!read_text("/sys/fs/selinux/enforce", enforce, sizeof(enforce)))
		return;
	snprintf(path, sizeof(path), "/proc/%d/attr/current", (int)pid);
	if (read_text(path, label, sizeof(label)))
		confinement_of_selinux(label, *enforce == '1', ret);
}
