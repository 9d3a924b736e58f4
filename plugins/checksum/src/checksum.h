/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SYMPHONY_CHECKSUM_H
#define SYMPHONY_CHECKSUM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* CRC-32/ISO-HDLC: reflected 0x04C11DB7, as in gzip, PNG and zip. */
uint32_t checksum_crc32(const uint8_t *data, uint64_t size);

typedef struct checksum_histogram {
    uint64_t counts[256];
    uint64_t size;
    uint32_t distinct;
    double entropy_bits; /* Shannon 1948, per byte: 0 to 8 */
} checksum_histogram;

void checksum_count(const uint8_t *data, uint64_t size, checksum_histogram *out);

#ifdef __cplusplus
}
#endif
#endif
