/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SYMPHONY_ABI_SERVICES_ABOUT_H
#define SYMPHONY_ABI_SERVICES_ABOUT_H
#include <symphony/abi/base.h>
#ifdef __cplusplus
extern "C" {
#endif

/* What this host is and where its folders are. Only a plugin that runs in the host's process gets it: an isolated one sees
 * none of these folders, and knows by the NULL that it is isolated. */
#define SYMPHONY_HOST_ABOUT "symphony.host.about/1"

typedef struct symphony_host_about {
    uint32_t struct_size;
    uint32_t zero;
    /* A MessagePack map of texts: version (of the host), triple, program (its path), prefix (the folder that it is installed
     * in), and the user's folders config, state, cache, data: absolute paths that end in "symphony", empty where there is
     * none; extensions ("any", "signed" or "none": which plugins may be added), extensions_rule (the file that says so) and publishers (whom
     * "signed" means: public keys parted by blanks, "none" for nobody, empty for whom the user trusts). More keys may come. Counted buffer with one reference. [any] */
    symphony_status (*get)(void *ctx, symphony_buf *out, symphony_error *error);
} symphony_host_about;

#ifdef __cplusplus
}
#endif
#endif
