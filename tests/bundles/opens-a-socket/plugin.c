/* SPDX-License-Identifier: Apache-2.0 */
#include "fault.h"

#include <sys/socket.h>

static symphony_status invoke(symphony_instance *self, const symphony_call *call) {
    const int fd = self == NULL ? socket(AF_INET, SOCK_STREAM, 0) : 0; /* never: that it could is what shows */
    return answer(call, fd < 0 ? "no socket" : "well");
}
FAULT_PLUGIN
