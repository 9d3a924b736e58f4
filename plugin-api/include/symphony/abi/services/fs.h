/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SYMPHONY_ABI_SERVICES_FS_H
#define SYMPHONY_ABI_SERVICES_FS_H
#include <symphony/abi/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/* Files beneath granted roots. A root is a name the manifest asked for ("read:workspace"):
 *   workspace  the project folder (the current folder, or --workspace DIR)
 *   selected   what the user named on the command line of this run; `path` is then the path as typed
 *   config, cache, state, temp   the plugin's own folders
 * Paths are relative to the root, '/'-separated bytes. The host resolves beneath the root without
 * following symbolic links, and hands out regular files only. Rights may be patterns beneath a root
 * ("read:workspace/docs/<any>"): each request is held against them and the grants of the moment.
 *
 * A single file that was typed to be written may be replaced too: beside "out/a.svg" the names
 * "out/.a.svg.TOKEN.new", TOKEN of digits and dashes, can be made (with WRITE and CREATE, never over
 * something), renamed onto it and removed. What never takes its place goes with the plugin. */
#define SYMPHONY_HOST_FS "symphony.host.fs/1"

#define SYMPHONY_FS_READ 1u
#define SYMPHONY_FS_WRITE 2u
#define SYMPHONY_FS_CREATE 4u   /* with WRITE: make the file and missing folders above it */
#define SYMPHONY_FS_TRUNCATE 8u /* with WRITE */
#define SYMPHONY_FS_EXCLUSIVE 16u /* with CREATE: CONFLICT, "exists", when the file is there */

typedef struct symphony_host_fs {
    uint32_t struct_size;
    uint32_t zero;
    /* A close-on-exec descriptor of a regular file, owned by the caller. [any, may block] */
    symphony_status (*open)(void *ctx, symphony_str root, symphony_str path, uint32_t flags,
                            int32_t *fd_out, symphony_error *error);
    /* One folder's entries, sorted by name bytes: a MessagePack list of maps {name (bin: the raw
     * bytes), kind ("file" | "folder" | "symlink" | "other" | "unreadable"), size (bytes),
     * mtime_ns, error (only when unreadable)}. Counted buffer with one reference. [any, may block] */
    symphony_status (*list)(void *ctx, symphony_str root, symphony_str path, symphony_buf *out,
                            symphony_error *error);
    /* Atomically replaces `to` by `from`, both beneath the same root; makes missing folders above `to`.
     * [any, may block] */
    symphony_status (*rename)(void *ctx, symphony_str root, symphony_str from, symphony_str to,
                              symphony_error *error);
    symphony_status (*remove)(void *ctx, symphony_str root, symphony_str path, symphony_error *error);
    /* New, renamed and removed names in the folder `path` are on the disk, and so is the folder itself;
     * "" is the root. What a file holds is on the disk by fsync of its descriptor, its name by this.
     * Needs a right to write something in the folder. [any, may block] */
    symphony_status (*sync_folder)(void *ctx, symphony_str root, symphony_str path, symphony_error *error);
} symphony_host_fs;

#ifdef __cplusplus
}
#endif
#endif
