/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plugin gives the host: one exported function, symphony_plugin_v1(), pure and idempotent,
 * returning a constant descriptor. No static constructor, no registry, no other export.
 *
 * Thread tags: [control] one at a time for an instance, never during another control call;
 * [worker] a call thread: serial for an instance unless SYMPHONY_INSTANCE_CONCURRENT; must not block
 * unless SYMPHONY_INSTANCE_BLOCKING; [any] any thread at any time between create and destroy.
 *
 * Life: create -> init -> activate <-> deactivate -> destroy. invoke and cancel only while active.
 * The host keeps this order; a plugin never sees an illegal call (rule SYM-H-01).
 */
#ifndef SYMPHONY_ABI_PLUGIN_H
#define SYMPHONY_ABI_PLUGIN_H

#include <symphony/abi/base.h>
#include <symphony/abi/call.h>
#include <symphony/abi/host.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct symphony_instance symphony_instance; /* the plugin's own; opaque to the host */

#define SYMPHONY_INSTANCE_CONCURRENT 1u /* invoke may run on several threads at once */
#define SYMPHONY_INSTANCE_BLOCKING 2u   /* invoke may block: never entered on a compute thread */
#define SYMPHONY_INSTANCE_STATEFUL 4u   /* save_state and load_state are meaningful */

typedef struct symphony_instance_ops {
    uint32_t struct_size;
    uint32_t flags;
    symphony_status (*init)(symphony_instance *, symphony_error *);              /* [control] */
    const void *(*query)(symphony_instance *, symphony_str interface_id);        /* [any] NULL = none */
    symphony_status (*activate)(symphony_instance *, symphony_error *);          /* [control] */
    symphony_status (*invoke)(symphony_instance *, const symphony_call *);       /* [worker] */
    void (*cancel)(symphony_instance *, symphony_handle call_id);                /* [any] advisory */
    /* Returns when no call is in flight and no plugin thread runs, or `deadline`. [control] */
    symphony_status (*quiesce)(symphony_instance *, uint64_t deadline_ns, symphony_error *);
    symphony_status (*deactivate)(symphony_instance *, symphony_error *);        /* [control] */
    symphony_status (*save_state)(symphony_instance *, symphony_buf *out, symphony_error *);
    symphony_status (*load_state)(symphony_instance *, const symphony_buf *in, symphony_error *);
    void (*destroy)(symphony_instance *);                                        /* [control] */
} symphony_instance_ops;

/* What symphony_instance_ops.query answers for a port id the instance serves, such as "operator/1". */
typedef struct symphony_port_info {
    uint32_t struct_size;
    uint32_t method_max; /* highest method number it knows; newer ones fail with "unknown-method" */
} symphony_port_info;

typedef struct symphony_plugin {
    uint32_t struct_size;
    uint32_t magic; /* SYMPHONY_MAGIC */
    uint16_t abi_major;
    uint16_t abi_built;    /* minor of the headers it was compiled with */
    uint16_t abi_required; /* lowest host minor it can run in */
    uint16_t zero;
    uint32_t flags;
    uint32_t zero2;
    symphony_str id;      /* equals the manifest's */
    symphony_str version; /* equals the manifest's */
    /* Makes an instance. `config` is the effective configuration as one MessagePack map. On success
     * `*out` and `*ops` are set; on failure nothing is owed. [control] */
    symphony_status (*create)(const symphony_host *host, const symphony_buf *config,
                              symphony_instance **out, const symphony_instance_ops **ops,
                              symphony_error *error);
} symphony_plugin;

typedef const symphony_plugin *(*symphony_plugin_entry)(void);
#define SYMPHONY_ENTRY_NAME "symphony_plugin_v1"

#if defined(_WIN32)
#define SYMPHONY_EXPORT __declspec(dllexport)
#else
#define SYMPHONY_EXPORT __attribute__((visibility("default")))
#endif

/* The ELF note that says who a library is without running it: section ".note.symphony",
 * owner "Symphony", type 1, descriptor = this struct. */
#define SYMPHONY_NOTE_NAME "Symphony"
#define SYMPHONY_NOTE_TYPE 1u
typedef struct symphony_note {
    uint32_t struct_size;
    uint16_t abi_major;
    uint16_t abi_built;
    uint16_t abi_required;
    uint16_t zero;
    char id[104];     /* zero-terminated */
    char version[64]; /* zero-terminated */
    char sdk[16];     /* zero-terminated */
} symphony_note;

typedef struct symphony_note_section {
    uint32_t name_size, desc_size, type;
    char name[12]; /* "Symphony" padded to 4 */
    symphony_note desc;
} symphony_note_section;

#ifndef SYMPHONY_PLUGIN_ID /* set by symphony_add_plugin() from manifest.toml */
#define SYMPHONY_PLUGIN_ID "unnamed"
#define SYMPHONY_PLUGIN_VERSION "0.0.0"
#endif
#define SYMPHONY_SDK_VERSION "1.0.0"

#define SYMPHONY_NOTE_ABI_(major, built, required)                                                     \
    __attribute__((section(".note.symphony"), used, aligned(4))) static const struct                  \
        symphony_note_section symphony_note_section_ = {                                              \
            sizeof(SYMPHONY_NOTE_NAME), sizeof(symphony_note), SYMPHONY_NOTE_TYPE, SYMPHONY_NOTE_NAME, \
            {sizeof(symphony_note), major, built, required, 0, SYMPHONY_PLUGIN_ID,                    \
             SYMPHONY_PLUGIN_VERSION, SYMPHONY_SDK_VERSION}};

/* Put once, at file scope, in every plugin. */
#define SYMPHONY_NOTE() SYMPHONY_NOTE_ABI_(SYMPHONY_ABI_MAJOR, SYMPHONY_ABI_MINOR, SYMPHONY_TARGET_MINOR)

#ifdef __cplusplus
}
#endif
#endif
