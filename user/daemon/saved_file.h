/* SPDX-License-Identifier: GPL-2.0-only */
/* Files that are replaced whole or not at all, also over a crash. All: 0 or -errno. */
#ifndef LEASTCAP_SAVED_FILE_H
#define LEASTCAP_SAVED_FILE_H

/* The text that a file is to have, on disk beside it: what needs room is done before anything is replaced. */
int file_stage(const char *dir, const char *name, const char *text);
/* It takes the place of the file. -ENOENT: there is none that waits. */
int file_place(const char *dir, const char *name);
/* The same, of which it is not made sure that it lasts: folder_sync(). */
int file_move(const char *dir, const char *name);
/* It is taken away. */
void file_drop(const char *dir, const char *name);

/* Both steps, for a file that changes alone. */
int saved_file_replace(const char *dir, const char *name, const char *text);
int saved_file_remove(const char *dir, const char *name); /* also where there is none */

/* Makes it where it is not there. */
int folder_ensure(const char *path);
/* What has come into a folder, or gone, has so on the disk, too. */
int folder_sync(const char *dir);

#endif
