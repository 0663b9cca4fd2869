/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stages of policy_parse(), each in its own file:
 *	source.c   bytes -> text that is fit for a YAML parser; places
 *	yaml.c     text -> tree of nodes (libfyaml's events; nothing of libfyaml goes further)
 *	model.c    tree -> policies            select*.c, rules.c, ...   their parts
 *	include.c  other files                 reads.c, texts.c          what of them is told, and handed on
 *	errors.c   what was wrong
 *
 * A stage complains about what it finds and goes on where that makes sense: complain() collects. Functions
 * return nothing where the caller has nothing to decide; struct parse knows whether anything went wrong.
 */
#ifndef LEASTCAP_POLICY_INTERNAL_H
#define LEASTCAP_POLICY_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "policy/policy.h"

/* Far more than the language needs, few enough for the work to be bounded whatever the file holds. */
#define POLICY_DEPTH_MAX 16
#define POLICY_NODES_MAX 65536
#define POLICY_KEYS_MAX 64
#define POLICY_ANCHORS_MAX 256
#define POLICY_ERRORS_MAX 50
#define POLICY_INCLUDE_DEPTH 8
#define POLICY_INCLUDE_FILES 256

struct source {
	const char *text; /* without a byte order mark */
	size_t len;
	size_t *lines; /* where each line begins */
	size_t n_lines;
	uint32_t *chars; /* characters before each block of SOURCE_BLOCK bytes */
};

enum node_kind { NODE_SCALAR, NODE_SEQUENCE, NODE_MAPPING };

/*
 * A node of the tree. Children are a list; those of a mapping are key, value, key, value. Keys are scalars and
 * differ. An alias is a copy of the node it names, with its own place, so that children can be shared: whoever
 * walks the tree pays with visit() for each node, or an alias bomb would go off.
 */
struct node {
	enum node_kind kind;
	bool null; /* a scalar: empty, ~ or null, and not quoted */
	struct policy_pos pos;
	const char *text; /* a scalar's; NUL-terminated, but may hold others */
	size_t len; /* of text */
	size_t n; /* children */
	struct node *first, *last, *next;
};

/* A file, whatever it is called. */
struct file_id {
	dev_t dev;
	ino_t ino;
};

/* What a file and those that it includes have in common. */
struct family {
	struct policy_reads *reads; /* may be NULL */
	const struct policy_texts *given; /* instead of what lies on disk; NULL: that */
	struct file_id *files; /* that were read */
	size_t n_files;
};

/* A set of capabilities that a file gives a name. */
struct own_base {
	char *name;
	uint64_t allow;
	char *file;
	struct policy_pos pos;
};

struct bases {
	struct own_base *items;
	size_t n;
};

struct parse {
	struct source source;
	const char *file; /* its name */
	struct family *family; /* NULL: a text that can include nothing */
	struct bases *bases; /* those known so far, of the files that include this one, too */
	const struct parse *outer; /* of the file that includes this one; NULL: none */
	struct file_id id; /* with a family */
	bool trusted; /* the file is root's, or ours: it may include by an absolute path */
	struct policy_errors *errs;
	struct policy_pos include_pos; /* of `include:` */
	bool bases_missing; /* some of what it includes could not be read: it may have had any base */
	struct policy_errors included; /* of the files that it includes */
	struct block *blocks; /* what parse_alloc() gave out */
	size_t visits;
	bool no_memory;
	bool too_many_errors;
	bool too_large; /* no visits left: said once */
};

/* source.c */
int source_init(struct source *source, const char *text, size_t len);
void source_done(struct source *source);
struct policy_pos source_pos(const struct source *source, size_t offset);
/*
 * The line of a place, for a message: at most 200 characters of it, and "..." for what is left out where the place is further
 * to the right. NULL: no such line, or no memory.
 */
char *source_line(const struct source *source, struct policy_pos pos);
/* Characters of it that are before the place in this column. */
unsigned int source_line_before(unsigned int column);
/* Complains about the first byte that is no text, or that libfyaml cannot bear. */
void source_check(struct parse *p);

/* errors.c. A hint may be NULL. Nothing here fails: p->no_memory is set. */
void complain(struct parse *p, struct policy_pos pos, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* "did you mean right?" is the hint; without a right word `otherwise` is, which may be NULL. */
void complain_nearest(struct parse *p, struct policy_pos pos, const char *right,
		      const char *otherwise, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
bool parse_failed(const struct parse *p);
void errors_finish(struct parse *p);
/* What was wrong with an included file: it is shown behind what is wrong here. Takes errs over. */
void errors_adopt(struct parse *p, const char *file, struct policy_errors *errs);

/* A scalar's text for a message: in quotes, escaped, cut. */
struct quoted {
	char text[80];
};
struct quoted quote(const struct node *scalar);

/* yaml.c: zeroed memory that lives as long as p; NULL: p->no_memory is set */
void *parse_alloc(struct parse *p, size_t size);
void parse_done(struct parse *p);
/* NULL: an empty document, or it could not be read (parse_failed()). */
struct node *yaml_load(struct parse *p);

/* model.c */
bool visit(struct parse *p, const struct node *node);
bool node_is(const struct node *node, const char *word); /* a scalar with exactly this text */
/* Could a scalar be the name of a policy or a base? */
bool name_is_good(const struct node *node);
#define NAME_HINT "letters, digits, and \".\", \"_\", \"-\" but not at the beginning"
const struct node *node_get(const struct node *mapping, const char *key,
			    const struct node **ret_key);
/* The keys that a mapping can have. */
struct keys {
	const char *where; /* "a policy" */
	const char *const *known;
	const char *const *later; /* of later versions; NULL: none */
	const char *later_message; /* what is said of those, behind their name */
	const char *later_hint;
};

void node_check_keys(struct parse *p, const struct node *mapping, const struct keys *keys);
void model_build(struct parse *p, const struct node *root, struct policy_set *set);

/* select.c */
void select_build(struct parse *p, const struct node *node, struct policy *policy);

/* select_container.c: container: and pod: */
void container_select(struct parse *p, const struct node *node, struct selector *selector);
void pod_select(struct parse *p, const struct node *node, struct selector *selector);

/* selector.c */
/* What a selector can ask for, besides labels, one after the other; the value is the last. NULL: it does not. */
#define SELECTOR_TEXTS 8
const char *selector_text(const struct selector *s, size_t i);
/* An order of all, in which those that are the same are equal, wherever they are written. */
int selector_compare(const struct selector *x, const struct selector *y);
void select_check_ties(struct parse *p, const struct policy_set *set);

/* patterns.c. The functions with a key complain. */
bool is_pattern(const char *text);
bool text_is_clean(struct parse *p, const char *key, const struct node *node);
/* A word that is there, not empty and clean. */
bool word_is_good(struct parse *p, const char *key, const struct node *node);
/* Of a clean word: at most max bytes, its sets as the matcher knows them. path: a set is in one component. */
bool pattern_is_good(struct parse *p, const char *key, const struct node *node, size_t max,
		     bool path);

/* rules.c */
/* places: overwritten; may be NULL. */
uint64_t capabilities_build(struct parse *p, const struct node *node,
			    struct capability_places *places);

/* What is said of a rule: allow, audit or deny. */
enum stance { STANCE_ALLOW, STANCE_AUDIT, STANCE_DENY };

/* More names in one list are a mistake, and each is looked for among all. */
#define POLICY_NAMES_MAX 1024

/* By number, as in include/linux/socket.h: unix, inet, inet6, netlink, packet. What ordinary programs use. */
#define COMMON_FAMILIES (1ULL << 1 | 1ULL << 2 | 1ULL << 10 | 1ULL << 16 | 1ULL << 17)

/* restrictions.c: the keys of a policy that are restrictions, and `optional` */
void restrictions_build(struct parse *p, const struct node *node, struct policy *policy);
/* The value of a key that is one word. besides: what else it may be, ", or a mapping" or "". False: complained. */
bool stance_build(struct parse *p, const char *key, const char *besides, const struct node *node,
		  enum stance *ret);
/* Which of these modes (NULL-terminated) a key `mode` names; 0, the first, without it and where it is wrong. */
int mode_word(struct parse *p, const struct node *node, const char *const modes[]);
/* The key `mode` of a rule's mapping: STANCE_DENY without it. */
enum stance stance_of_mode(struct parse *p, const struct node *mapping);
/* The value of a key that has a list. NULL: no such key, or complained. */
const struct node *list_get(struct parse *p, const struct node *mapping, const char *key,
			    const char *example, const struct node **ret_key);
/* Copies of a list's names, once each and in their order, with their places. good() complains itself. */
void names_build(struct parse *p, const struct node *list,
		 bool (*good)(struct parse *p, const struct node *name), struct policy_lists *lists,
		 enum policy_list which);

/* filesystems.c */
void filesystems_build(struct parse *p, const struct node *key, const struct node *node,
		       struct policy *policy);

/* sockets.c */
void sockets_build(struct parse *p, const struct node *node, struct policy *policy);

/* destinations.c: the lists of `connect` */
struct destinations {
	struct destination *entries;
	size_t n, size;
};
void destinations_add(struct parse *p, struct destinations *d, const struct node *list,
		      bool refuse);
/* Complains of contradictions, hands the rest over. `otherwise`: what is refused where no entry is. */
void destinations_finish(struct parse *p, struct destinations *d, bool otherwise,
			 struct policy_lists *lists);

/* profiles.c: what words stand for. */
/* Makes a rule what the stance says, without a list: what was said of it before is forgotten. */
void rule_set(struct policy *policy, enum leastcap_rule rule, enum stance stance,
	      struct policy_pos pos);
/* Sets a restriction by its plain word, `mounts: deny`. False: no memory. */
bool restriction_set(struct policy *policy, enum leastcap_restriction restriction,
		     enum stance stance, struct policy_pos pos);
void profile_build(struct parse *p, const struct node *key, const struct node *node,
		   struct policy *policy);

/* bases.c: sets of capabilities, the built-in ones and those of files */
bool base_find(const struct parse *p, const char *name, size_t len, uint64_t *ret);
/* One that a file has named; NULL: none. */
const struct own_base *own_base_find(const struct parse *p, const char *name, size_t len);
const char *base_nearest(const struct parse *p, const char *name, size_t len);
uint64_t base_docker_default(void);
void bases_build(struct parse *p, const struct node *root);
void bases_done(struct bases *bases);

/* policy.c: text, which p->file has, -> policies; what was wrong is in p->errs */
int parse_whole(struct parse *p, const char *text, size_t len, struct policy_set **ret);
void parse_bytes(struct parse *p, const char *text, size_t len, struct policy_set *set);

/* include.c: the policies of other files join the set */
void include_build(struct parse *p, const struct node *root, struct policy_set *set);
/* False: it was read already, or there is no memory. */
bool family_add(struct parse *p, struct file_id id);

/* texts.c. False: no memory. */
bool texts_add(struct policy_texts *texts, const char *path, const char *text, size_t len);
bool texts_add_path(struct policy_text *text, const char *path);
/* -1: none has this path. */
ssize_t texts_find(const struct policy_texts *texts, const char *path);

/* places.c: where each entry is written. The functions that return bool: false: no memory. */
void capability_places_done(struct capability_places *c);
bool capability_places_copy(const struct capability_places *from, struct capability_places *ret);
bool places_note(struct policy_lists *lists, enum policy_list list, size_t entry,
		 struct policy_pos pos);
void places_forget(struct policy_lists *lists, enum policy_list list);
bool places_copy(const struct policy_lists *from, struct policy_lists *ret);

/* reads.c. reads may be NULL; false: no memory. */
bool reads_content(struct policy_reads *reads, const char *path, const void *content, size_t len);
bool reads_folder(struct policy_reads *reads, const char *folder);
/* Keeps a text that was read, where that is wanted. */
bool reads_text(struct policy_reads *reads, const char *path, const char *text, size_t len);
/* The n-th of them has one more path. */
bool reads_path(struct policy_reads *reads, size_t n, const char *path);

#endif
