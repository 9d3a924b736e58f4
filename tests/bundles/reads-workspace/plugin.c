/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <symphony/abi/services/fs.h>

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    const symphony_host *host = self->host;
    const symphony_host_fs *fs = host->query(host->ctx, (symphony_str){SYMPHONY_HOST_FS, sizeof SYMPHONY_HOST_FS - 1});
    symphony_error error = {sizeof error, 0, 0, 0, "", "", ""};
    char text[16] = "";
    int32_t fd = -1;
    if (fs == NULL) return SYMPHONY_E_NOT_GRANTED;
    if (fs->open(host->ctx, (symphony_str){"workspace", 9}, (symphony_str){"flow.toml", 9}, SYMPHONY_FS_READ, &fd, &error) < 0) {
        call->ops->fail(call->ctx, call->id, &error);
        return SYMPHONY_OK;
    }
    const ssize_t n = read(fd, text, 6);
    close(fd);
    return answer(call, n == 6 ? text : "nothing");
}
FAULT_PLUGIN
