/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Annotations are words of whoever started the container, and of its image: nerdctl and Podman copy those of the image
 * there. So the cgroup's shape and place, which the runtime chose, say whose annotations these can be.
 */
#include "subject/bundle.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "subject/container.h"
#include "subject/document.h"
#include "subject/places.h"

struct reading {
	const char *id;
	const char *word; /* the runtime that the cgroup's shape shows */
	bool in_pod; /* the kubelet made the cgroup */
	struct identity *i;
	uint64_t *dropped;
};

/* containerd 1.2 to 2.x, the state of its v2 shims: NAMESPACE/ID. Docker has its own containerd where none runs; k3s and
 * rke2 have theirs. */
static const char *const containerd_places[] = {
	"run/containerd/io.containerd.runtime.v2.task/*/ID/config.json",
	"run/docker/containerd/daemon/io.containerd.runtime.v2.task/*/ID/config.json",
	"run/k3s/containerd/io.containerd.runtime.v2.task/*/ID/config.json",
};

/* Docker 1.10 to 28. The bundle has neither name nor image, and the API does not answer for a container that is just
 * being started: this is what there is at its first instruction. */
static const char *const docker_places[] = {"var/lib/docker/containers/ID/config.v2.json"};

/* CRI-O, in containers/storage: overlay-containers, or that of another storage driver. It has both. */
static const char *const storage_places[] = {
	"run/containers/storage/*/ID/userdata/config.json",
	"var/lib/containers/storage/*/ID/userdata/config.json",
};

/* Podman, there: lists of containers; "volatile" has those of `podman run --rm` (storage 1.42, Podman 4.3). */
static const char *const storage_lists[] = {
	"var/lib/containers/storage/*/containers.json",
	"var/lib/containers/storage/*/volatile-containers.json",
	"run/containers/storage/*/volatile-containers.json",
};

static void set_word(char **field, const char *word)
{
	(void)identity_set(field, word, strlen(word), IDENTITY_NAME_MAX);
}

static void set_from(char **field, const json_t *object, const char *key, size_t max,
		     struct reading *r)
{
	document_set(field, json_object_get(object, key), max, r->dropped);
}

/* containerd 1.3 to 2.x, pkg/cri/annotations. A pod's sandbox has no name of a container, and no image before 2.0. */
static void read_cri(const json_t *annotations, struct reading *r)
{
	struct identity *i = r->i;

	set_from(&i->pod, annotations, "io.kubernetes.cri.sandbox-name", IDENTITY_NAME_MAX, r);
	set_from(&i->pod_namespace, annotations, "io.kubernetes.cri.sandbox-namespace",
		 IDENTITY_NAME_MAX, r);
	set_from(&i->pod_container, annotations, "io.kubernetes.cri.container-name",
		 IDENTITY_NAME_MAX, r);
	set_from(&i->name, annotations, "io.kubernetes.cri.container-name", IDENTITY_NAME_MAX, r);
	set_from(&i->image, annotations, "io.kubernetes.cri.image-name", IDENTITY_IMAGE_MAX, r);
}

/* nerdctl 0.1 to 2.x, pkg/labels: every label of the container is an annotation too, its own begin with "nerdctl/".
 * The image is not among them. */
static void read_nerdctl(json_t *annotations, struct reading *r)
{
	const char *name;
	json_t *value;
	void *next;

	set_from(&r->i->name, annotations, "nerdctl/name", IDENTITY_NAME_MAX, r);
	json_object_foreach_safe(annotations, next, name, value)
	{
		if (!strncmp(name, "nerdctl/", strlen("nerdctl/")))
			json_object_del(annotations, name);
	}
	document_labels(r->i, annotations, r->dropped);
}

static int use_containerd(const json_t *document, const char *namespace, void *ctx)
{
	struct reading *r = ctx;
	json_t *annotations = json_object_get(document, "annotations");
	const bool unknown = !strcmp(r->word, "unknown");

	if (!strcmp(namespace, "moby")) {
		if (!unknown && strcmp(r->word, "docker") != 0)
			return 0;
		set_word(&r->i->runtime, "docker");
		return 1;
	}
	if (!strcmp(r->word, "docker"))
		return 0;
	if (!strcmp(r->word, "containerd") ||
	    (unknown && r->in_pod && !strcmp(namespace, "k8s.io"))) {
		set_word(&r->i->runtime, "containerd");
		read_cri(annotations, r);
		return 1;
	}
	if (!strcmp(r->word, "nerdctl") ||
	    (unknown && !r->in_pod && json_object_get(annotations, "nerdctl/name"))) {
		set_word(&r->i->runtime, "nerdctl");
		read_nerdctl(annotations, r);
		return 1;
	}
	set_word(&r->i->runtime, "containerd");
	return 1;
}

static int use_docker(const json_t *document, const char *star, void *ctx)
{
	struct reading *r = ctx;

	set_word(&r->i->runtime, "docker");
	document_docker(r->i, document, r->dropped);
	if (r->in_pod)
		document_pod_from_labels(r->i);
	return 1;
}

/*
 * CRI-O 1.0 to 1.3x, pkg/annotations: the kubelet's labels, once as annotations and once as JSON in one of them. ImageName
 * is what Image, the words of the pod's author, was resolved to; it is empty where an image is named by its id.
 */
static void read_crio(const json_t *annotations, struct reading *r)
{
	const json_t *packed = json_object_get(annotations, "io.kubernetes.cri-o.Labels");
	_cleanup_free_ char *text =
		packed && json_is_string(packed) ? strdup(json_string_value(packed)) : NULL;
	json_t *labels = text ? document_parse(text, strlen(text)) : NULL;
	struct identity *i = r->i;

	set_from(&i->image, annotations, "io.kubernetes.cri-o.Image", IDENTITY_IMAGE_MAX, r);
	set_from(&i->image, annotations, "io.kubernetes.cri-o.ImageName", IDENTITY_IMAGE_MAX, r);
	set_from(&i->pod, annotations, "io.kubernetes.pod.name", IDENTITY_NAME_MAX, r);
	set_from(&i->pod_namespace, annotations, "io.kubernetes.pod.namespace", IDENTITY_NAME_MAX,
		 r);
	set_from(&i->pod_container, annotations, "io.kubernetes.container.name", IDENTITY_NAME_MAX,
		 r);
	if (i->pod_container)
		set_word(&i->name, i->pod_container);
	else
		set_from(&i->name, annotations, "io.kubernetes.cri-o.Name", IDENTITY_NAME_MAX, r);
	document_labels(i, labels, r->dropped);
	json_decref(labels);
}

static int use_storage(const json_t *document, const char *star, void *ctx)
{
	read_crio(json_object_get(document, "annotations"), ctx);
	return 1;
}

/*
 * Podman 1 to 5, whose annotations have nothing but io.container.manager (libpod/define): names, and JSON in a string with
 * "image-name".
 */
static int use_list(const json_t *document, const char *star, void *ctx)
{
	struct reading *r = ctx;
	const json_t *entry;
	size_t n;

	for (n = 0; n < json_array_size(document); n++) {
		const char *id =
			json_string_value(json_object_get(json_array_get(document, n), "id"));

		if (id && !strcmp(id, r->id))
			break;
	}
	if (n == json_array_size(document))
		return 0;
	entry = json_array_get(document, n);
	document_set(&r->i->name, json_array_get(json_object_get(entry, "names"), 0),
		     IDENTITY_NAME_MAX, r->dropped);
	if (json_is_string(json_object_get(entry, "metadata"))) {
		_cleanup_free_ char *text =
			strdup(json_string_value(json_object_get(entry, "metadata")));
		json_t *metadata = text ? document_parse(text, strlen(text)) : NULL;

		set_from(&r->i->image, metadata, "image-name", IDENTITY_IMAGE_MAX, r);
		json_decref(metadata);
	}
	return 1;
}

static int try_places(const char *root, const char *const *places, size_t n,
		      int (*use)(const json_t *document, const char *star, void *ctx),
		      struct reading *r)
{
	int ret = -ENOENT;

	for (size_t i = 0; i < n; i++) {
		int err = places_read(root, places[i], r->id, use, r);

		if (err > 0)
			return 0;
		if (err < 0 && ret == -ENOENT)
			ret = err;
	}
	return ret;
}

int bundle_read(const char *root, const char *cgroup, struct identity *ret, uint64_t *dropped)
{
	struct reading r = {.i = ret, .dropped = dropped, .in_pod = bundle_in_pod(cgroup)};
	char id[65];
	int err;

	if (!container_from_path(cgroup, id, &r.word))
		return -EINVAL;
	r.id = id;
	memcpy(ret->id, id, sizeof(id));
	if (strcmp(r.word, "unknown") != 0)
		set_word(&ret->runtime, r.word);

	if (!strcmp(r.word, "cri-o"))
		return try_places(root, storage_places, ARRAY_SIZE(storage_places), use_storage,
				  &r);
	if (!strcmp(r.word, "podman"))
		return try_places(root, storage_lists, ARRAY_SIZE(storage_lists), use_list, &r);
	err = try_places(root, containerd_places, ARRAY_SIZE(containerd_places), use_containerd,
			 &r);
	if (ret->runtime && !strcmp(ret->runtime, "docker"))
		err = try_places(root, docker_places, ARRAY_SIZE(docker_places), use_docker, &r);
	return err;
}

void bundle_who(const char *root, const char *cgroup, struct identity *ret)
{
	uint64_t dropped = 0;

	if (strncmp(cgroup, "/user.slice/user-", strlen("/user.slice/user-")) != 0)
		(void)bundle_read(root, cgroup, ret, &dropped);
}

/* ---- plain runc and crun ---- */

struct plain {
	char *bundle;
};

/* runc 1.0 to 1.3: config.labels of state.json has "bundle=PATH". */
static int use_runc(const json_t *document, const char *star, void *ctx)
{
	const json_t *labels = json_object_get(json_object_get(document, "config"), "labels");
	struct plain *p = ctx;

	for (size_t n = 0; n < json_array_size(labels) && !p->bundle; n++) {
		const char *label = json_string_value(json_array_get(labels, n));

		if (label && !strncmp(label, "bundle=/", strlen("bundle=/")))
			p->bundle = strdup(label + strlen("bundle=/"));
	}
	return 1;
}

/* crun 0.1 to 1.x: "bundle" of the file `status`. */
static int use_crun(const json_t *document, const char *star, void *ctx)
{
	const char *bundle = json_string_value(json_object_get(document, "bundle"));
	struct plain *p = ctx;

	if (bundle && bundle[0] == '/')
		p->bundle = strdup(bundle + 1);
	return 1;
}

/* Nobody documents what annotations mean without an engine: that the bundle is there and root's is all there is. */
static int use_plain(const json_t *document, const char *star, void *ctx)
{
	return 1;
}

int bundle_read_plain(const char *root, const char *name, struct identity *ret, uint64_t *dropped)
{
	static const struct {
		const char *runtime, *pattern;
		int (*use)(const json_t *document, const char *star, void *ctx);
	} plain[] = {
		{"runc", "run/runc/ID/state.json", use_runc},
		{"crun", "run/crun/ID/status", use_crun},
	};
	int err = -ENOENT;

	if (!name[0] || strlen(name) > IDENTITY_NAME_MAX || strchr(name, '/') ||
	    !strcmp(name, ".") || !strcmp(name, ".."))
		return -EINVAL;
	for (size_t n = 0; n < ARRAY_SIZE(plain); n++) {
		_cleanup_free_ char *path = NULL;
		struct plain p = {0};
		int r = places_read(root, plain[n].pattern, name, plain[n].use, &p);

		if (r < 0 && err == -ENOENT)
			err = r;
		if (r <= 0 || !p.bundle)
			continue;
		r = asprintf(&path, "%s/config.json", p.bundle) < 0 ? -ENOMEM : 0;
		free(p.bundle);
		if (!r)
			r = places_read(root, path, NULL, use_plain, NULL);
		if (r < 0)
			return r;
		set_word(&ret->runtime, plain[n].runtime);
		if (identity_set(&ret->name, name, strlen(name), IDENTITY_NAME_MAX))
			(*dropped)++;
		if (strlen(name) < sizeof(ret->id) && ret->name)
			strcpy(ret->id, name);
		return 0;
	}
	return err;
}
