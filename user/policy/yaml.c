/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

#include "policy/internal.h"

/*
 * libfyaml's events, not its documents: the tree is bounded while it grows, positions and duplicate keys stay
 * ours, and aliases are followed here.
 */

struct block {
	struct block *next;
	max_align_t data[];
};

void *parse_alloc(struct parse *p, size_t size)
{
	struct block *block = calloc(1, sizeof(*block) + size);

	if (!block) {
		p->no_memory = true;
		return NULL;
	}
	block->next = p->blocks;
	p->blocks = block;
	return block->data;
}

void parse_done(struct parse *p)
{
	while (p->blocks) {
		struct block *block = p->blocks;

		p->blocks = block->next;
		free(block);
	}
	source_done(&p->source);
}

/* No word of the language is nearly as long. */
#define WORD_BYTES_MAX 4096

struct anchor {
	const char *name;
	size_t len;
	struct node *node;
};

/* A mapping or sequence that is being read. */
struct frame {
	struct node *node;
	struct node *key; /* of a mapping: the value is to come */
	struct node *of; /* of a mapping: the key whose value has come; NULL: the next key has */
	bool dropped; /* the key was wrong: so is its value */
	struct anchor anchor; /* becomes known at the end: an alias inside would be a loop */
};

struct loader {
	struct parse *p;
	struct node *root;
	struct frame frames[POLICY_DEPTH_MAX];
	size_t depth;
	size_t n_nodes;
	struct anchor anchors[POLICY_ANCHORS_MAX];
	size_t n_anchors;
	struct policy_pos last; /* of the last event that had a place */
	size_t end; /* of the same, an offset */
	size_t filled; /* behind the last word or bracket, an offset */
	bool stop;
};

__attribute__((format(printf, 3, 4))) static void stop(struct loader *l, struct policy_pos pos,
						       const char *fmt, ...)
{
	_cleanup_free_ char *message = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&message, fmt, ap) < 0)
		message = NULL;
	va_end(ap);
	l->stop = true;
	if (message)
		complain(l->p, pos, NULL, "%s", message);
	else
		l->p->no_memory = true;
}

/* The place of a token. libfyaml's mark stands behind the quote of a quoted word and the "*" of an alias. */
static struct policy_pos token_pos(const struct loader *l, struct fy_token *token)
{
	const struct source *s = &l->p->source;
	const struct fy_mark *mark = fy_token_start_mark(token);
	enum fy_scalar_style style = fy_token_scalar_style(token);
	const char *leads = "";
	size_t at;

	if (!mark)
		return l->last;
	if (fy_token_get_type(token) == FYTT_ALIAS)
		leads = "*";
	else if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED)
		leads = "\"'";
	at = mark->input_pos;
	if (at > 0 && at <= s->len && memchr(leads, s->text[at - 1], strlen(leads)))
		at--;
	return source_pos(s, at);
}

/*
 * A token's text; NULL: it could not be had, and loading stops. Not by fy_token_get_text(): libfyaml 0.7.12
 * miscounts some quoted words, and then returns memory that was never written.
 */
static const char *copy_token(struct loader *l, struct fy_token *token, size_t *ret_len)
{
	struct fy_token_iter *iter = token ? fy_token_iter_create(token) : NULL;
	const struct fy_iter_chunk *chunk = NULL;
	char text[WORD_BYTES_MAX];
	size_t len = 0;
	int err = token && !iter ? -ENOMEM : 0;
	char *copy;

	while (!err && iter && (chunk = fy_token_iter_chunk_next(iter, chunk, &err)) != NULL) {
		if (chunk->len >= sizeof(text) - len) {
			stop(l, token_pos(l, token), "a word longer than %d bytes",
			     WORD_BYTES_MAX - 1);
			break;
		}
		memcpy(text + len, chunk->str, chunk->len);
		len += chunk->len;
	}
	fy_token_iter_destroy(iter);
	if (err == -ENOMEM)
		l->p->no_memory = true;
	else if (err)
		stop(l, token_pos(l, token), "not valid YAML: a word that cannot be decoded");
	copy = !err && !l->stop ? parse_alloc(l->p, len + 1) : NULL;
	if (!copy) {
		l->stop = true;
		return NULL;
	}
	memcpy(copy, text, len);
	*ret_len = len;
	return copy;
}

static void append(struct node *parent, struct node *child)
{
	if (parent->last)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
	parent->n++;
}

/* Is this key one that its mapping may have? Complains if not. */
static bool key_is_good(struct loader *l, const struct node *mapping, const struct node *key)
{
	if (key->kind != NODE_SCALAR) {
		complain(l->p, key->pos, NULL, "a key must be a word");
		return false;
	}
	for (const struct node *k = mapping->first; k; k = k->next->next) {
		if (k->len != key->len || memcmp(k->text, key->text, k->len))
			continue;
		complain(l->p, key->pos, NULL,
			 "duplicate key %s; the first one is at line %u, column %u",
			 quote(key).text, k->pos.line, k->pos.column);
		return false;
	}
	return true;
}

/* Puts a node where it belongs: into the innermost frame, or at the root. */
static void place(struct loader *l, struct node *node)
{
	struct frame *frame;

	if (l->depth == 0) {
		if (l->root)
			stop(l, node->pos,
			     "more than one YAML document in the file; put all policies into one");
		l->root = node;
		return;
	}
	frame = &l->frames[l->depth - 1];
	if (frame->node->kind == NODE_SEQUENCE) {
		append(frame->node, node);
	} else if (!frame->key) {
		frame->key = node;
		frame->of = NULL;
		frame->dropped = !key_is_good(l, frame->node, node);
		if (frame->node->n >= 2 * POLICY_KEYS_MAX)
			stop(l, node->pos, "more than %d keys in one mapping", POLICY_KEYS_MAX);
	} else {
		if (!frame->dropped) {
			append(frame->node, frame->key);
			append(frame->node, node);
		}
		frame->of = frame->key;
		frame->key = NULL;
	}
}

/* The line of the last word or bracket. */
static unsigned int filled_line(const struct loader *l)
{
	return source_pos(&l->p->source, l->filled ? l->filled - 1 : 0).line;
}

/* A value is complete: what its key has reaches down to here. */
static void end_value(struct loader *l)
{
	struct node *key = l->depth ? l->frames[l->depth - 1].of : NULL;

	if (key)
		key->pos.last_line = filled_line(l);
}

static void know_anchor(struct loader *l, const struct anchor *anchor)
{
	if (!anchor->name)
		return;
	if (l->n_anchors == POLICY_ANCHORS_MAX)
		stop(l, anchor->node->pos, "more than %d anchors", POLICY_ANCHORS_MAX);
	else
		l->anchors[l->n_anchors++] = *anchor;
}

static bool anchor_is(const struct anchor *anchor, const char *name, size_t len)
{
	return anchor->name && anchor->len == len && !memcmp(anchor->name, name, len);
}

/* Makes node, which has its place, a copy of what the alias names. */
static void follow(struct loader *l, struct node *node, const char *name, size_t len)
{
	for (size_t i = 0; i < l->depth; i++) {
		if (anchor_is(&l->frames[i].anchor, name, len)) {
			stop(l, node->pos, "alias *%.60s refers to what it is part of", name);
			return;
		}
	}
	/* A name may be given again: the last one counts. */
	for (size_t i = l->n_anchors; i-- > 0;) {
		struct node *target = l->anchors[i].node;
		struct policy_pos pos = node->pos;

		if (!anchor_is(&l->anchors[i], name, len))
			continue;
		*node = *target;
		node->pos = pos;
		node->next = NULL;
		return;
	}
	stop(l, node->pos, "alias *%.60s: there is no anchor of that name before it", name);
}

static bool is_null(const struct node *node, enum fy_scalar_style style)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};

	if (style != FYSS_PLAIN && style != FYSS_ANY)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (node->len == strlen(words[i]) && !memcmp(node->text, words[i], node->len))
			return true;
	}
	return false;
}

/* A value that is not written: the place of its key, or of the "-" that it should follow. */
static struct policy_pos pos_of_nothing(struct loader *l)
{
	const struct source *s = &l->p->source;

	if (l->depth == 0 || l->frames[l->depth - 1].node->kind == NODE_MAPPING)
		return l->last;
	for (bool comment = false; l->end < s->len; l->end++) {
		char c = s->text[l->end];

		if (c == '-' && !comment)
			break;
		comment = comment ? c != '\n' && c != '\r' : c == '#';
	}
	l->last = source_pos(s, l->end);
	l->end += l->end < s->len;
	return l->last;
}

static bool is_block_scalar(struct fy_token *token)
{
	enum fy_scalar_style style = token ? fy_token_scalar_style(token) : FYSS_PLAIN;

	return style == FYSS_LITERAL || style == FYSS_FOLDED;
}

static void begin_node(struct loader *l, struct fy_event *event)
{
	struct fy_token *anchor_token = fy_event_get_anchor_token(event);
	struct fy_token *tag_token = fy_event_get_tag_token(event);
	struct fy_token *token = fy_event_get_token(event);
	struct node *node = parse_alloc(l->p, sizeof(*node));
	struct anchor anchor = {.node = node};

	if (!node) {
		l->stop = true;
		return;
	}
	node->pos = event->type == FYET_SCALAR && !token ? pos_of_nothing(l) : l->last;
	if (++l->n_nodes > POLICY_NODES_MAX) {
		stop(l, node->pos, "too large: more than %d words", POLICY_NODES_MAX);
		return;
	}
	if (tag_token)
		complain(l->p, token_pos(l, tag_token), NULL,
			 "YAML tags (\"!...\") are not supported");
	if (anchor_token)
		anchor.name = copy_token(l, anchor_token, &anchor.len);
	if (is_block_scalar(token)) {
		/* libfyaml 0.7.12 puts as much on the stack as there are empty lines behind one. */
		stop(l, node->pos, "block scalars (\"|\" and \">\") are not supported");
	} else if (event->type == FYET_SCALAR) {
		node->text = copy_token(l, token, &node->len);
		if (node->text)
			node->null =
				is_null(node, token ? fy_token_scalar_style(token) : FYSS_PLAIN);
		/* libfyaml 0.7.12 decodes some of them wrongly: rather no cgroup than another one. */
		if (node->text && token && fy_token_scalar_style(token) == FYSS_SINGLE_QUOTED &&
		    memchr(node->text, '\'', node->len))
			complain(l->p, node->pos, "write the word in double quotes",
				 "a quote inside single quotes is not supported");
	} else if (event->type == FYET_ALIAS) {
		size_t len = 0;
		const char *name = copy_token(l, token, &len);

		if (name)
			follow(l, node, name, len);
	} else {
		node->kind = event->type == FYET_SEQUENCE_START ? NODE_SEQUENCE : NODE_MAPPING;
	}
	if (l->stop)
		return;
	place(l, node);
	if (event->type == FYET_SCALAR || event->type == FYET_ALIAS) {
		end_value(l);
		know_anchor(l, &anchor);
	} else if (l->depth == POLICY_DEPTH_MAX) {
		stop(l, node->pos, "nested deeper than %d levels", POLICY_DEPTH_MAX);
	} else {
		l->frames[l->depth++] = (struct frame){.node = node, .anchor = anchor};
	}
}

/* Where an event's own text ends. A block has none: its end is wherever the next word begins. */
static void fill(struct loader *l, struct fy_event *event, const struct fy_mark *end)
{
	const struct source *s = &l->p->source;
	bool scalar = event->type == FYET_SCALAR || event->type == FYET_ALIAS;
	bool word = scalar && fy_event_get_token(event);
	size_t at = end ? end->input_pos : 0;

	if (at > s->len || (scalar && !word))
		return;
	while (word && at > l->filled && memchr(" \t\r\n", s->text[at - 1], 4))
		at--;
	if (at > l->filled && (word || memchr("]}", s->text[at - 1], 2)))
		l->filled = at;
}

static void take_event(struct loader *l, struct fy_event *event)
{
	const struct fy_mark *mark = fy_event_start_mark(event), *end = fy_event_end_mark(event);

	if (end && end->input_pos > l->end)
		l->end = end->input_pos;
	fill(l, event, end);
	if (mark && (event->type == FYET_SCALAR || event->type == FYET_ALIAS))
		l->last = token_pos(l, fy_event_get_token(event));
	else if (mark)
		l->last = source_pos(&l->p->source, mark->input_pos);
	switch (event->type) {
	case FYET_SCALAR:
	case FYET_ALIAS:
	case FYET_SEQUENCE_START:
	case FYET_MAPPING_START:
		begin_node(l, event);
		break;
	case FYET_SEQUENCE_END:
	case FYET_MAPPING_END:
		/* libfyaml pairs them; a loose end must not become an index of -1. */
		if (l->depth == 0) {
			stop(l, l->last, "not valid YAML");
			break;
		}
		l->frames[--l->depth].node->pos.last_line = filled_line(l);
		end_value(l);
		know_anchor(l, &l->frames[l->depth].anchor);
		break;
	default:
		break;
	}
}

/* What libfyaml says without an error object goes nowhere, instead of to stderr. */
static void ignore_output(struct fy_diag *diag, void *user, const char *buf, size_t len)
{
}

static struct fy_diag *diag_new(void)
{
	struct fy_diag_cfg cfg;
	struct fy_diag *diag;

	fy_diag_cfg_default(&cfg);
	cfg.fp = NULL;
	cfg.output_fn = ignore_output;
	cfg.colorize = false;
	diag = fy_diag_create(&cfg);
	if (diag)
		fy_diag_set_collect_errors(diag, true);
	return diag;
}

/* A syntax error ends the events; libfyaml's own words, at our place. */
static void syntax_error(struct loader *l, struct fy_diag *diag)
{
	void *iter = NULL;
	struct fy_diag_error *e = fy_diag_errors_iterate(diag, &iter);
	struct policy_pos pos = l->last;
	_cleanup_free_ char *message = NULL;

	if (e && e->fyt)
		pos = token_pos(l, e->fyt);
	else if (e && e->line > 0 && e->column > 0)
		pos = (struct policy_pos){.line = (unsigned int)e->line,
					  .column = (unsigned int)e->column};
	message = strdup(e && e->msg ? e->msg : "cannot be read");
	if (!message) {
		l->p->no_memory = true;
		return;
	}
	message[strcspn(message, "\n")] = '\0';
	complain(l->p, pos, NULL, "not valid YAML: %s", message);
}

static void read_events(struct loader *l, struct fy_parser *parser, struct fy_diag *diag)
{
	bool ended = false;

	while (!l->stop && !ended) {
		struct fy_event *event = fy_parser_parse(parser);

		if (!event)
			break;
		ended = event->type == FYET_STREAM_END;
		take_event(l, event);
		fy_parser_event_free(parser, event);
	}
	if (!l->stop && (!ended || fy_parser_get_stream_error(parser) || l->depth > 0)) {
		l->stop = true;
		syntax_error(l, diag);
	}
}

/* libfyaml 0.7.12 trips over files that end in the middle of a quoted word: they end in a line break. */
static const char *text_for_parser(struct parse *p, size_t *ret_len)
{
	const struct source *s = &p->source;
	char *text = parse_alloc(p, s->len + 2);

	if (!text)
		return NULL;
	memcpy(text, s->text, s->len);
	text[s->len] = '\n';
	*ret_len = s->len + 1;
	return text;
}

struct node *yaml_load(struct parse *p)
{
	size_t len = 0;
	const char *text = text_for_parser(p, &len);
	struct loader *l = parse_alloc(p, sizeof(*l));
	struct fy_diag *diag = diag_new();
	struct fy_parse_cfg cfg = {
		.flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE,
		.diag = diag,
	};
	struct fy_parser *parser = diag ? fy_parser_create(&cfg) : NULL;

	if (!text || !l || !parser || fy_parser_set_string(parser, text, len) < 0) {
		p->no_memory = true;
	} else {
		l->p = p;
		l->last = (struct policy_pos){.line = 1, .column = 1};
		read_events(l, parser, diag);
	}
	if (parser)
		fy_parser_destroy(parser);
	if (diag)
		fy_diag_destroy(diag);
	return l && !l->stop ? l->root : NULL;
}
