/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON that container runtimes write, and what it says of an identity. Values that do not fit are left out and
 * counted; they never spoil the rest of the document: an image that could make itself unreadable would be an image
 * that no policy selects.
 */
#ifndef LEASTCAP_DOCUMENT_H
#define LEASTCAP_DOCUMENT_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "subject/identity.h"

/* Parses an object or an array; changes text. NULL: it is neither. */
json_t *document_parse(char *text, size_t len);

/* A field from a string; NULL and JSON's null are "not said". */
void document_set(char **field, const json_t *value, size_t max, uint64_t *dropped);

/* Labels from an object of strings. */
void document_labels(struct identity *i, const json_t *object, uint64_t *dropped);

/*
 * What the Engine API answers to GET /containers/ID/json: Name with a "/" before it, Config.Image as it was asked for,
 * Config.Labels. Docker 1.10 to 28 and Podman 3 to 5 (its Docker-compatible part) say the same. HostConfig.Runtime is
 * the name of a program below the engine: not what `runtime` means here.
 */
void document_docker(struct identity *i, const json_t *inspect, uint64_t *dropped);

/*
 * The kubelet's labels, as dockershim and cri-dockerd give them to Docker, and CRI-O to its containers:
 * io.kubernetes.pod.name, io.kubernetes.pod.namespace, io.kubernetes.container.name. An image can have such labels of
 * its own: only for containers that the kubelet has made.
 */
void document_pod_from_labels(struct identity *i);

#endif
