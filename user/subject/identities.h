/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who the containers of this host are: a store by cgroup. By cgroup and not by id, because an id is only a name of a
 * cgroup, and whoever has a cgroup of their own can make one below it that is called like somebody else's container.
 * What a cgroup lies in decides whom to ask about it:
 *	below /user.slice/user-UID.slice	that user's engines alone, and no bundles: root's would not be there
 *	below another container			nobody: this host's engines do not know it
 *	anywhere else				bundles, then root's engines
 */
#ifndef LEASTCAP_IDENTITIES_H
#define LEASTCAP_IDENTITIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "subject/engines.h"
#include "subject/identity.h"

#define IDENTITIES_MAX 100000
struct identities;

/* NULL: as on a host. Tests have folders and sockets of their own, all of them theirs. */
struct identities_options {
	const char *root; /* what bundles are looked for in: "/" */
	const struct engine_socket *engines; /* root's: Docker's and Podman's in /run */
	size_t n_engines;
	const char *users; /* the folder of folders by user id: "/run/user" */
};

struct identities_stats {
	size_t known; /* containers of which anything is known */
	size_t waiting; /* containers that an engine has yet to tell of */
	uint64_t dropped; /* containers and questions that there was no room for */
	uint64_t values_dropped; /* names, labels, ... that did not fit */
};

/* More is known, or something else. Called from the event loop; it may call everything here but identities_free(). */
typedef void (*identities_changed)(const char *cgroup, const struct identity *identity, void *ctx);

int identities_new(sd_event *event, const struct identities_options *options,
		   identities_changed changed, void *ctx, struct identities **ret);

/*
 * Begins to find out, unless that was done or is under way. What bundles tell is there when this returns; changed() is
 * for what engines tell later, and for bundles that could not be read then: they are read again for a minute.
 * -EINVAL: no container's cgroup; -ENOSPC: there are IDENTITIES_MAX.
 */
int identities_want(struct identities *ids, const char *cgroup);

/* Would identities_want() note the cgroup, or ask about it once more? */
bool identities_would_ask(const struct identities *ids, const char *cgroup);

/* Valid until the loop runs again, or the cgroup is dropped. NULL: nothing known, or not wanted. */
const struct identity *identities_get(const struct identities *ids, const char *cgroup);

/* The cgroup of the container of that name, valid as above. -ENOENT: none is known; -ENOTUNIQ: several are. */
int identities_find_named(const struct identities *ids, const char *name, const char **ret_cgroup);

/* Is all known that will be, as far as can be foreseen, and has changed() told of it? False if it was not wanted. */
bool identities_settled(const struct identities *ids, const char *cgroup);

/*
 * Has none of those who may know it, or not all of them, said anything of it since it is wanted? Then what was known of it
 * before may still be so. Other than for identities_settled() it does not matter whether an answer can be expected.
 */
bool identities_unheard(const struct identities *ids, const char *cgroup);

/* The cgroup is gone. */
void identities_drop(struct identities *ids, const char *cgroup);

/* Drops every cgroup that is not there any more; root: the folder in which they are. */
void identities_sweep(struct identities *ids, const char *root);

void identities_get_stats(const struct identities *ids, struct identities_stats *ret);

/* One engine after the other, n from 0; *ret_uid is 0 for root's. -ENOENT: no more. The words are valid until the next
 * identities_want(). */
int identities_engine_stats(const struct identities *ids, size_t n, const char **ret_runtime,
			    uid_t *ret_uid, struct engine_stats *ret);

void identities_free(struct identities *ids); /* NULL is fine */
DEFINE_CLEANUP(struct identities *, identities_free);

#endif
