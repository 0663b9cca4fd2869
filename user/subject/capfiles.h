/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files that give capabilities to who executes them: set-user-id root, and file capabilities. Looked for below a root that is
 * somebody else's: no symbolic link is followed, no mount crossed, no file opened.
 */
#ifndef LEASTCAP_CAPFILES_H
#define LEASTCAP_CAPFILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct capfile {
	char *path; /* from the root on; hostile */
	bool setuid; /* of root */
	bool has_caps; /* file capabilities; they go before the bit */
	bool effective; /* they are in force at once; else the program has to ask for them */
	uint64_t permitted, inheritable;
};

struct capfiles_options {
	uid_t root_uid; /* who root is there: 0, or what a user namespace maps it to */
	uint64_t max_entries; /* directory entries that are looked at; 0: no limit */
	uint64_t max_ns; /* and how long; 0: no limit */
	size_t max_found;
	/* Now and then; may be NULL. */
	void (*progress)(uint64_t entries, size_t found, void *ctx);
	void *ctx;
};

struct capfiles {
	struct capfile *items;
	size_t n;
	uint64_t entries; /* that were looked at */
	uint64_t unreadable; /* folders that could not be read */
	bool cut; /* a limit was reached: there may be more */
	bool nosuid; /* the root is mounted so: none of them gives anything */
};

/* root: a descriptor of a folder, O_PATH is enough. */
int capfiles_find(int root, const struct capfiles_options *options, struct capfiles *ret);
void capfiles_done(struct capfiles *files);

/* The extended attribute security.capability. -EBADMSG: it is none that the kernel would take. */
int capfile_parse(const void *value, size_t len, struct capfile *ret);

/* The host's uid of who is root in the user namespace of a process. -errno. */
int capfiles_root_uid(pid_t pid, uid_t *ret);

#endif
