/* SPDX-License-Identifier: Apache-2.0 */
#include "checksum.h"

#include <math.h>
#include <string.h>

uint32_t checksum_crc32(const uint8_t *data, uint64_t size) {
    /* One nibble at a time: 64 bytes of table, no set-up, no shared state. */
    static const uint32_t table[16] = {
        0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u, 0x4DB26158u, 0x5005713Cu,
        0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu, 0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu};
    uint32_t crc = 0xFFFFFFFFu;
    uint64_t i;
    for (i = 0; i < size; ++i) {
        crc ^= data[i];
        crc = table[crc & 15u] ^ (crc >> 4);
        crc = table[crc & 15u] ^ (crc >> 4);
    }
    return crc ^ 0xFFFFFFFFu;
}

void checksum_count(const uint8_t *data, uint64_t size, checksum_histogram *out) {
    uint64_t i;
    memset(out, 0, sizeof *out);
    out->size = size;
    for (i = 0; i < size; ++i) ++out->counts[data[i]];
    for (i = 0; i < 256; ++i) {
        double share;
        if (out->counts[i] == 0) continue;
        ++out->distinct;
        share = (double)out->counts[i] / (double)size;
        out->entropy_bits -= share * log2(share);
    }
    if (out->distinct < 2) out->entropy_bits = 0; /* and not minus zero */
}
